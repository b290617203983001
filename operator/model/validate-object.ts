import type { Finding } from '../../policy/errors.ts';
import type { FieldPath, LoadedResource, Resource } from '../../policy/resources/resource.ts';
import { findingAt } from '../../policy/validation/finding-builder.ts';
import { validateResource } from '../../policy/validation/validate-resource.ts';

/** Doubles keep every decimal of so many significant digits. */
const EXACT_DIGITS = 15;
/** Far more than any field needs; what is unknown may be as deep as the API server takes it (10,000). */
const MAX_DEPTH = 64;

/**
 * Everything that is wrong with one object of the API server by itself. On top of what the offline check finds: numbers
 * that JSON has not brought exactly (`docs/webhook.md`). The webhook and the intake decide alike by calling this.
 */
export function validateObject(resource: LoadedResource, options: { old?: Resource } = {}): Finding[] {
  if (isDeeperThan(MAX_DEPTH, resource.object.spec)) {
    const message = `spec is nested deeper than ${MAX_DEPTH} levels`;
    return [findingAt(resource, 'AEGIS_SCHEMA_BOUNDS', ['spec'], message, 'Remove what no field of the resource is.')];
  }
  return [...findInexactNumbers(resource), ...validateResource(resource, options)];
}

/**
 * The API server keeps whole numbers of 64 bits, JSON.parse rounds them to doubles. Every whole number beyond 2^53
 * arrives as one beyond 2^53, so that none passes here with another value than was written.
 */
function findInexactNumbers(resource: LoadedResource): Finding[] {
  const found: Finding[] = [];
  const { apiVersion: _, kind: __, metadata: ___, status: ____, ...content } = resource.object;
  visit(content, [], (value, path) => {
    if (isExact(value)) return;
    const message = `${String(path.at(-1))} has more digits than a number keeps exactly`;
    const fix = 'Put it in quotes, with at most 18 significant digits.';
    found.push(findingAt(resource, 'AEGIS_SCHEMA_BOUNDS', path, message, fix));
  });
  return found;
}

/** Level by level: what is too deep for the checks is so for the stack as well. */
function isDeeperThan(levels: number, root: unknown): boolean {
  let level = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > levels) return true;
    level = level.flatMap((value) => (typeof value === 'object' && value !== null ? Object.values(value) : []));
  }
  return false;
}

function isExact(value: number): boolean {
  if (Number.isInteger(value)) return Number.isSafeInteger(value);
  return (/^-?(?:0\.0*)?([0-9.]+)/.exec(String(value))?.[1] ?? '').replace('.', '').length <= EXACT_DIGITS;
}

function visit(value: unknown, path: FieldPath, found: (value: number, path: FieldPath) => void): void {
  if (typeof value === 'number') found(value, path);
  if (typeof value !== 'object' || value === null) return;
  const entries = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [step, each] of entries) visit(each, [...path, step], found);
}
