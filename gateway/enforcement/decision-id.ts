/**
 * Decision ids: UUIDv7 (RFC 9562 section 5.7), so that they sort by time; 74 random bits make them unguessable.
 * Randomness is drawn in blocks, because one small draw costs more than the rest of the id.
 */
const BLOCK = 10 * 256;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

export function createDecisionIds(now: () => number, randomBytes: (size: number) => Uint8Array): () => string {
  let block: Uint8Array = new Uint8Array(0);
  let at = 0;
  const byte = (): number => block[at++] as number;
  const hex = (value: number): string => HEX[value] as string;
  return () => {
    if (at + 10 > block.length) {
      block = randomBytes(BLOCK);
      at = 0;
    }
    const time = Math.trunc(now()).toString(16).padStart(12, '0').slice(-12);
    const version = hex(0x70 | (byte() & 0x0f)) + hex(byte());
    const variant = hex(0x80 | (byte() & 0x3f)) + hex(byte());
    const node = hex(byte()) + hex(byte()) + hex(byte()) + hex(byte()) + hex(byte()) + hex(byte());
    return `${time.slice(0, 8)}-${time.slice(8)}-${version}-${variant}-${node}`;
  };
}
