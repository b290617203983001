import { parseDecimal } from '../../policy/decimal.ts';

/** Exact amounts as integers of 10^-9: sums of these never drift, and a bundle's amounts have nine places at most. */
const PLACES = 9;
export const ONE = 10n ** BigInt(PLACES);

/**
 * The amount of a number, a number literal or a plain decimal string; `undefined` for anything else. What has more
 * than nine places is rounded up, away from where it would let more pass.
 */
export function toNanos(value: unknown): bigint | undefined {
  const decimal = parseDecimal(value);
  if (decimal === undefined) return undefined;
  const places = decimal.exponent + PLACES;
  if (places >= 0) return decimal.coefficient * 10n ** BigInt(places);
  const unit = 10n ** BigInt(-places);
  const floor = decimal.coefficient / unit;
  return decimal.coefficient > 0n && floor * unit !== decimal.coefficient ? floor + 1n : floor;
}

/** Whole units, rounded down, as RateLimit fields want them. */
export function wholeUnits(nanos: bigint): number {
  return Number(nanos / ONE);
}
