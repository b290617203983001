const SHAPE = /^(0|[1-9][0-9]{0,5})(ms|s|m|h|d)$/;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of a duration as resources write it (`72h`); undefined for whatever else. */
export function durationOf(text: string | null | undefined): number | undefined {
  const [, count, unit = ''] = SHAPE.exec(text ?? '') ?? [];
  return count === undefined ? undefined : Number(count) * (UNITS[unit] as number);
}
