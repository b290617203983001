import type { Resource } from '../resources/resource.ts';
import type { CrdSchema } from '../resources/schema.ts';
import { KIND_SCHEMAS } from '../resources/schemas.generated.ts';

/**
 * The resource as the API server stores it: every absent field with a default has it (`status` too). Returns a new
 * object and never changes the given one; parts without a default to fill are shared between the two. Resources of
 * other kinds are returned as they are. Fields that are left empty (null) stay so, because validation refuses them.
 */
export function applyDefaults<T extends Resource>(resource: T): T {
  const known = Object.hasOwn(KIND_SCHEMAS, resource.kind);
  if (!known) return resource;
  return withDefaults(resource, KIND_SCHEMAS[resource.kind as keyof typeof KIND_SCHEMAS].schema) as T;
}

/** `value` with the defaults of `schema`; the same reference where nothing was missing. */
export function withDefaults(value: unknown, schema: CrdSchema): unknown {
  if (Array.isArray(value)) return schema.items === undefined ? value : listWithDefaults(value, schema.items);
  if (typeof value !== 'object' || value === null) return value;
  const record = value as Record<string, unknown>;
  const changes: [string, unknown][] = [];
  for (const [name, property] of fieldsOf(record, schema)) {
    const present = Object.hasOwn(record, name);
    const before = present ? record[name] : copy(property.default);
    const after = withDefaults(before, property);
    if (after !== before || (!present && after !== undefined)) changes.push([name, after]);
  }
  return changes.length === 0 ? value : { ...record, ...Object.fromEntries(changes) };
}

/** The fields of `record` that may need defaults, present or not, with their schemas. */
function fieldsOf(record: Record<string, unknown>, schema: CrdSchema): [string, CrdSchema][] {
  const { properties, additionalProperties } = schema;
  if (additionalProperties !== undefined) return Object.keys(record).map((name) => [name, additionalProperties]);
  return Object.entries(properties ?? {});
}

function listWithDefaults(list: unknown[], items: CrdSchema): unknown[] {
  const filled = list.map((each) => withDefaults(each, items));
  return filled.some((each, index) => each !== list[index]) ? filled : list;
}

/** Defaults are JSON; whoever gets one may change it. */
function copy(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? JSON.parse(JSON.stringify(value)) : value;
}
