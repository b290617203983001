/** What the schema of a status demands, whatever comes in: a status that is refused would say nothing at all. */
import { byteLength, clipText } from './clip-text.ts';

const INT32 = 2 ** 31 - 1;

export function safeCount(value: number, max: number = INT32): number {
  return Number.isFinite(value) ? Math.min(max, Math.max(0, Math.trunc(value))) : 0;
}

export function safeLong(value: number): number {
  return safeCount(value, Number.MAX_SAFE_INTEGER);
}

/** The form that metav1.Condition prescribes. */
export function safeReason(reason: string): string {
  const valid = reason.length <= 128 && /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/.test(reason);
  return valid ? reason : 'Other';
}

/** A digest or name: never cut, because half of one is another one. */
export function safeName(value: string | undefined, max: number): string | undefined {
  if (value === undefined || byteLength(value) > max) return undefined;
  return clipText(value, max) === value ? value : undefined;
}

export function safeTime(value: string | undefined): string | undefined {
  if (value === undefined || value.length > 64) return undefined;
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(value) && !Number.isNaN(Date.parse(value))
    ? value
    : undefined;
}

export function safeRevision(value: string | undefined): string | undefined {
  return value !== undefined && /^sha256:[0-9a-f]{64}$/.test(value) ? value : undefined;
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without the fields that are undefined. */
export function present<T extends object>(fields: T): Present<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<T>;
}
