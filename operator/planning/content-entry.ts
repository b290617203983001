import type { StateEntry } from '../model/committed.ts';

/** Not a resource: the digest of all that the bundle says, so that a new leader knows whether there is anything new. */
export const CONTENT_KEY = 'Content';

/** The same object where it says the same. */
export function contentEntry(digest: string, known: StateEntry | undefined): StateEntry {
  if ((known?.accepted as { digest?: string } | undefined)?.digest === digest && known !== undefined) return known;
  return { uid: '', generation: 0, accepted: { digest }, sequence: 0 };
}
