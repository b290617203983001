import { type Obligations, type Outcome, type PolicyResult, VERDICTS } from '../../policy/decision/types.ts';

/**
 * Is what the evaluator returned a decision that this gateway understands in full? An undefined result, an unknown
 * verdict, an obligation that is not known here: each must end in a deny, because half-understood means half-enforced.
 */
export type ResultCheck = 'ok' | 'malformed' | 'unknown-obligation';

const KNOWN: ReadonlySet<string> = new Set(['redact', 'set', 'limits', 'approval']);
const REDACT_OPS: ReadonlySet<unknown> = new Set(['redact', 'mask', 'hash', 'drop']);
const REDACT_KEYS: ReadonlySet<string> = new Set(['param', 'pointer', 'detector', 'op']);
const SET_OPS: ReadonlySet<unknown> = new Set(['set', 'clamp']);
const SET_KEYS: ReadonlySet<string> = new Set(['param', 'op', 'value']);
const LIMIT_KEYS: ReadonlySet<string> = new Set(['id', 'per', 'window', 'max', 'parameter', 'cost', 'chargeOnly']);
const PER: ReadonlySet<unknown> = new Set(['Agent', 'Tool', 'Action', 'Tenant']);

type Loose = Record<string, unknown>;

function isObject(value: unknown): value is Loose {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function onlyKeys(value: unknown, keys: ReadonlySet<string>): value is Loose {
  return isObject(value) && Object.keys(value).every((key) => keys.has(key));
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function knownRedact(value: unknown): boolean {
  if (!onlyKeys(value, REDACT_KEYS) || !REDACT_OPS.has(value.op)) return false;
  const targets = [value.param, value.pointer, value.detector].filter((target) => target !== undefined);
  return targets.length === 1 && typeof targets[0] === 'string';
}

function knownSet(value: unknown): boolean {
  return onlyKeys(value, SET_KEYS) && SET_OPS.has(value.op) && isText(value.param) && value.value !== undefined;
}

function knownLimit(value: unknown): boolean {
  return onlyKeys(value, LIMIT_KEYS) && PER.has(value.per) && isText(value.id) && isText(value.window);
}

function checkObligations(obligations: unknown): ResultCheck {
  if (!isObject(obligations)) return 'malformed';
  for (const key in obligations) if (!KNOWN.has(key)) return 'unknown-obligation';
  const { redact, set, limits, approval } = obligations as unknown as Obligations;
  if (!Array.isArray(redact) || !Array.isArray(set) || !Array.isArray(limits)) return 'malformed';
  if (approval !== null && !isObject(approval)) return 'malformed';
  const known = redact.every(knownRedact) && set.every(knownSet) && limits.every(knownLimit);
  return known ? 'ok' : 'unknown-obligation';
}

function checkOutcome(outcome: Outcome | undefined): ResultCheck {
  if (!isObject(outcome) || !Array.isArray(outcome.reasons)) return 'malformed';
  if (!VERDICTS.includes(outcome.verdict) || outcome.verdict === 'rate_limited') return 'malformed';
  return checkObligations(outcome.obligations);
}

/** Looks at `enforced` only: a candidate never disturbs it. */
export function checkResult(result: PolicyResult | undefined): ResultCheck {
  return isObject(result) ? checkOutcome(result.enforced) : 'malformed';
}
