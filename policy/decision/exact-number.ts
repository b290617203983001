import { parseDecimal, toJsonNumber } from '../decimal.ts';
import { NumberLiteral } from '../number-literal.ts';

/** Decimals of so many digits survive the way through a double. */
export const EXACT_DIGITS = 15;
/** Characters of a number; with more it can only be beyond the limits, or padded with zeros. */
const MAX_NUMBER = 64;

/**
 * The value of a JSON number, without loss: a JS number, or a normalised `NumberLiteral` for more than 15 digits.
 * `1E2`, `100` and `100.0` give the same, and minus zero is zero.
 * @returns undefined for what OPA's two engines would not compare exactly (see `policy/decimal.ts`).
 */
export function exactNumber(literal: string): number | NumberLiteral | undefined {
  const short = literal.length <= EXACT_DIGITS ? Number(literal) : Number.NaN;
  // A number too small for a double is no zero.
  if (short === 0 && !/^[^eE]*[1-9]/.test(literal)) return 0;
  // Not the tiny ones, which JavaScript would print with an exponent.
  if (Math.abs(short) >= 1e-6 && Math.abs(short) < 1e15) return short;
  const decimal = literal.length <= MAX_NUMBER ? parseDecimal(new NumberLiteral(literal)) : undefined;
  return decimal === undefined ? undefined : toJsonNumber(decimal);
}
