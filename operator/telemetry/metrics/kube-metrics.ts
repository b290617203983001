import type { Counter, Histogram, MetricsRegistry } from '../../../runtime/telemetry/metrics-registry.ts';
import { Sources } from './sources.ts';

/** One request to the API server that has ended. */
export interface RequestFacts {
  /** As RBAC names it: get, list, watch, create, update, patch, delete. */
  verb: string;
  /** HTTP status; 0 where there was no answer. */
  code: number | '2xx';
  /** All of it, waiting included. */
  ms: number;
}

/** As `Reflector.status` tells. */
export interface WatchFacts {
  synced: boolean;
  /** ms of the monotonic clock; absent while the server has not answered yet. */
  lastContact?: number | undefined;
  relists: number;
  reconnects: number;
  objects: number;
}

/** As `WorkQueue.stats()` tells. */
export interface QueueFacts {
  depth: number;
  /** Keys that wait for their time. */
  delayed: number;
  inFlight: number;
  /** ms. */
  oldestAge: number;
  /** ms that the longest pass under way has taken so far. */
  longestRun: number;
  /** Since the start. */
  retries: number;
}

const REQUEST_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** What the operator does at the API server: requests, watches, queues, the Lease, Events. */
export class KubeMetrics {
  readonly #requests: Counter;
  readonly #requestSeconds: Histogram;
  readonly #events: Counter;
  readonly #watches = new Sources<WatchFacts>();
  readonly #queues = new Sources<QueueFacts>();
  #leads = false;

  /** `monotonic` in ms, the clock of `WatchFacts`. */
  constructor(registry: MetricsRegistry, monotonic: () => number) {
    this.#requests = registry.counter(
      'aegis_operator_api_requests_total',
      'Calls of the API server by verb and HTTP status (0: no answer). A call may take several requests.',
      ['verb', 'code'],
    );
    this.#requestSeconds = registry.histogram(
      'aegis_operator_api_request_duration_seconds',
      'Time until the API server had answered.',
      ['verb'],
      REQUEST_BOUNDS,
    );
    this.#events = registry.counter('aegis_operator_events_total', 'Kubernetes Events: written, or dropped.', [
      'result',
    ]);
    registry.reading('gauge', 'aegis_operator_leader', 'Whether this replica leads.', () => Number(this.#leads));
    this.#addWatches(registry, monotonic);
    this.#addQueues(registry);
  }

  #addWatches(registry: MetricsRegistry, monotonic: () => number): void {
    const reading = (
      kind: 'gauge' | 'counter',
      name: string,
      help: string,
      value: (watch: WatchFacts) => number | undefined,
    ): void =>
      registry.reading(kind, `aegis_operator_watch_${name}`, help, () => this.#watches.samples(value), ['kind']);
    reading('gauge', 'synced', 'Whether the copy of the kind is complete.', ({ synced }) => Number(synced));
    reading(
      'gauge',
      'staleness_seconds',
      'Since the API server was last heard of about the kind (an event, a bookmark or a list).',
      ({ lastContact }) => (lastContact === undefined ? undefined : Math.max(0, monotonic() - lastContact) / 1000),
    );
    reading('gauge', 'objects', 'Objects in the copy.', ({ objects }) => objects);
    reading('counter', 'relists_total', 'Times that everything was listed anew.', ({ relists }) => relists);
    reading('counter', 'reconnects_total', 'Watches that were opened again.', ({ reconnects }) => reconnects);
  }

  #addQueues(registry: MetricsRegistry): void {
    const reading = (
      kind: 'gauge' | 'counter',
      name: string,
      help: string,
      value: (queue: QueueFacts) => number,
    ): void =>
      registry.reading(kind, `aegis_operator_queue_${name}`, help, () => this.#queues.samples(value), ['queue']);
    reading('gauge', 'depth', 'Keys that wait.', ({ depth }) => depth);
    reading('gauge', 'delayed', 'Keys that wait for their time.', ({ delayed }) => delayed);
    reading('gauge', 'in_flight', 'Keys that are being worked on.', ({ inFlight }) => inFlight);
    reading('gauge', 'oldest_age_seconds', 'How long the oldest key has waited.', ({ oldestAge }) => oldestAge / 1000);
    reading(
      'gauge',
      'longest_run_seconds',
      'How long the longest pass under way has taken so far.',
      ({ longestRun }) => longestRun / 1000,
    );
    reading('counter', 'retries_total', 'Keys that were put back after a failure.', ({ retries }) => retries);
  }

  requested({ verb, code, ms }: RequestFacts): void {
    this.#requests.add([verb, String(code)]);
    if (verb !== 'watch') this.#requestSeconds.observe(ms / 1000, [verb]);
  }

  addWatch(kind: string, read: () => WatchFacts | undefined): void {
    this.#watches.add(kind, read);
  }

  addQueue(name: string, read: () => QueueFacts | undefined): void {
    this.#queues.add(name, read);
  }

  leads(leads: boolean): void {
    this.#leads = leads;
  }

  event(result: 'written' | 'dropped', count = 1): void {
    this.#events.add([result], count);
  }
}
