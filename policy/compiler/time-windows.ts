import type { FieldPath } from '../resources/resource.ts';
import type { TimeWindow as WindowSpec } from '../resources/types.generated.ts';
import type { Problems } from './problem.ts';
import type { TimeWindow } from './slice.ts';
import { nameSet } from './values.ts';

export const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;

/** IANA zone names known to the runtime (ECMA-402); `UTC` always is. */
export function knownTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function minutes(text: string): number {
  const [hours, rest] = text.split(':');
  return Number(hours) * 60 + Number(rest);
}

function dayAfter(day: string): string {
  return DAYS[(DAYS.indexOf(day as (typeof DAYS)[number]) + 1) % DAYS.length] as string;
}

/** Windows that cross midnight become two: the evening of each day and the morning after it. */
export function compileTimeWindows(specs: readonly WindowSpec[], path: FieldPath, problems: Problems): TimeWindow[] {
  return specs.flatMap((spec, index) => {
    const tz = spec.timeZone ?? 'UTC';
    if (!knownTimeZone(tz)) {
      problems.error(
        'AEGIS_TIME_ZONE',
        [...path, index, 'timeZone'],
        `"${tz}" is not a time zone of the IANA database.`,
      );
      return [];
    }
    const days = spec.days ?? [...DAYS];
    const from = minutes(spec.from);
    const to = minutes(spec.to);
    if (from === to) {
      problems.error('AEGIS_CONTRADICTION', [...path, index], 'The window is empty: from and to are the same.');
      return [];
    }
    if (from < to) return [{ tz, days: nameSet(days), from, to }];
    return [
      { tz, days: nameSet(days), from, to: 24 * 60 },
      ...(to > 0 ? [{ tz, days: nameSet(days.map(dayAfter)), from: 0, to }] : []),
    ];
  });
}
