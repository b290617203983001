import { gzipSync, Inflate } from 'fflate';
import { AegisError } from '../errors.ts';
import { concatBytes, equalBytes } from './encoding.ts';
import type { BundleLimits } from './limits.ts';

/** RFC 1952 header as we write it: deflate, no flags, no time, no extra flags, OS 3. Any other is refused. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3);
const TRAILER_BYTES = 8;
const CHUNK_BYTES = 8 * 1024;
const LEVEL = 6;

/** Deterministic gzip: the same bytes for the same input, on every machine (fflate is pure JavaScript and pinned). */
export function gzip(bytes: Uint8Array): Uint8Array {
  return gzipSync(bytes, { level: LEVEL, mtime: 0 });
}

/**
 * Unpacks exactly one gzip member with exactly our header, and stops as soon as the output exceeds the limit.
 * @throws AegisError `AEGIS_BUNDLE_TRUNCATED`, `AEGIS_BUNDLE_CORRUPT`, `AEGIS_BUNDLE_TOO_LARGE`.
 */
export function gunzip(bytes: Uint8Array, limits: BundleLimits): Uint8Array {
  if (bytes.length > limits.maxArchiveBytes) {
    throw new AegisError('AEGIS_BUNDLE_TOO_LARGE', `the archive has more than ${limits.maxArchiveBytes} bytes`);
  }
  const start = bytes.subarray(0, HEADER.length);
  if (!equalBytes(start, HEADER.subarray(0, start.length))) {
    throw new AegisError('AEGIS_BUNDLE_CORRUPT', 'not a gzip archive in the form that Aegis writes');
  }
  if (bytes.length < HEADER.length + 2 + TRAILER_BYTES) {
    throw new AegisError('AEGIS_BUNDLE_TRUNCATED', 'the archive ends within its gzip frame');
  }
  const end = bytes.length - TRAILER_BYTES;
  const output = inflate(bytes.subarray(HEADER.length, end), limits.maxTotalBytes);
  const trailer = new DataView(bytes.buffer, bytes.byteOffset + end, TRAILER_BYTES);
  if (trailer.getUint32(4, true) !== output.length || trailer.getUint32(0, true) !== crc32(output)) {
    throw new AegisError('AEGIS_BUNDLE_CORRUPT', 'the checksum of the archive is wrong');
  }
  return output;
}

/** The part of fflate's stream state that tells where the deflate stream ended (0.8: private, hence the guard). */
interface InflateState {
  s: { f?: number; l?: unknown; p?: number };
  p: Uint8Array;
}

function inflate(deflated: Uint8Array, limit: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let total = 0;
  const stream = new Inflate((part) => {
    total += part.length;
    parts.push(part);
  });
  try {
    for (let at = 0; at < deflated.length; at += CHUNK_BYTES) {
      stream.push(deflated.subarray(at, at + CHUNK_BYTES), false);
      // one chunk can grow by a factor of 1032 at most, so this overshoots by less than 9 MiB
      if (total > limit)
        throw new AegisError('AEGIS_BUNDLE_TOO_LARGE', `the archive unpacks to more than ${limit} bytes`);
    }
  } catch (error) {
    if (error instanceof AegisError) throw error;
    throw new AegisError('AEGIS_BUNDLE_CORRUPT', 'the compressed data is damaged', { cause: error });
  }
  checkEnd(stream as unknown as InflateState);
  return concatBytes(...parts);
}

/** The stream must end with its last byte, and the unused bits of that byte must be zero: nothing can hide there. */
function checkEnd(state: InflateState): void {
  if (!(state.p instanceof Uint8Array) || typeof state.s !== 'object') {
    throw new AegisError('AEGIS_INTERNAL', 'this version of fflate hides the end of the stream');
  }
  const { f: sawLastBlock, l: openBlock, p: bit } = state.s;
  if (!sawLastBlock || openBlock) throw new AegisError('AEGIS_BUNDLE_TRUNCATED', 'the compressed data ends too early');
  const used = bit === undefined || bit === 0 ? 0 : 1;
  if (state.p.length !== used || (used === 1 && (state.p[0] as number) >> (bit as number) !== 0)) {
    throw new AegisError('AEGIS_BUNDLE_CORRUPT', 'something follows the compressed data');
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
  return c >>> 0;
});

/** RFC 1952 section 8. Finds damage, not forgery. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) {
    crc = (CRC_TABLE[(crc ^ (bytes[i] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
