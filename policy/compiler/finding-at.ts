import type { ErrorCode, Finding, Severity } from '../errors.ts';
import { describeResource, type FieldPath, formatPath, type LoadedResource } from '../resources/resource.ts';

/** A finding about one field of a loaded resource, with its line. */
export function findingAt(
  resource: LoadedResource,
  code: ErrorCode,
  severity: Severity,
  path: FieldPath,
  message: string,
  fix?: string,
): Finding {
  return {
    code,
    severity,
    message,
    ...(fix === undefined ? {} : { fix }),
    resource: describeResource(resource),
    field: formatPath(path),
    location: resource.locate(path),
  };
}
