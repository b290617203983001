import { stat } from 'node:fs/promises';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { type KeyRing, makeKeyRing, parseKeyRing, pinKeys } from '../../policy/bundle/key-ring.ts';
import type { AegisError } from '../../policy/errors.ts';
import { markOf, readBounded, sourceError } from './read-files.ts';

const MAX_BYTES = 1024 * 1024;

export interface TrustedKeys {
  readonly ring: KeyRing;
  /** The file has changed and cannot be used: `ring` is what it said before. */
  readonly problem?: AegisError;
}

/**
 * The keys of mounted files (PEM, or the JSON of `formatKeyRing`), read again whenever one changes, so that a rotation
 * or revocation needs no restart. `pinned` are the only key ids that count, whatever the files say.
 * The function throws (`AEGIS_KEY_RING`, `AEGIS_KEY_FORMAT`, `AEGIS_BUNDLE_SOURCE`) only while it has no keys at all.
 */
export function keyFiles(
  files: readonly string[],
  options: { crypto: CryptoProvider; pinned?: ReadonlySet<string> },
): () => Promise<TrustedKeys> {
  const { crypto, pinned } = options;
  let known: { mark: string; ring: KeyRing } | undefined;
  const read = async (): Promise<KeyRing> => {
    const marks = await Promise.all(files.map(async (file) => markOf(await stat(file, { bigint: true }))));
    const mark = marks.join(' ');
    if (known?.mark === mark) return known.ring;
    const rings = await Promise.all(files.map((file) => readRing(file, crypto)));
    const all = makeKeyRing(
      rings.flatMap(({ keys }) => [...keys.values()]),
      rings.flatMap(({ revoked }) => [...revoked]),
    );
    known = { mark, ring: pinned === undefined ? all : pinKeys(all, pinned) };
    return known.ring;
  };
  return async () => {
    try {
      return { ring: await read() };
    } catch (error) {
      const problem = sourceError(error, files.join(', '));
      if (known === undefined) throw problem;
      return { ring: known.ring, problem };
    }
  };
}

async function readRing(file: string, crypto: CryptoProvider): Promise<KeyRing> {
  return parseKeyRing(new TextDecoder('utf-8', { fatal: true }).decode(await readBounded(file, MAX_BYTES)), crypto);
}
