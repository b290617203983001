import type { NameSet } from './slice.ts';
import { nameSet } from './values.ts';

/** `api.example.com` matches itself, `*.example.com` every name below it (not `example.com`). Case does not matter. */
export function hostPatterns(patterns: readonly string[]): { names: NameSet; suffixes: string[] } {
  const lower = patterns.map((pattern) => pattern.toLowerCase().replace(/\.$/, ''));
  return {
    names: nameSet(
      lower.filter((pattern) => !pattern.startsWith('*.')).map((name) => name.replace(/^\[(.*)\]$/, '$1')),
    ),
    suffixes: lower.filter((pattern) => pattern.startsWith('*.')).map((pattern) => pattern.slice(1)),
  };
}
