import type { ParameterContract } from '../../policy/mapping/contract.ts';
import type { ActionPlan, JsonPlan } from './action-plan.ts';
import { fieldPath, shadows } from './field-name.ts';
import { isPlainObject, pointed } from './json-pointer.ts';
import type { Pairs } from './pairs.ts';
import { valueFromJson, valueFromText, valueFromTexts } from './parameter-value.ts';
import { refuse } from './refusal.ts';

/** Reads the declared parameters out of one place of a request, and judges what is not declared. */
export type Params = Record<string, unknown>;

/** Rails, Symfony and others read the real method from these fields. */
const OVERRIDE_FIELDS: ReadonlySet<string> = new Set(['_method', 'x-http-method-override']);

function checkUndeclared(plan: ActionPlan, name: string, where: string, declaredHere: boolean): void {
  const plain = /[^[\]\s][^[\]]*/.exec(name)?.[0].toLowerCase() ?? '';
  if (OVERRIDE_FIELDS.has(plain)) refuse('AEGIS_MAPPING_HEADER', `The ${where} has a method override.`);
  if (plan.action.undeclared === 'Refuse') {
    refuse('AEGIS_MAPPING_UNDECLARED', `The ${where} has a field that ${plan.action.name} does not declare.`);
  }
  if (!declaredHere && shadows(plan.names, fieldPath(name))) {
    refuse('AEGIS_MAPPING_DUPLICATE', `The ${where} has a field that passes for a declared parameter.`);
  }
}

function isList(parameter: ParameterContract | undefined, name: string): boolean {
  return parameter === undefined ? name.endsWith('[]') : parameter.type === 'array';
}

/** Query or form fields. Only arrays (declared, or undeclared names that end in `[]`) may repeat. */
export function readPairs(
  plan: ActionPlan,
  declared: ReadonlyMap<string, ParameterContract>,
  pairs: Pairs,
  where: 'query' | 'form',
  into: Params,
): void {
  const values = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const parameter = declared.get(name);
    if (parameter === undefined) checkUndeclared(plan, name, where, false);
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
}

function checkMembers(plan: ActionPlan, node: JsonPlan, value: unknown): void {
  if (node.parameter !== undefined) return;
  if (Array.isArray(value)) {
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
    const path = fieldPath(name);
    const passes = [...node.members.keys()].some((member) => fieldPath(member) === path);
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
