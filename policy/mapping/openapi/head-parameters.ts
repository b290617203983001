import type { ToolParameter } from '../../resources/types.generated.ts';
import { PER_CONNECTION } from '../contract.ts';
import { isObject, type JsonObject, Unusable } from './json.ts';
import { type Shape, shapeOf } from './schema-shape.ts';

/** Parameters by the name that policies use. */
export type Declared = Map<string, ToolParameter>;

/** Those that OpenAPI itself says are described elsewhere (Parameter Object, "in"). */
const IGNORED_HEADERS: ReadonlySet<string> = new Set(['accept', 'content-type', 'authorization']);

const SCALARS: ReadonlySet<string> = new Set(['string', 'integer', 'number', 'boolean']);

function pathParameter(name: string, shape: Shape | undefined, parameter: JsonObject): ToolParameter {
  if (parameter.style !== undefined && parameter.style !== 'simple') {
    throw new Unusable(`the path parameter "${name}" has the style ${String(parameter.style).slice(0, 20)}`);
  }
  const type = shape !== undefined && SCALARS.has(shape.type) ? shape.type : 'string';
  return { in: 'path', type, required: true };
}

/** A list is one only where each element is a field of its own; lists in one text are text. */
function queryParameter(shape: Shape | undefined, parameter: JsonObject): ToolParameter | undefined {
  const style = parameter.style ?? 'form';
  if (isObject(parameter.content)) return { in: 'query', type: 'string' };
  if (shape === undefined) return { in: 'query', type: 'string' };
  if (shape.type === 'array') {
    const exploded = style === 'deepObject' || (style === 'form' && parameter.explode !== false);
    const { items = 'string' } = shape;
    return exploded ? { in: 'query', type: 'array', items } : { in: 'query', type: 'string' };
  }
  if (shape.type !== 'object') return { in: 'query', type: shape.type };
  if (style === 'deepObject') return { in: 'query', type: 'object' };
  // An exploded object gives its members as fields of their own names, which nothing here declares.
  return parameter.explode === false ? { in: 'query', type: 'string' } : undefined;
}

function headerParameter(name: string, shape: Shape | undefined): ToolParameter | undefined {
  const lower = name.toLowerCase();
  if (IGNORED_HEADERS.has(lower) || PER_CONNECTION.has(lower)) return undefined;
  return { in: 'header', type: shape !== undefined && SCALARS.has(shape.type) ? shape.type : 'string' };
}

function toolParameter(root: JsonObject, name: string, parameter: JsonObject): ToolParameter | undefined {
  const shape = isObject(parameter.schema) ? shapeOf(root, parameter.schema) : undefined;
  if (parameter.in === 'path') return pathParameter(name, shape, parameter);
  if (parameter.in === 'query') return queryParameter(shape, parameter);
  // Cookies pass as any other header; nothing reads them.
  return parameter.in === 'header' ? headerParameter(name, shape) : undefined;
}

/** What stands in path, query and headers. A name that occurs in two of them is told apart by the place. */
export function headParameters(root: JsonObject, parameters: readonly JsonObject[]): Declared {
  const declared: Declared = new Map();
  for (const parameter of parameters) {
    const name = String(parameter.name);
    const made = toolParameter(root, name, parameter);
    if (made === undefined) continue;
    const taken = declared.has(name);
    declared.set(taken ? `${made.in}.${name}` : name, {
      ...made,
      ...(taken && { name }),
      ...(parameter.required === true && { required: true }),
    });
  }
  return declared;
}
