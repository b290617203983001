import { parseDecimal } from '../decimal.ts';
import { AegisError, type ErrorCode } from '../errors.ts';
import { NumberLiteral } from '../number-literal.ts';
import type { DecisionInput } from './types.ts';

/**
 * The strict shape of a decision input (docs/decision-contract.md). A field that is misspelled, of the wrong type or
 * out of bounds is refused rather than ignored: a condition on it would otherwise silently not be met, or be met.
 */

export const MAX_CHAIN = 32;
export const MAX_PARAMS = 256;
export const MAX_STRING = 65_536;
const MAX_TOOL_CALLS = 64;
const MAX_KEY = 256;
const MAX_DEPTH = 32;
const MAX_VALUES = 10_000;

const ID = /^[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?$/;
/** Not `*`, which in a policy means every action. */
const ACTION = /^[A-Za-z0-9_][A-Za-z0-9_./:-]{0,127}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;
const POLICY = /^[a-z0-9][a-z0-9.-]{0,252}\/[a-z0-9][a-z0-9.-]{0,252}$/;
const PLAIN_KEY = /^[A-Za-z0-9_.-]{1,64}$/;

export interface ParseInputOptions {
  /** Accept what only the host may say: `cohort` and `context.local`. Default false. */
  hostFields?: boolean;
}

type Fields = Record<string, unknown>;
type Check = (value: unknown, path: string) => void;

function fail(code: ErrorCode, message: string): never {
  throw new AegisError(code, message);
}

function isPlainObject(value: unknown): value is Fields {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // No prototype, or Object.prototype of this realm or of another one; so neither arrays nor instances of classes.
  return prototype === Object.prototype || prototype === null || Object.getPrototypeOf(prototype) === null;
}

function fields(value: unknown, path: string): Fields {
  if (!isPlainObject(value)) fail('AEGIS_INPUT_FIELD', `${path} must be an object`);
  return value;
}

const matching =
  (pattern: RegExp, expected: string): Check =>
  (value, path) => {
    if (typeof value !== 'string' || !pattern.test(value)) fail('AEGIS_INPUT_FIELD', `${path} must be ${expected}`);
  };

const text =
  (maxLength: number): Check =>
  (value, path) => {
    if (typeof value !== 'string') fail('AEGIS_INPUT_FIELD', `${path} must be a string`);
    checkString(value, path, maxLength);
  };

const id = matching(ID, 'an id (lower-case letters, digits, `-` and `.`, at most 63)');

function checkString(value: string, path: string, maxLength: number): void {
  if (value.length > maxLength)
    fail('AEGIS_INPUT_TOO_LARGE', `${path} has a string of more than ${maxLength} characters`);
  if (!value.isWellFormed()) fail('AEGIS_INPUT_STRING', `${path} has an unpaired surrogate`);
}

function checkNumber(value: number | NumberLiteral, path: string): void {
  const size = typeof value === 'number' ? Math.abs(value) : 0;
  // Ordinary numbers at once; NaN fails the comparison.
  if (value === 0 || (size <= 1e15 && size >= 1e-6)) return;
  if (parseDecimal(value) === undefined) {
    fail('AEGIS_INPUT_NUMBER', `${path} has a number that would not be compared exactly`);
  }
}

/** Any JSON value within the bounds; `budget` counts down the values that are left. */
function checkJson(value: unknown, path: string, depth: number, budget: { left: number }): void {
  if (--budget.left < 0) fail('AEGIS_INPUT_TOO_LARGE', `${path} has too many values`);
  if (typeof value === 'boolean' || value === null) return;
  if (typeof value === 'string') checkString(value, path, MAX_STRING);
  else if (typeof value === 'number' || value instanceof NumberLiteral) checkNumber(value, path);
  else checkNested(value, path, depth, budget);
}

function checkNested(value: unknown, path: string, depth: number, budget: { left: number }): void {
  if (depth >= MAX_DEPTH) fail('AEGIS_INPUT_DEPTH', `${path} is nested more than ${MAX_DEPTH} deep`);
  if (Array.isArray(value)) {
    for (const item of value) checkJson(item, path, depth + 1, budget);
    return;
  }
  if (!isPlainObject(value)) fail('AEGIS_INPUT_FIELD', `${path} has a value that JSON does not know`);
  for (const key of Object.keys(value)) {
    checkKey(key, path);
    checkJson(value[key], path, depth + 1, budget);
  }
}

function checkKey(key: string, path: string): void {
  if (key === '__proto__') fail('AEGIS_INPUT_KEY', `${path} has the key __proto__`);
  if (key.length > MAX_KEY || !key.isWellFormed())
    fail('AEGIS_INPUT_KEY', `${path} has a key that is too long or not text`);
}

function checkParams(value: unknown, path: string): void {
  const params = fields(value, path);
  const names = Object.keys(params);
  if (names.length > MAX_PARAMS) fail('AEGIS_INPUT_TOO_LARGE', `${path} has more than ${MAX_PARAMS} parameters`);
  const budget = { left: MAX_VALUES };
  for (const name of names) {
    checkKey(name, path);
    checkJson(params[name], PLAIN_KEY.test(name) ? `${path}.${name}` : path, 1, budget);
  }
}

function checkChain(value: unknown, path: string): void {
  if (!Array.isArray(value)) fail('AEGIS_INPUT_FIELD', `${path} must be an array`);
  if (value.length > MAX_CHAIN) fail('AEGIS_INPUT_TOO_LARGE', `${path} has more than ${MAX_CHAIN} agents`);
  for (let i = 0; i < value.length; i++) id(value[i], `${path}[${i}]`);
}

function checkCost(value: unknown, path: string): void {
  if (parseDecimal(value) === undefined) fail('AEGIS_INPUT_FIELD', `${path} must be a number or a decimal string`);
}

function checkCohort(value: unknown, path: string): void {
  for (const [policy, picked] of Object.entries(fields(value, path))) {
    if (!POLICY.test(policy) || typeof picked !== 'boolean')
      fail('AEGIS_INPUT_FIELD', `${path} must map policies to booleans`);
  }
}

/** Checks an object whose fields are all known; those of `host` only where the host speaks. */
const object =
  (known: Record<string, Check>): Check =>
  (value, path) => {
    for (const [key, member] of Object.entries(fields(value, path))) {
      const check = Object.hasOwn(known, key) ? known[key] : undefined;
      const name = PLAIN_KEY.test(key) ? `${path}.${key}` : `a field of ${path}`;
      if (check === undefined) fail('AEGIS_INPUT_FIELD', `${name} is unknown`);
      if (member !== undefined) check(member, name);
    }
  };

const hostOnly: Check = (_value, path) => fail('AEGIS_INPUT_FIELD', `${path} is for the host alone`);
const anyJson: Check = (value, path) => checkJson(value, path, 1, { left: MAX_VALUES });

const contextFields = {
  purpose: text(256),
  destination: object({ host: text(253), region: text(64) }),
  time: matching(TIME, 'a time as in RFC 3339'),
  cost: checkCost,
};
const commonFields = {
  tenant: id,
  agent: id,
  context: object({ ...contextFields, local: hostOnly }),
  chain: checkChain,
  request: object({ id: text(256), protocol: text(64), method: text(64), path: text(8_192), digest: text(256) }),
  cohort: hostOnly,
};
const callFields = { tool: id, action: matching(ACTION, 'the name of an action'), params: checkParams };
const hostFields = { cohort: checkCohort, context: object({ ...contextFields, local: anyJson }) };

const checkInput = object({ ...commonFields, ...callFields });
const checkHostInput = object({ ...commonFields, ...callFields, ...hostFields });

/**
 * Checks a decision input; the value itself is returned, not a copy.
 * @throws AegisError AEGIS_INPUT_FIELD, _MISSING, _TOO_LARGE, _DEPTH, _NUMBER, _STRING, _KEY; the message names the
 * field and never its value.
 */
export function parseDecisionInput(value: unknown, options: ParseInputOptions = {}): DecisionInput {
  (options.hostFields ? checkHostInput : checkInput)(value, 'input');
  const input = value as Fields;
  for (const name of ['agent', 'tool', 'action', 'params']) {
    if (input[name] === undefined) fail('AEGIS_INPUT_MISSING', `input.${name} is missing`);
  }
  return value as DecisionInput;
}

/**
 * One call, or the shape of OPA's "agent tool calling" guide: `{agent, tool_calls: [{tool, params}], …}`, where `tool`
 * is `tool/action`, or `tool.action` (the last dot counts), unless the call has an `action` of its own.
 * @throws as parseDecisionInput
 */
export function parseDecisionInputs(value: unknown, options: ParseInputOptions = {}): DecisionInput[] {
  if (!isPlainObject(value) || value.tool_calls === undefined) return [parseDecisionInput(value, options)];
  const { tool_calls: calls, ...common } = value;
  if (!Array.isArray(calls)) fail('AEGIS_INPUT_FIELD', 'input.tool_calls must be an array');
  if (calls.length > MAX_TOOL_CALLS) fail('AEGIS_INPUT_TOO_LARGE', `input has more than ${MAX_TOOL_CALLS} tool calls`);
  if (calls.length === 0) fail('AEGIS_INPUT_MISSING', 'input.tool_calls is empty');
  for (const name of ['tool', 'action', 'params']) {
    if (common[name] !== undefined) fail('AEGIS_INPUT_FIELD', `input.${name} stands beside tool_calls`);
  }
  return calls.map((call, i) =>
    parseDecisionInput({ ...common, ...toolCall(call, `input.tool_calls[${i}]`) }, options),
  );
}

function toolCall(value: unknown, path: string): Pick<DecisionInput, 'tool' | 'action' | 'params'> {
  object({ tool: text(512), action: callFields.action, params: checkParams })(value, path);
  const { tool, action, params } = value as { tool?: string; action?: string; params?: Fields };
  if (tool === undefined) fail('AEGIS_INPUT_MISSING', `${path}.tool is missing`);
  if (params === undefined) fail('AEGIS_INPUT_MISSING', `${path}.params is missing`);
  if (action !== undefined) return { tool, action, params };
  const slash = tool.indexOf('/');
  const at = slash >= 0 ? slash : tool.lastIndexOf('.');
  if (at < 0) fail('AEGIS_INPUT_MISSING', `${path}.action is missing`);
  return { tool: tool.slice(0, at), action: tool.slice(at + 1), params };
}
