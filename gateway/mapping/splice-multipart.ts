import { type Part, parseMultipart } from './multipart.ts';

/** Quotes and escapes in a name would be read differently, so a part is only ever added under a plain name. */
const PLAIN_NAME = /^[^"\\%\r\n]+$/;

function newPart(boundary: string, name: string, value: string): Buffer {
  return Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`);
}

/** A kept part's delimiter line, headers and content, and the line end after it. */
function pieces(body: Buffer, part: Part, value: string | undefined): Buffer[] {
  const after = body.subarray(part.end, part.end + 2);
  const content = value === undefined ? body.subarray(part.start, part.end) : Buffer.from(value);
  return [body.subarray(part.at, part.start), content, after];
}

/**
 * The body with `values` as the text parts of the name `wire`; every other byte stays. `undefined` where that cannot
 * be done: files cannot be rewritten, only left out, and a part that says how long it is keeps its length.
 */
export function spliceMultipart(
  bytes: Uint8Array,
  boundary: string,
  wire: string,
  values: readonly string[],
): Buffer | undefined {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const { parts, close } = parseMultipart(bytes, boundary);
  const own = parts.filter(({ name }) => name === wire);
  const spliced: Buffer[] = [];
  for (const part of parts) {
    const nth = own.indexOf(part);
    const value = values[nth];
    if (nth < 0) spliced.push(...pieces(body, part, undefined));
    else if (value !== undefined) {
      if (part.filename !== undefined) return undefined;
      spliced.push(...pieces(body, part, value));
    }
  }
  const added = values.slice(own.length);
  if (added.length > 0 && !PLAIN_NAME.test(wire)) return undefined;
  return Buffer.concat([...spliced, ...added.map((value) => newPart(boundary, wire, value)), body.subarray(close)]);
}
