import type { AegisError } from '../errors.ts';
import { quoted } from './encoding.ts';

/** Small helpers of the strict parsers: unknown, missing and mistyped fields are refused. */
export type Fail = (message: string) => AegisError;

export type JsonRecord = Record<string, unknown>;

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value as an object with exactly these fields. @throws what `fail` makes. */
export function readRecord(
  value: unknown,
  required: readonly string[],
  optional: readonly string[],
  fail: Fail,
): JsonRecord {
  if (!isRecord(value)) throw fail('expected an object');
  for (const name of Object.keys(value)) {
    if (!required.includes(name) && !optional.includes(name)) throw fail(`unknown field ${quoted(name)}`);
  }
  for (const name of required) if (!Object.hasOwn(value, name)) throw fail(`the field ${name} is missing`);
  return value;
}

/** The field as the type that `test` proves. @throws what `fail` makes. */
export function field<T>(record: JsonRecord, name: string, test: (value: unknown) => value is T, fail: Fail): T {
  const value = record[name];
  if (!test(value)) throw fail(`the field ${name} has the wrong type or form`);
  return value;
}
