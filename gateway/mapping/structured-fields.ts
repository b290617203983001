import type { ParameterContract } from '../../policy/mapping/contract.ts';
import { valueFromTexts } from './parameter-value.ts';
import { refuse } from './refusal.ts';

/**
 * Lists and maps in URL-encoded fields: `expand[0]=a&expand[1]=b`, `expand[]=a&expand[]=b`, `expand=a&expand=b`,
 * `metadata[order]=7`, `items[0][price]=p`. Parsers disagree about everything unusual (gaps, repeated and mixed keys, a
 * plain value beside members), so only what all of them read alike is read; the leaves are text.
 */
type Tree = Map<string, Tree | string>;

export interface StructuredField {
  /** The keys in the brackets, outermost first; '' for `[]`. */
  keys: string[];
  value: string;
}

const MAX_DEPTH = 8;
const BRACKETS = /^(?:\[[^[\]]*\])+$/;
const INDEX = /^(?:0|[1-9][0-9]{0,3})$/;

/** True for a parameter whose fields may be `name[...]` as well as `name`. */
export function isStructured({ in: place, type, wire }: ParameterContract): boolean {
  if (place !== 'query' && place !== 'form') return false;
  return type === 'object' || (type === 'array' && !wire.endsWith(']'));
}

/** The name before the first bracket: what may be the name of a structured parameter. */
export function baseName(name: string): string | undefined {
  const bracket = name.indexOf('[');
  return bracket <= 0 ? undefined : name.slice(0, bracket);
}

/** The keys of `metadata[a][b]`; none of `metadata`. @throws MappingError AEGIS_MAPPING_BODY */
export function fieldKeys(parameter: ParameterContract, name: string): string[] {
  const rest = name.slice(parameter.wire.length);
  if (rest === '') return [];
  const keys = BRACKETS.test(rest) ? rest.slice(1, -1).split('][') : [];
  if (keys.length === 0 || keys.length > MAX_DEPTH || keys.slice(0, -1).includes('')) malformed(parameter);
  return keys;
}

/** @throws MappingError AEGIS_MAPPING_DUPLICATE, AEGIS_MAPPING_MISTYPED, AEGIS_MAPPING_BODY */
export function structuredValue(parameter: ParameterContract, fields: readonly StructuredField[]): unknown {
  const texts = fields.map(({ value }) => value);
  const bare = fields.every(({ keys }) => keys.length === 0);
  // an empty text clears a map, as SDKs send it
  if (bare && parameter.type === 'object') return texts.join() === '' && texts.length === 1 ? {} : mistyped(parameter);
  if (bare || fields.every(({ keys }) => keys.length === 1 && keys[0] === '')) {
    return parameter.type === 'array' ? valueFromTexts(parameter, texts) : mistyped(parameter);
  }
  const root: Tree = new Map();
  for (const field of fields) grow(parameter, root, field);
  const value = withLists(root);
  if (parameter.type === 'object') return Array.isArray(value) ? mistyped(parameter) : value;
  if (!Array.isArray(value)) return mistyped(parameter);
  if (parameter.items === 'object') {
    return value.every((item) => typeof item === 'object' && !Array.isArray(item)) ? value : mistyped(parameter);
  }
  return value.every((item) => typeof item === 'string') ? valueFromTexts(parameter, value) : mistyped(parameter);
}

function grow(parameter: ParameterContract, root: Tree, { keys, value }: StructuredField): void {
  if (keys.length === 0 || keys.includes('') || keys.includes('__proto__')) malformed(parameter);
  let node = root;
  for (const key of keys.slice(0, -1)) {
    const next = node.get(key) ?? new Map();
    if (typeof next === 'string') duplicate(parameter);
    node.set(key, next);
    node = next;
  }
  const last = keys.at(-1) as string;
  if (node.has(last)) duplicate(parameter);
  node.set(last, value);
}

/** Members 0, 1, 2… in this order are a list; everything else is a map. */
function withLists(tree: Tree): unknown {
  const entries = [...tree].map(([key, value]) => [key, typeof value === 'string' ? value : withLists(value)] as const);
  const list = entries.every(([key], index) => INDEX.test(key) && Number(key) === index);
  return list ? entries.map(([, value]) => value) : Object.fromEntries(entries);
}

function malformed(parameter: ParameterContract): never {
  return refuse('AEGIS_MAPPING_BODY', 'The brackets of a field are malformed or nested too deep.', parameter.name);
}

function duplicate(parameter: ParameterContract): never {
  return refuse(
    'AEGIS_MAPPING_DUPLICATE',
    'A field occurs twice, or both as a value and with members.',
    parameter.name,
  );
}

function mistyped(parameter: ParameterContract): never {
  return refuse('AEGIS_MAPPING_MISTYPED', `The parameter must be an ${parameter.type}.`, parameter.name);
}
