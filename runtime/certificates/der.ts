/** As much of DER (ITU-T X.690) as certificates need. */

export const UNIVERSAL = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const;

export function tlv(tag: number, ...contents: Uint8Array[]): Buffer {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from([0x80 | bytes.length, ...bytes]);
}

export function sequence(...contents: Uint8Array[]): Buffer {
  return tlv(UNIVERSAL.sequence, ...contents);
}

/** A non-negative integer from its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  const trimmed = bytes.subarray(start);
  const negative = ((trimmed[0] ?? 0) & 0x80) !== 0;
  return tlv(UNIVERSAL.integer, negative ? Buffer.concat([Buffer.from([0]), trimmed]) : trimmed);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const bytes = [first * 40 + second];
  for (const part of rest) {
    const groups = [part & 0x7f];
    for (let left = Math.floor(part / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(UNIVERSAL.oid, Buffer.from(bytes));
}

export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return tlv(UNIVERSAL.bitString, Buffer.from([unusedBits]), bytes);
}

/** UTCTime until 2049, GeneralizedTime from then on (RFC 5280 section 4.1.2.5). */
export function time(millis: number): Buffer {
  const text = `${new Date(millis).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  const short = Number(text.slice(0, 4)) < 2050;
  return tlv(short ? UNIVERSAL.utcTime : UNIVERSAL.generalizedTime, Buffer.from(short ? text.slice(2) : text));
}

/** Context-specific tag. */
export function tagged(number: number, constructed: boolean, ...contents: Uint8Array[]): Buffer {
  return tlv(0x80 | (constructed ? 0x20 : 0) | number, ...contents);
}
