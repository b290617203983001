import type { SourceLocation } from '../errors.ts';

/** A path inside a resource: property names and list indexes from the root, e.g. `['spec', 'rules', 0, 'name']`. */
export type FieldPath = readonly (string | number)[];

/** What every Kubernetes resource has. */
export interface Resource {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    uid?: string;
    generation?: number;
    creationTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  spec?: unknown;
  status?: unknown;
}

/** A parsed resource together with a way back to the line it came from. */
export interface LoadedResource<T extends Resource = Resource> {
  object: T;
  /** Position of the value at `path`; of its nearest existing ancestor where the path does not exist. */
  locate(path: FieldPath): SourceLocation;
  /** Position of the key that names the value at `path` (for unknown fields); of the value where it has no key. */
  locateKey(path: FieldPath): SourceLocation;
}

/** `Kind namespace/name` of a resource, for findings. */
export function describeResource({ object }: LoadedResource): string {
  const { name, namespace } = object.metadata;
  return `${object.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

/** `spec.rules[0].conditions.maxAmount` for `['spec','rules',0,'conditions','maxAmount']`. */
export function formatPath(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}
