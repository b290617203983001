import type { FieldPath, LoadedResource } from '../resources/resource.ts';
import type { CrdSchema } from '../resources/schema.ts';
import { findingAt } from './finding-builder.ts';
import type { PlacedFinding } from './schema-rules.ts';
import { visitSchema } from './visit-schema.ts';

/** Entries that stand twice in a list whose entries (`set`) or whose keys (`map`) must differ. */
export function findDuplicateEntries(
  resource: LoadedResource,
  value: unknown,
  schema: CrdSchema,
  path: FieldPath,
): PlacedFinding[] {
  const found: PlacedFinding[] = [];
  visitSchema(value, schema, path, (each, known, at) => {
    if (Array.isArray(each)) for (const finding of duplicates(resource, each, known, at)) found.push(finding);
  });
  return found;
}

function duplicates(resource: LoadedResource, list: unknown[], schema: CrdSchema, path: FieldPath): PlacedFinding[] {
  const keys = schema['x-kubernetes-list-type'] === 'map' ? (schema['x-kubernetes-list-map-keys'] ?? []) : [];
  if (keys.length === 0 && schema['x-kubernetes-list-type'] !== 'set') return [];
  const first = new Map<string, number>();
  const found: PlacedFinding[] = [];
  list.forEach((entry, index) => {
    const identity = keys.length === 0 ? JSON.stringify(entry) : identityOf(entry, keys);
    if (identity === undefined) return;
    const earlier = first.get(identity);
    if (earlier === undefined) {
      first.set(identity, index);
      return;
    }
    const at = keys.length === 1 ? [...path, index, keys[0] as string] : [...path, index];
    const what = keys.length === 0 ? identity : `the ${keys.join(' and ')} ${identity}`;
    const message = `${what} stands twice in ${String(path.at(-1))}: entries ${earlier + 1} and ${index + 1}`;
    found.push({ path: at, finding: findingAt(resource, 'AEGIS_SCHEMA_DUPLICATE', at, message) });
  });
  return found;
}

function identityOf(entry: unknown, keys: readonly string[]): string | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const values = keys.map((key) => (entry as Record<string, unknown>)[key]);
  return values.some((each) => each === undefined) ? undefined : values.map((each) => JSON.stringify(each)).join(' ');
}
