import type { CelInput } from '@bufbuild/cel';
import type { CrdSchema } from '../resources/schema.ts';

/** Words that CEL reserves; Kubernetes makes such a field available as `__word__`. */
const RESERVED = new Set(
  (
    'true false null in as break const continue else for function if import let loop package namespace return var ' +
    'void while'
  ).split(' '),
);

/** The name of a field in CEL expressions, escaped as the API server escapes it (names here have no signs). */
export function celName(field: string): string {
  return RESERVED.has(field) ? `__${field}__` : field;
}

/**
 * The CEL value of `value` as the API server sees it: declared fields only (unknown ones are invisible to rules),
 * integers as CEL int, empty fields as absent.
 */
export function toCelValue(value: unknown, schema: CrdSchema): CelInput {
  if (Array.isArray(value)) return value.map((each) => toCelValue(each, schema.items ?? {}));
  if (typeof value === 'number') {
    const whole = schema.type !== 'number' && Number.isSafeInteger(value);
    return whole ? BigInt(value) : value;
  }
  if (typeof value !== 'object' || value === null) return value as string | boolean | null;
  const result = new Map<string, CelInput>();
  for (const [name, each] of Object.entries(value)) {
    const property = Object.hasOwn(schema.properties ?? {}, name)
      ? schema.properties?.[name]
      : schema.additionalProperties;
    if (property === undefined || each === null || each === undefined) continue;
    if (isVisible(property))
      result.set(schema.properties === undefined ? name : celName(name), toCelValue(each, property));
  }
  return result;
}

/** Values without a type are invisible to CEL rules of the API server. */
function isVisible(schema: CrdSchema): boolean {
  return schema.type !== undefined || schema['x-kubernetes-int-or-string'] === true;
}
