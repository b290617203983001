import { compareDecimal, parseDecimal, toJsonNumber } from '../../policy/decimal.ts';
import type { Obligations, RedactObligation, SetObligation } from '../../policy/decision/types.ts';
import { isPlainObject } from '../mapping/json-pointer.ts';
import { REDACTED, replaceText } from './replace-text.ts';

/** Carries out the request side of `sanitize` on mapped parameters (policy units). */

export type Params = Record<string, unknown>;

export function responseChanges(obligations: Obligations): RedactObligation[] {
  return obligations.redact.filter((change) => change.param === undefined);
}

export function requestChanges(obligations: Obligations): { redact: RedactObligation[]; set: SetObligation[] } {
  return { redact: obligations.redact.filter((change) => change.param !== undefined), set: obligations.set };
}

/** Strings, also those in arrays, are changed; any other value is redacted as a whole. */
function changeText(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((item) => changeText(item, change));
  return REDACTED;
}

interface Bounds {
  min?: unknown;
  max?: unknown;
}

function bounded(value: unknown, bound: unknown, sign: 1 | -1): unknown {
  if (bound === undefined) return value;
  const limit = parseDecimal(bound);
  const have = parseDecimal(value);
  if (limit === undefined || have === undefined || compareDecimal(have, limit) * sign <= 0) return value;
  return toJsonNumber(limit);
}

/** `value` of clamp is the largest number that passes, or `{min, max}`. Only numbers are clamped. */
function clamp(value: unknown, bounds: unknown): unknown {
  if (typeof value === 'string' || parseDecimal(value) === undefined) return value;
  const { min, max }: Bounds = isPlainObject(bounds) ? bounds : { max: bounds };
  return bounded(bounded(value, max, 1), min, -1);
}

/** New parameters with all request changes done: values are set first, so that redaction has the last word. */
export function applyRequestChanges(params: Params, obligations: Obligations, hash: (text: string) => string): Params {
  const result: Params = Object.assign(Object.create(null), params);
  const { redact, set } = requestChanges(obligations);
  for (const { param, op, value } of set) {
    if (op === 'set') result[param] = value;
    else if (result[param] !== undefined) result[param] = clamp(result[param], value);
  }
  for (const { param, op } of redact) {
    if (param === undefined || result[param] === undefined) continue;
    if (op === 'drop') delete result[param];
    else result[param] = changeText(result[param], (text) => replaceText(text, op, hash));
  }
  return result;
}
