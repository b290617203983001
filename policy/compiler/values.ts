import { isDecimalString, normalizeDecimal } from '../decimal.ts';
import type { Verdict } from '../decision/types.ts';
import { NumberLiteral } from '../number-literal.ts';
import type { Amount, NameSet, Rank } from './slice.ts';

const RANKS: Record<Exclude<Verdict, 'rate_limited'>, Rank> = { allow: 0, sanitize: 1, approval_needed: 3, deny: 4 };

export function rankOf(verdict: Exclude<Verdict, 'rate_limited'>): Rank {
  return RANKS[verdict];
}

export function nameSet(names: Iterable<string>): NameSet {
  const set: NameSet = Object.create(null) as NameSet;
  for (const name of names) set[name] = true;
  return set;
}

/** An exact number for the data: a plain one where it is a safe integer, else the decimal literal itself. */
export function amount(value: number | string): Amount {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
  const text = String(value);
  if (!isDecimalString(text)) return Number.NaN;
  const literal = normalizeDecimal(text);
  const plain = Number(literal);
  return Number.isSafeInteger(plain) && String(plain) === literal ? plain : new NumberLiteral(literal);
}
