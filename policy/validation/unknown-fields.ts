import type { FieldPath, LoadedResource } from '../resources/resource.ts';
import type { CrdSchema } from '../resources/schema.ts';
import { findingAt } from './finding-builder.ts';
import type { PlacedFinding } from './schema-rules.ts';
import { suggestName } from './suggest-name.ts';
import { propertySchema, visitSchema } from './visit-schema.ts';

/** An unknown field, and the known one it was probably meant to be. */
export interface UnknownField extends PlacedFinding {
  suggestion?: string;
}

/** Every field below `path` that the schema does not know. Maps and free-form objects have no unknown fields. */
export function findUnknownFields(
  resource: LoadedResource,
  value: unknown,
  schema: CrdSchema,
  path: FieldPath,
): UnknownField[] {
  const found: UnknownField[] = [];
  visitSchema(value, schema, path, (each, known, at) => {
    const { properties } = known;
    if (properties === undefined || typeof each !== 'object' || each === null || Array.isArray(each)) return;
    const names = Object.keys(each).filter((name) => propertySchema(known, name) === undefined);
    if (names.length === 0) return;
    const free = Object.keys(properties).filter((name) => !Object.hasOwn(each, name));
    for (const name of names) found.push(unknownField(resource, [...at, name], free, properties));
  });
  return found;
}

function unknownField(
  resource: LoadedResource,
  path: FieldPath,
  free: readonly string[],
  known: { readonly [name: string]: CrdSchema },
): UnknownField {
  const name = String(path.at(-1));
  const parents = Object.keys(known).filter((each) => Object.hasOwn(known[each]?.properties ?? {}, name));
  const suggestion = parents.length === 0 ? suggestName(name, free) : undefined;
  const shown = name.length > 60 ? `${name.slice(0, 59)}…` : name;
  const hint =
    parents.length > 0
      ? `Move it into ${parents.reverse().join(' or ')}.`
      : suggestion !== undefined
        ? `Did you mean ${suggestion}?`
        : `Fields that may stand here: ${Object.keys(known).join(', ')}.`;
  const finding = findingAt(resource, 'AEGIS_UNKNOWN_FIELD', path, `there is no field ${shown} here`, hint);
  finding.location = resource.locateKey(path);
  return suggestion === undefined ? { path, finding } : { path, finding, suggestion };
}
