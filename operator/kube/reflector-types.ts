import type { Clock } from '../../runtime/time/clock.ts';
import type { KubeError } from './kube-error.ts';
import type { KubeClient, KubeObject, ResourceType, Selection } from './types.ts';

export interface ReflectorOptions<T extends KubeObject> {
  client: KubeClient;
  type: ResourceType;
  selection?: Selection;
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  /** What of an object is kept. May change the object that it gets; `managedFields` are gone already. */
  transform?(object: T): T;
  /** What happens to the watch; for logs and metrics. */
  onStatus?(event: ReflectorEvent): void;
  /** ms after which a watch that ended is followed by a list instead of by the next watch; 30 min when absent. */
  relistInterval?: number;
  /** Objects in one page of a list. */
  pageSize?: number;
}

export type ReflectorEvent =
  | { event: 'listed'; items: number; changes: number; took: number }
  /** As watches do; `idle`: nothing came for so long that the connection may be dead. */
  | { event: 'watch-ended'; idle: boolean }
  /** List or watch failed; the next attempt comes after `delay` ms. */
  | { event: 'failed'; error: KubeError; delay: number }
  /** Somebody who is told of changes, or `transform`, threw: a defect. The copy is right all the same. */
  | { event: 'listener-failed'; error: unknown };

export interface ReflectorStatus {
  synced: boolean;
  /** Monotonic ms when the server last said anything; what is known may be older by now minus that. */
  lastContact: number | undefined;
  items: number;
  relists: number;
  /** Watches begun after the first one. */
  reconnects: number;
  failures: number;
  listenerFailures: number;
  /** Of the attempt before this one, until something works again. */
  lastError: KubeError | undefined;
}
