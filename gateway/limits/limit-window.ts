/** Windows of limits: a duration slides; `hour`, `day`, `week` and `month` are calendar periods in UTC. */
export type LimitWindow = { kind: 'sliding'; length: number } | { kind: 'calendar'; unit: CalendarUnit };
export type CalendarUnit = 'hour' | 'day' | 'week' | 'month';

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^([0-9]{1,6})(ms|s|m|h|d)$/;
const HOUR = 3_600_000;
const DAY = 86_400_000;
/** 1970-01-05 was a Monday. */
const FIRST_MONDAY = 4 * DAY;
const LONGEST: Record<CalendarUnit, number> = { hour: HOUR, day: DAY, week: 7 * DAY, month: 31 * DAY };
/** A sliding window is counted in this many slices. */
const SLICES = 60;

/** `undefined` where the text is not a window: such a limit cannot be kept, so its call must not pass. */
export function parseWindow(text: string): LimitWindow | undefined {
  if (text === 'hour' || text === 'day' || text === 'week' || text === 'month') return { kind: 'calendar', unit: text };
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  const length = Number(match[1]) * (UNIT_MS[match[2] as string] as number);
  return length > 0 ? { kind: 'sliding', length } : undefined;
}

/** Start and end (exclusive) of the calendar period that holds `now`, ms since the epoch. */
export function calendarPeriod(unit: CalendarUnit, now: number): { start: number; end: number } {
  if (unit === 'month') {
    const date = new Date(now);
    const month = (offset: number): number => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + offset, 1);
    return { start: month(0), end: month(1) };
  }
  const length = LONGEST[unit];
  const origin = unit === 'week' ? FIRST_MONDAY : 0;
  const start = Math.floor((now - origin) / length) * length + origin;
  return { start, end: start + length };
}

/** The longest that anything counts in the window, ms. */
export function windowLength(window: LimitWindow): number {
  return window.kind === 'sliding' ? window.length : LONGEST[window.unit];
}

/** Where the slice that holds `now` begins: what is charged in one slice is counted as one. */
export function sliceStart(window: LimitWindow, now: number): number {
  if (window.kind === 'calendar') return calendarPeriod(window.unit, now).start;
  const width = Math.max(1, Math.ceil(window.length / SLICES));
  return Math.floor(now / width) * width;
}

/** From when on a charge of the time `at` counts no more. */
export function countsUntil(window: LimitWindow, at: number): number {
  return window.kind === 'sliding' ? at + window.length : calendarPeriod(window.unit, at).end;
}

/** Length in whole seconds, at least one, as the `w` of RateLimit-Policy. */
export function windowSeconds(window: LimitWindow, now: number): number {
  if (window.kind === 'sliding') return Math.max(1, Math.ceil(window.length / 1000));
  const { start, end } = calendarPeriod(window.unit, now);
  return (end - start) / 1000;
}

/** One text per window, as the shared store has it: `s60000` or `cday`. */
export function windowText(window: LimitWindow): string {
  return window.kind === 'sliding' ? `s${window.length}` : `c${window.unit}`;
}
