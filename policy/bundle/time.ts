const SHAPE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$/;

/** RFC 3339 in UTC with milliseconds, the only form in bundles. `ms` counts from 1970 and passes {@link isTime}. */
export function formatTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** Milliseconds since 1970; undefined unless the text is exactly what {@link formatTime} writes. */
export function parseTime(text: string): number | undefined {
  if (!SHAPE.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) || formatTime(ms) !== text ? undefined : ms;
}

/** Whether the number is a time that {@link formatTime} can write. */
export function isTime(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= 0 && ms < 253_402_300_800_000;
}
