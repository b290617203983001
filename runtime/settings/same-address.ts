import type { Address } from './value-types.ts';

export interface NamedAddress<K> {
  key: K;
  /** As it is shown; the key, or the key and an entry of its map. */
  name: string;
  address: Address | 'off';
}

const EVERY: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

function overlap(a: string, b: string): boolean {
  return a === b || EVERY.has(a) || EVERY.has(b);
}

/** Listeners that could not be opened beside an earlier one, each with a sentence that says so. */
export function sameAddresses<K>(listeners: readonly NamedAddress<K>[]): { key: K; message: string }[] {
  const found: { key: K; message: string }[] = [];
  const seen: { name: string; address: Address }[] = [];
  for (const { key, name, address } of listeners) {
    if (address === 'off' || address.port === 0) continue;
    const other = seen.find((each) => each.address.port === address.port && overlap(each.address.host, address.host));
    if (other !== undefined) found.push({ key, message: `${name} and ${other.name} are the same address.` });
    seen.push({ name, address });
  }
  return found;
}
