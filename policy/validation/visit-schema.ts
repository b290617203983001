import type { FieldPath } from '../resources/resource.ts';
import type { CrdSchema } from '../resources/schema.ts';

/** Told every value that the schema knows, the outer ones first. */
export type SchemaVisitor = (value: unknown, schema: CrdSchema, path: FieldPath) => void;

/** Walks a value along its schema; what the schema does not know is not entered. */
export function visitSchema(value: unknown, schema: CrdSchema, path: FieldPath, visit: SchemaVisitor): void {
  visit(value, schema, path);
  if (Array.isArray(value)) {
    const { items } = schema;
    if (items === undefined) return;
    for (const [index, each] of value.entries()) visitSchema(each, items, [...path, index], visit);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [name, each] of Object.entries(value)) {
    const property = propertySchema(schema, name);
    if (property !== undefined) visitSchema(each, property, [...path, name], visit);
  }
}

/** The schema of a member: its own, or the one of all members of a map. */
export function propertySchema({ properties, additionalProperties }: CrdSchema, name: string): CrdSchema | undefined {
  return properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : additionalProperties;
}
