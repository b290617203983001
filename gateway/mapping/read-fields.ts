import type { ParameterContract } from '../../policy/mapping/contract.ts';
import type { ActionPlan, JsonPlan } from './action-plan.ts';
import { fieldPaths, shadows } from './field-name.ts';
import { isIndex, isPlainObject, pointed } from './json-pointer.ts';
import type { Pairs } from './pairs.ts';
import { valueFromJson, valueFromText, valueFromTexts } from './parameter-value.ts';
import { refuse } from './refusal.ts';
import { baseName, fieldKeys, isStructured, type StructuredField, structuredValue } from './structured-fields.ts';

/** Reads the declared parameters out of one place of a request, and judges what is not declared. */
export type Params = Record<string, unknown>;

/** Rails, Symfony, Google APIs, Salesforce and others read the real method from these fields. */
const OVERRIDE_FIELDS: ReadonlySet<string> = new Set([
  '_method',
  '_httpmethod',
  '$httpmethod',
  'x_http_method',
  'x_http_method_override',
  'x_method_override',
]);

/** Before the first bracket, and without leading space, as PHP reads a name; `-`, `.` and space are one. */
function isOverride(name: string): boolean {
  const [plain = ''] = name
    .trim()
    .replace(/^[[\]]+/, '')
    .split(/[[\]]/, 1);
  return OVERRIDE_FIELDS.has(plain.toLowerCase().replaceAll(/[-. ]/g, '_'));
}

function checkUndeclared(plan: ActionPlan, name: string, where: string, declaredHere: boolean): void {
  if (isOverride(name)) refuse('AEGIS_MAPPING_HEADER', `The ${where} has a method override.`);
  if (plan.action.undeclared === 'Refuse') {
    refuse('AEGIS_MAPPING_UNDECLARED', `The ${where} has a field that ${plan.action.name} does not declare.`);
  }
  if (declaredHere) return;
  const paths = fieldPaths(name);
  const passes = (names: ReadonlySet<string>): boolean => paths.some((path) => shadows(names, path));
  // A document that repeats its own id is no second value of the path.
  if (passes(plan.names) || (where !== 'JSON body' && passes(plan.pathNames))) {
    refuse('AEGIS_MAPPING_DUPLICATE', `The ${where} has a field that passes for a declared parameter.`);
  }
}

function isList(parameter: ParameterContract | undefined, name: string): boolean {
  return parameter === undefined ? name.endsWith('[]') : parameter.type === 'array';
}

/** The parameter that a field belongs to: its own, or the list or map whose member it is. */
function ownerOf(declared: ReadonlyMap<string, ParameterContract>, name: string): ParameterContract | undefined {
  const exact = declared.get(name);
  if (exact !== undefined) return exact;
  const base = baseName(name);
  const parameter = base === undefined ? undefined : declared.get(base);
  return parameter !== undefined && isStructured(parameter) ? parameter : undefined;
}

/** Fields of the query or of a body. Only arrays (declared, or undeclared names that end in `[]`) may repeat. */
export function readPairs(
  plan: ActionPlan,
  declared: ReadonlyMap<string, ParameterContract>,
  pairs: Pairs,
  where: 'query' | 'form' | 'multipart body',
  into: Params,
): void {
  const values = new Map<string, string[]>();
  const structured = new Map<ParameterContract, StructuredField[]>();
  for (const [name, value] of pairs) {
    const parameter = ownerOf(declared, name);
    if (parameter === undefined) checkUndeclared(plan, name, where, false);
    else if (isStructured(parameter)) {
      const field = { keys: fieldKeys(parameter, name), value };
      const fields = structured.get(parameter);
      if (fields === undefined) structured.set(parameter, [field]);
      else fields.push(field);
      continue;
    }
    const seen = values.get(name);
    if (seen === undefined) values.set(name, [value]);
    else if (isList(parameter, name)) seen.push(value);
    else refuse('AEGIS_MAPPING_DUPLICATE', `The ${where} has a field twice.`, parameter?.name);
  }
  for (const [wire, parameter] of declared) {
    const found = values.get(wire);
    if (found === undefined) continue;
    into[parameter.name] =
      parameter.type === 'array' ? valueFromTexts(parameter, found) : valueFromText(parameter, found[0] as string);
  }
  for (const [parameter, fields] of structured) into[parameter.name] = structuredValue(parameter, fields);
}

function checkMembers(plan: ActionPlan, node: JsonPlan, value: unknown): void {
  if (node.parameter !== undefined) return;
  if (Array.isArray(value)) {
    const named = [...node.members.keys()].some((member) => !isIndex(member));
    if (named && value.length > 0) {
      refuse('AEGIS_MAPPING_MISTYPED', 'The JSON body holds a list where the contract has named members.');
    }
    for (const [index, item] of value.entries()) checkMember(plan, node, String(index), item);
  } else if (isPlainObject(value)) {
    for (const [name, item] of Object.entries(value)) checkMember(plan, node, name, item);
  } else {
    refuse('AEGIS_MAPPING_MISTYPED', 'The JSON body holds a plain value where the contract has members.');
  }
}

function checkMember(plan: ActionPlan, node: JsonPlan, name: string, value: unknown): void {
  const next = node.members.get(name);
  if (next !== undefined) {
    checkMembers(plan, next, value);
    return;
  }
  if (node !== plan.jsonPlan) {
    const members = new Set([...node.members.keys()].flatMap(fieldPaths));
    const passes = fieldPaths(name).some((path) => shadows(members, path));
    if (passes) refuse('AEGIS_MAPPING_DUPLICATE', 'The JSON body has a field that passes for a declared parameter.');
  }
  checkUndeclared(plan, name, 'JSON body', node !== plan.jsonPlan);
}

/** A JSON body: an object or array whose declared members have the declared JSON types. */
export function readJsonBody(plan: ActionPlan, document: unknown, into: Params): void {
  checkMembers(plan, plan.jsonPlan, document);
  for (const { parameter, tokens } of plan.json) {
    const value = pointed(document, tokens);
    if (value !== undefined) into[parameter.name] = valueFromJson(parameter, value);
  }
}

export function readPath(plan: ActionPlan, values: ReadonlyMap<string, string>, into: Params): void {
  for (const parameter of plan.path) {
    const value = values.get(parameter.wire);
    if (value !== undefined) into[parameter.name] = valueFromText(parameter, value);
  }
}

const NOT_ASCII = /[^\t -~]/;

/** CGI and WSGI read `_` as `-` in header names. */
function imitates(name: string, wire: string): boolean {
  return name !== wire && name.replaceAll('_', '-') === wire.replaceAll('_', '-');
}

export function readHeaderParams(
  plan: ActionPlan,
  headers: ReadonlyMap<string, readonly string[]>,
  into: Params,
): void {
  for (const parameter of plan.header) {
    if ([...headers.keys()].some((name) => imitates(name, parameter.wire))) {
      refuse('AEGIS_MAPPING_HEADER', 'A header imitates a declared one.', parameter.name);
    }
    const values = headers.get(parameter.wire);
    if (values === undefined) continue;
    if (values.length > 1) refuse('AEGIS_MAPPING_DUPLICATE', 'The header occurs twice.', parameter.name);
    const value = values[0] as string;
    // Latin-1 to some, UTF-8 to others (RFC 9110 section 5.5).
    if (NOT_ASCII.test(value)) refuse('AEGIS_MAPPING_ENCODING', 'The header is not ASCII.', parameter.name);
    into[parameter.name] = valueFromText(parameter, value.trim());
  }
}
