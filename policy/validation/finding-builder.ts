import type { ErrorCode, Finding } from '../errors.ts';
import { describeResource, type FieldPath, formatPath, type LoadedResource } from '../resources/resource.ts';

/**
 * An error about what stands at `path` in `resource`. It is placed at the value of a scalar, else at the key that names
 * the field, else (where the field is missing) at the key of its nearest ancestor.
 */
export function findingAt(
  resource: LoadedResource,
  code: ErrorCode,
  path: FieldPath,
  message: string,
  fix?: string,
): Finding {
  const existing = existingPart(resource.object, path);
  const scalar = existing.length === path.length && !isContainer(valueAt(resource.object, path));
  const location = scalar ? resource.locate(existing) : resource.locateKey(existing);
  return {
    code,
    severity: 'error',
    message,
    ...(fix === undefined ? {} : { fix }),
    resource: describeResource(resource),
    field: formatPath(path),
    location,
  };
}

/** What stands at `path`, or undefined. */
export function valueAt(root: unknown, path: FieldPath): unknown {
  let value = root;
  for (const step of path) {
    if (!isContainer(value) || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<string | number, unknown>)[step];
  }
  return value;
}

function existingPart(root: unknown, path: FieldPath): FieldPath {
  let value = root;
  for (const [depth, step] of path.entries()) {
    if (!isContainer(value) || !Object.hasOwn(value, step)) return path.slice(0, depth);
    value = (value as Record<string | number, unknown>)[step];
  }
  return path;
}

function isContainer(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
