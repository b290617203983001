import { isDecimalString, MAX_SIGNIFICANT_DIGITS } from '../decimal.ts';
import type { FieldPath, LoadedResource } from '../resources/resource.ts';
import type { CrdSchema } from '../resources/schema.ts';
import { findingAt } from './finding-builder.ts';
import type { PlacedFinding } from './schema-rules.ts';
import { visitSchema } from './visit-schema.ts';

const DECIMAL = /^-?[0-9]+(?:\.[0-9]+)?$/;

/** What the pattern of an amount cannot count: its digits. With more than these, amounts are not compared exactly. */
export function findInexactAmounts(
  resource: LoadedResource,
  value: unknown,
  schema: CrdSchema,
  path: FieldPath,
): PlacedFinding[] {
  const found: PlacedFinding[] = [];
  visitSchema(value, schema, path, (each, known, at) => {
    if (typeof each !== 'string' || !isAmount(known) || !DECIMAL.test(each) || isDecimalString(each)) return;
    const message = `${String(at.at(-1))} has more than ${MAX_SIGNIFICANT_DIGITS} significant digits`;
    found.push({ path: at, finding: findingAt(resource, 'AEGIS_SCHEMA_BOUNDS', at, message) });
  });
  return found;
}

/** Amounts are the only values that are whole numbers or such texts. */
function isAmount({ pattern = '', ...schema }: CrdSchema): boolean {
  return schema['x-kubernetes-int-or-string'] === true && /^\^(?:-\?)?\[0-9\]\{1,15\}/.test(pattern);
}
