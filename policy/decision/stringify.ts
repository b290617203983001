import { NumberLiteral } from '../number-literal.ts';
import type { ParsedJson } from './parse-json.ts';

/**
 * JSON text of a value that may hold `NumberLiteral`s, each written as it is. Members that are undefined are left out,
 * as `JSON.stringify` does. For values of JSON only; their depth is bounded by whoever made them.
 */
export function stringifyExact(value: unknown): string {
  if (value instanceof NumberLiteral) return value.text;
  if (Array.isArray(value)) return `[${value.map((item) => stringifyExact(item ?? null)).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${stringifyExact(member)}`).join(',')}}`;
}

/** JSON text of a parsed input: `hasLiterals` says whether `JSON.stringify` would do. */
export function stringify({ value, hasLiterals }: ParsedJson): string {
  return hasLiterals ? stringifyExact(value) : JSON.stringify(value);
}
