import { gzip } from './gzip.ts';
import { writeTar } from './tar.ts';

/** The archive of a bundle or slice: deterministic tar, deterministic gzip. Stock OPA reads that of a bundle. */
export function packBundle(bundle: {
  readonly files: ReadonlyMap<string, { readonly bytes: Uint8Array }>;
}): Uint8Array {
  const files = new Map<string, Uint8Array>();
  for (const [name, file] of bundle.files) files.set(name, file.bytes);
  return gzip(writeTar(files));
}
