/** One condition on one call: does it hold, is it refuted, or can it not be decided? The same as in `policy.rego`. */
import type { Condition, ValueCondition } from '../compiler/slice.ts';
import { compareDecimal, type DecimalLike } from '../decimal.ts';
import type { DecisionInput } from '../decision/types.ts';
import { cidrContains } from '../network/address.ts';
import { NumberLiteral } from '../number-literal.ts';
import { matchesPattern } from '../regex/match-pattern.ts';
import { hostOf, literalAddress, pathSegments } from './canonical-text.ts';
import { own } from './own.ts';

export type ConditionState = 'holds' | 'refuted' | 'undecidable';

/** What conditions look at. */
export interface CallFacts {
  params: Readonly<Record<string, unknown>>;
  /** The agents of the chain, the calling one last. */
  chain: readonly string[];
  purposes: readonly string[];
  local: NonNullable<NonNullable<DecisionInput['context']>['local']>;
}

export function conditionState(condition: Condition, facts: CallFacts): ConditionState {
  if (holds(condition, facts)) return 'holds';
  return decidable(condition, facts) ? 'refuted' : 'undecidable';
}

export function hasParameter(facts: CallFacts, name: string): boolean {
  const value = own(facts.params, name);
  return value !== undefined && value !== null;
}

/** Rego's name of a JSON value's type. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof NumberLiteral) return 'number';
  return typeof value;
}

function holds(c: Condition, facts: CallFacts): boolean {
  const callers = facts.chain.slice(0, -1);
  switch (c.k) {
    case 'required':
      return hasParameter(facts, c.p);
    case 'forbidden':
      return !hasParameter(facts, c.p);
    case 'each': {
      const values = own(facts.params, c.p);
      return Array.isArray(values) && values.every((value) => valueFits(c.c, value));
    }
    case 'purpose':
      return facts.purposes.length > 0 && facts.purposes.every((purpose) => Object.hasOwn(c.v, purpose));
    case 'time':
      return c.v.some(({ tz, days, from, to }) => {
        const now = own(facts.local, tz);
        return now !== undefined && Object.hasOwn(days, now.day) && now.minute >= from && now.minute < to;
      });
    case 'callers':
      return callers.every((caller) => Object.hasOwn(c.v, caller));
    case 'depth':
      return callers.length <= c.v;
    case 'origin':
      return facts.chain[0] !== undefined && Object.hasOwn(c.v, facts.chain[0]);
    case 'never':
      return false;
    default:
      return valueFits(c, own(facts.params, c.p));
  }
}

/** Characters that a pattern looks at, at most; a longer text cannot be decided. */
const LONGEST_MATCHED = 10_000;

export function valueFits(c: ValueCondition, value: unknown): boolean {
  switch (c.k) {
    case 'amount':
      return wellFormed(c, value) && compareDecimal(value as DecimalLike, c.v) <= 0;
    case 'max':
      return typeName(value) === 'number' && compareDecimal(value as DecimalLike, c.v) <= 0;
    case 'min':
      return typeName(value) === 'number' && compareDecimal(value as DecimalLike, c.v) >= 0;
    case 'in':
      return typeof value === 'string' && Object.hasOwn(c.v, value);
    case 'one':
      return c.v.some((listed) => same(listed, value));
    case 'pattern':
      return wellFormed(c, value) && matchesPattern(c.v, value as string);
    case 'length':
      return typeof value === 'string' && [...value].length <= c.v;
    case 'path':
      return c.v.some((prefix) => within(prefix, value));
    case 'host': {
      const host = hostOf(value, c.uri);
      if (host === undefined) return false;
      return Object.hasOwn(c.names, host) || c.suffixes.some((suffix) => host.endsWith(suffix));
    }
    case 'cidr': {
      const host = hostOf(value, c.uri);
      const address = host === undefined ? undefined : literalAddress(host);
      return address !== undefined && c.v.some((block) => cidrContains(block, address));
    }
  }
}

function same(listed: unknown, value: unknown): boolean {
  if (typeName(listed) !== 'number') return listed === value;
  return typeName(value) === 'number' && compareDecimal(listed as DecimalLike, value as DecimalLike) === 0;
}

function within(prefix: { rooted: boolean; segments: string[] }, value: unknown): boolean {
  const segments = pathSegments(value);
  if (segments === undefined || (value as string).startsWith('/') !== prefix.rooted) return false;
  return prefix.segments.every((segment, index) => segments[index] === segment);
}

function decidable(c: Condition, facts: CallFacts): boolean {
  switch (c.k) {
    case 'required':
    case 'forbidden':
    case 'callers':
    case 'depth':
    case 'origin':
      return true;
    case 'each': {
      const values = own(facts.params, c.p);
      return Array.isArray(values) && values.every((value) => wellFormed(c.c, value) && !valueFits(c.c, value));
    }
    case 'purpose':
      return facts.purposes.length === 1;
    case 'time':
      return c.v.every(({ tz }) => own(facts.local, tz) !== undefined);
    case 'never':
      return false;
    default:
      return wellFormed(c, own(facts.params, c.p));
  }
}

function wellFormed(c: ValueCondition, value: unknown): boolean {
  if (c.k === 'amount') return typeName(value) === 'number' && compareDecimal(value as DecimalLike, 0) >= 0;
  if (c.k === 'pattern') return typeof value === 'string' && [...value].length <= LONGEST_MATCHED;
  if (c.k === 'path') return pathSegments(value) !== undefined;
  if (c.k === 'host' || c.k === 'cidr') return hostOf(value, c.uri) !== undefined;
  return typeName(value) === c.t;
}
