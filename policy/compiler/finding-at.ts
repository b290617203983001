import type { ErrorCode, Finding, Severity } from '../errors.ts';
import { type FieldPath, formatPath, type LoadedResource } from '../resources/resource.ts';

/** `AgentPolicy fintech/finance-payments` */
export function resourceName({ object }: LoadedResource): string {
  const { namespace, name } = object.metadata;
  return `${object.kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
}

/** A finding about one field of a loaded resource, with its line. */
export function findingAt(
  resource: LoadedResource,
  code: ErrorCode,
  severity: Severity,
  path: FieldPath,
  message: string,
): Finding {
  return {
    code,
    severity,
    message,
    resource: resourceName(resource),
    field: formatPath(path),
    location: resource.locate(path),
  };
}
