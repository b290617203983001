import type { WireType } from '../contract.ts';
import { isObject, type JsonObject } from './json.ts';
import { listAt, objectAt, resolve } from './reference.ts';

/** What a schema says of the one type that a value must have. */
export interface Shape {
  type: WireType;
  /** Of an array: the type of its elements where they have one. */
  items?: Exclude<WireType, 'array'>;
  /** A file, in a multipart body. */
  binary: boolean;
  /** Of an object: its declared members, and whether it takes others. */
  properties: Map<string, unknown>;
  required: ReadonlySet<string>;
  closed: boolean;
}

const TYPES: ReadonlySet<string> = new Set(['string', 'integer', 'number', 'boolean', 'array', 'object']);
/** References, `allOf` and `items` inside each other; also what ends a schema that contains itself. */
const MAX_DEPTH = 12;
/** Schemas that one shape may be put together from. */
const MAX_PARTS = 500;
const UNTYPED = ['oneOf', 'anyOf', 'not', 'if', '$dynamicRef', 'discriminator'];

interface Merged {
  parts: number;
  types: Set<string>;
  untyped: boolean;
  binary: boolean;
  items: unknown;
  properties: Map<string, unknown>;
  required: Set<string>;
  closed: boolean;
}

/** `type`, also as the list of OpenAPI 3.1, without null: a null is not sent where a value is declared. */
function typesOf(schema: JsonObject): string[] {
  const named = Array.isArray(schema.type) ? schema.type : [schema.type];
  const types = named.filter((type): type is string => typeof type === 'string' && type !== 'null');
  if (types.length > 0) return types;
  if (isObject(schema.properties)) return ['object'];
  if (schema.items !== undefined) return ['array'];
  const values = Array.isArray(schema.enum) ? schema.enum : schema.const === undefined ? [] : [schema.const];
  return values.length > 0 && values.every((value) => typeof value === 'string') ? ['string'] : [];
}

/** A schema with what it refers to and what its `allOf` adds; siblings of a reference count, as in OpenAPI 3.1. */
function collect(root: JsonObject, value: unknown, into: Merged, depth: number): void {
  if (depth > MAX_DEPTH || ++into.parts > MAX_PARTS || !isObject(value)) {
    into.untyped = true;
    return;
  }
  if (typeof value.$ref === 'string') collect(root, resolve(root, { $ref: value.$ref }), into, depth + 1);
  for (const part of listAt(value, 'allOf')) collect(root, part, into, depth + 1);
  into.untyped ||= UNTYPED.some((keyword) => Object.hasOwn(value, keyword));
  for (const type of typesOf(value)) into.types.add(type);
  into.binary ||= value.format === 'binary' || value.contentMediaType !== undefined;
  into.items ??= value.items;
  for (const [name, property] of Object.entries(objectAt(value, 'properties') ?? {})) {
    // Two statements about one member would have to be joined; whatever that gives is not plain any more.
    into.properties.set(name, into.properties.has(name) ? { not: {} } : property);
  }
  for (const name of listAt(value, 'required')) if (typeof name === 'string') into.required.add(name);
  into.closed ||= value.additionalProperties === false || value.unevaluatedProperties === false;
}

/** `undefined` where the schema leaves the type open, or does not end. */
export function shapeOf(root: JsonObject, schema: unknown, depth = 0): Shape | undefined {
  const merged: Merged = {
    parts: 0,
    types: new Set(),
    untyped: false,
    binary: false,
    items: undefined,
    properties: new Map(),
    required: new Set(),
    closed: false,
  };
  collect(root, schema, merged, depth);
  const [type] = merged.types;
  if (merged.untyped || merged.types.size !== 1 || type === undefined || !TYPES.has(type)) return undefined;
  const { properties, required, closed } = merged;
  const element = type === 'array' && merged.items !== undefined ? shapeOf(root, merged.items, depth + 1) : undefined;
  return {
    type: type as WireType,
    ...(element !== undefined && element.type !== 'array' && { items: element.type }),
    binary: merged.binary || element?.binary === true,
    properties,
    required,
    closed,
  };
}
