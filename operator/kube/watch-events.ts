import { errorEvent } from './error-answer.ts';
import { KubeError } from './kube-error.ts';
import type { KubeObject, ResourceType, WatchEvent } from './types.ts';

/** An event of a watch from its line. @throws KubeError for an `ERROR` event (410: expired), or for no event at all */
export function watchEvent<T extends KubeObject>(line: string, type: ResourceType): WatchEvent<T> {
  const { type: kind, object } = parse(line);
  if (kind === 'ERROR') throw errorEvent(object);
  if (typeof object !== 'object' || object === null || !('metadata' in object)) {
    throw new KubeError(0, 'InvalidEvent', `an event of ${type.plural} holds no object`);
  }
  const known = object as T;
  if (kind === 'BOOKMARK') return { type: 'BOOKMARK', resourceVersion: known.metadata.resourceVersion ?? '' };
  if (kind === 'ADDED' || kind === 'MODIFIED' || kind === 'DELETED') return { type: kind, object: known };
  throw new KubeError(0, 'InvalidEvent', `an event of ${type.plural} is of no known type`);
}

function parse(line: string): { type?: unknown; object?: unknown } {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value;
  } catch {
    // told below, without what it held
  }
  throw new KubeError(0, 'InvalidEvent', 'a line of a watch is not JSON');
}
