/**
 * Splits long payloads where their content says so (a rolling "gear" hash), so that an insertion changes the piece it
 * is in and leaves the ones behind it as they are.
 */
const MIN_PIECE = 64 * 1024;
/** In deflate's worst case still far below what a ConfigMap takes (768 KiB before base64). */
export const MAX_PIECE = 512 * 1024;
/** Payloads up to this stay in one piece. */
export const WHOLE_PIECE = 320 * 1024;
/** Seventeen bits: beyond the least length, pieces are 128 KiB long on average. */
const MASK = 0x1ffff << 15;

const GEAR = gearTable();

/** Pieces of 64 to 512 KiB (the last may be shorter), views of the payload. */
export function splitPayload(payload: Uint8Array): Uint8Array[] {
  if (payload.length <= WHOLE_PIECE) return [payload];
  const pieces: Uint8Array[] = [];
  let start = 0;
  while (start < payload.length) {
    const end = cutAfter(payload, start);
    pieces.push(payload.subarray(start, end));
    start = end;
  }
  return pieces;
}

function cutAfter(payload: Uint8Array, start: number): number {
  const limit = Math.min(payload.length, start + MAX_PIECE);
  let hash = 0;
  for (let at = start + MIN_PIECE; at < limit; at++) {
    hash = ((hash << 1) + (GEAR[payload[at] as number] as number)) | 0;
    if ((hash & MASK) === 0) return at + 1;
  }
  return limit;
}

/** Any fixed table of scattered numbers will do (here xorshift32); it must never change. */
function gearTable(): Int32Array {
  let state = 0x9e3779b9 | 0;
  return Int32Array.from({ length: 256 }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state;
  });
}
