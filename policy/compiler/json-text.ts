import { canonicalJson, compareUtf8 } from '../bundle/canonical-json.ts';

/** A canonical JSON object from values that are canonical JSON already: large parts are written once and shared. */
export function objectText(members: Iterable<readonly [name: string, text: string]>): string {
  const sorted = [...members].sort(([a], [b]) => compareUtf8(a, b));
  return `{${sorted.map(([name, text]) => `${canonicalJson(name)}:${text}`).join(',')}}`;
}

export function arrayText(items: readonly string[]): string {
  return `[${items.join(',')}]`;
}
