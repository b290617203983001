import { isDecimalString, MAX_SIGNIFICANT_DIGITS } from '../decimal.ts';
import type { FieldPath, LoadedResource } from '../resources/resource.ts';
import type { CrdSchema } from '../resources/schema.ts';
import { findingAt } from './finding-builder.ts';
import type { PlacedFinding } from './schema-rules.ts';

const DECIMAL = /^-?[0-9]+(?:\.[0-9]+)?$/;

/** What the pattern of an amount cannot count: its digits. With more than these, amounts are not compared exactly. */
export function findInexactAmounts(
  resource: LoadedResource,
  value: unknown,
  schema: CrdSchema,
  path: FieldPath,
): PlacedFinding[] {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return [];
    return value.flatMap((each, index) => findInexactAmounts(resource, each, items, [...path, index]));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([name, each]) => {
      const known = Object.hasOwn(schema.properties ?? {}, name) ? schema.properties?.[name] : undefined;
      const property = known ?? schema.additionalProperties;
      return property === undefined ? [] : findInexactAmounts(resource, each, property, [...path, name]);
    });
  }
  if (typeof value !== 'string' || !isAmount(schema) || !DECIMAL.test(value) || isDecimalString(value)) return [];
  const message = `${String(path.at(-1))} has more than ${MAX_SIGNIFICANT_DIGITS} significant digits`;
  return [{ path, finding: findingAt(resource, 'AEGIS_SCHEMA_BOUNDS', path, message) }];
}

/** Amounts are the only values that are whole numbers or such texts. */
function isAmount({ pattern = '', ...schema }: CrdSchema): boolean {
  return schema['x-kubernetes-int-or-string'] === true && /^\^(?:-\?)?\[0-9\]\{1,15\}/.test(pattern);
}
