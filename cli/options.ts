import { AegisError } from '../policy/errors.ts';

const UNITS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `90s`, `15m`, `24h`, `7d`. @throws AegisError `AEGIS_USAGE`. */
export function parseDuration(text: string, option: string): number {
  const match = /^([1-9][0-9]{0,5})([smhd])$/.exec(text);
  if (match === null) throw new AegisError('AEGIS_USAGE', `${option} takes a duration such as 90s, 15m, 24h or 7d.`);
  return Number(match[1]) * (UNITS[match[2] as string] as number);
}

/** Milliseconds since the epoch of an RFC 3339 time. @throws AegisError `AEGIS_USAGE`. */
export function parseTime(text: string, option: string): number {
  const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
  if (Number.isNaN(instant))
    throw new AegisError('AEGIS_USAGE', `${option} takes a time such as 2026-11-22T08:00:00Z.`);
  return instant;
}

/** A positive safe integer. @throws AegisError `AEGIS_USAGE`. */
export function parseCount(text: string, option: string): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 1)) throw new AegisError('AEGIS_USAGE', `${option} takes a positive whole number.`);
  return value;
}

/** `stripe-payments=http://127.0.0.1:9000` → base URL per tool. @throws AegisError `AEGIS_USAGE`. */
export function parseUpstreams(pairs: readonly string[]): Record<string, string> {
  const upstreams: Record<string, string> = {};
  for (const pair of pairs) {
    const split = pair.indexOf('=');
    const url = pair.slice(split + 1);
    if (split < 1 || !/^https?:/.test(url) || !URL.canParse(url)) {
      throw new AegisError(
        'AEGIS_USAGE',
        '--upstream takes TOOL=URL, for example stripe-payments=http://127.0.0.1:9000.',
      );
    }
    upstreams[pair.slice(0, split)] = url;
  }
  return upstreams;
}

/** A whole number from 0. @throws AegisError `AEGIS_USAGE`. */
export function parseWhole(text: string, option: string): number {
  if (!/^[0-9]{1,9}$/.test(text)) throw new AegisError('AEGIS_USAGE', `${option} takes a whole number from 0.`);
  return Number(text);
}

/** A percentage from 0 to 100. @throws AegisError `AEGIS_USAGE`. */
export function parsePercent(text: string, option: string): number {
  const value = /^[0-9]{1,3}(\.[0-9]{1,3})?%?$/.test(text) ? Number.parseFloat(text) : Number.NaN;
  if (!(value <= 100)) throw new AegisError('AEGIS_USAGE', `${option} takes a percentage from 0 to 100.`);
  return value;
}

/** For an option that may stand several times: `--policies a --policies b`. */
export function collect(value: string, earlier: readonly string[] = []): string[] {
  return [...earlier, value];
}
