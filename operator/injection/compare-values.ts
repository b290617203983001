import type { CheckFinding } from './check-finding.ts';

/**
 * Where `found` is not `expected`, without any values: they may be somebody's secrets.
 * @param same for texts that may be written in several ways.
 */
export function differences(
  expected: unknown,
  found: unknown,
  field: string,
  same: (expected: unknown, found: unknown) => boolean = Object.is,
): CheckFinding[] {
  if (isAbsent(expected) && isAbsent(found)) return [];
  if (isAbsent(found)) return [{ field, message: 'is missing' }];
  if (isAbsent(expected)) return [{ field, message: 'was not rendered' }];
  if (Array.isArray(expected) && Array.isArray(found)) {
    const length = Math.max(expected.length, found.length);
    return Array.from({ length }, (_, index) => index).flatMap((index) =>
      differences(expected[index], found[index], `${field}[${labelOf(expected[index] ?? found[index], index)}]`, same),
    );
  }
  if (isObject(expected) && isObject(found)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(found)]);
    return [...keys].flatMap((key) => differences(expected[key], found[key], `${field}.${key}`, same));
  }
  return same(expected, found) ? [] : [{ field, message: 'is not as rendered' }];
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function labelOf(entry: unknown, index: number): string | number {
  return isObject(entry) && typeof entry.name === 'string' ? entry.name : index;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
