import type { CrdSchema } from '../resources/schema.ts';

/** A JSON Schema (draft 7) as far as structural schemas need it. */
export interface JsonSchema {
  [keyword: string]: unknown;
}

/** Keywords that mean the same in both dialects. */
const SHARED = [
  'description',
  'format',
  'enum',
  'default',
  'pattern',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'required',
] as const satisfies readonly (keyof CrdSchema)[];

/** Formats that only say how large a number may be; `minimum` and `maximum` say it already. */
const NUMBER_FORMATS = new Set(['int32', 'int64']);

/**
 * The JSON Schema of a structural schema. `nullable` is left out on purpose: it only keeps the API server from dropping
 * empty fields, which Aegis refuses. With `closed`, unknown properties are refused (for editors).
 */
export function toJsonSchema(schema: CrdSchema, options: { closed: boolean }): JsonSchema {
  const result: JsonSchema = {};
  if (schema['x-kubernetes-int-or-string']) result.type = ['integer', 'string'];
  else if (schema.type !== undefined) result.type = schema.type;
  for (const keyword of SHARED) {
    if (schema[keyword] !== undefined) result[keyword] = schema[keyword];
  }
  if (NUMBER_FORMATS.has(schema.format ?? '')) delete result.format;
  if (schema.properties !== undefined) {
    result.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, each]) => [name, toJsonSchema(each, options)]),
    );
    if (options.closed) result.additionalProperties = false;
  }
  if (schema.additionalProperties !== undefined) {
    result.additionalProperties = toJsonSchema(schema.additionalProperties, options);
  }
  if (schema.items !== undefined) result.items = toJsonSchema(schema.items, options);
  if (schema['x-kubernetes-list-type'] === 'set') result.uniqueItems = true;
  return result;
}
