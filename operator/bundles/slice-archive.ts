/**
 * The `.tar.gz` that gateways take, put together from parts: each file of the archive is compressed by itself, up to a
 * byte boundary (a deflate sync flush), and the parts one after the other are one gzip member. So the engine, which is
 * most of a slice, is compressed once, and an agent's data once per version of it.
 */
import { constants, crc32, deflateRawSync } from 'node:zlib';
import { concatBytes } from '../../policy/bundle/encoding.ts';
import { writeTar } from '../../policy/bundle/tar.ts';

/** As `policy/bundle/gzip.ts` demands it. */
const HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3);
const BLOCK = 512;
/** Of a tar archive: two blocks of zeros. */
const END_BYTES = 2 * BLOCK;
const LEVEL = 6;

/** One entry of a tar archive. */
interface Part {
  /** Header, content, padding. The content is the file itself, so that it is not kept twice. */
  raw: readonly Uint8Array[];
  deflated: Uint8Array;
}

/** Ends both the archive and the stream. */
const END: Part = {
  raw: [new Uint8Array(END_BYTES)],
  deflated: deflateRawSync(new Uint8Array(END_BYTES), { level: LEVEL }),
};

/** Parts that may stand in several archives; they live as long as the bytes of their file do. */
const parts = new WeakMap<Uint8Array, Map<string, Part>>();

/**
 * @param files sorted by name, as a slice has them; their bytes must never change.
 * @returns one archive that `verifyBundle` reads; equal in content, not in bytes, to what `packBundle` makes.
 */
export function packArchive(files: ReadonlyMap<string, { readonly bytes: Uint8Array }>): Uint8Array {
  const entries = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const all = [...entries.map(([name, { bytes }]) => partOf(name, bytes)), END];
  let crc = 0;
  let length = 0;
  for (const bytes of all.flatMap(({ raw }) => raw)) {
    crc = crc32(bytes, crc);
    length += bytes.length;
  }
  const trailer = new Uint8Array(8);
  const view = new DataView(trailer.buffer);
  view.setUint32(0, crc, true);
  view.setUint32(4, length >>> 0, true);
  return concatBytes(HEADER, ...all.map(({ deflated }) => deflated), trailer);
}

function partOf(name: string, bytes: Uint8Array): Part {
  let byName = parts.get(bytes);
  if (byName === undefined) {
    byName = new Map();
    parts.set(bytes, byName);
  }
  let part = byName.get(name);
  if (part === undefined) {
    const tar = writeTar(new Map([[name, bytes]]));
    const entry = tar.subarray(0, tar.length - END_BYTES);
    part = {
      raw: [tar.slice(0, BLOCK), bytes, new Uint8Array(entry.length - BLOCK - bytes.length)],
      deflated: deflateRawSync(entry, { level: LEVEL, finishFlush: constants.Z_SYNC_FLUSH }),
    };
    byName.set(name, part);
  }
  return part;
}
