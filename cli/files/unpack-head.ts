import { HEAD_FILE } from '../../policy/bundle/file-names.ts';
import { gunzip } from '../../policy/bundle/gzip.ts';
import { DEFAULT_LIMITS } from '../../policy/bundle/limits.ts';
import { readTar } from '../../policy/bundle/tar.ts';

/** `manifest.json` of an archive, unverified. @throws AegisError like `verifyBundle` for a broken archive. */
export function unpackHead(archive: Uint8Array): Uint8Array | undefined {
  return readTar(gunzip(archive, DEFAULT_LIMITS), DEFAULT_LIMITS).get(HEAD_FILE);
}
