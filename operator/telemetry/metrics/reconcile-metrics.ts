import type { Counter, Histogram, MetricsRegistry } from '../../../runtime/telemetry/metrics-registry.ts';
import { attempt } from './sources.ts';

export type ReconcileResult = 'done' | 'again' | 'failed';

/** How many resources of a kind are in a state. */
export interface ResourceCount {
  kind: string;
  /** As kstatus sees them. */
  state: 'ready' | 'reconciling' | 'stalled';
  count: number;
}

const BOUNDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** How reconciling goes, and what came of it. */
export class ReconcileMetrics {
  readonly #seconds: Histogram;
  readonly #statusWrites: Counter;
  #resources: (() => Iterable<ResourceCount>) | undefined;

  constructor(registry: MetricsRegistry) {
    this.#seconds = registry.histogram(
      'aegis_operator_reconcile_duration_seconds',
      'Time of one reconcile; done, again (it asked for another one) or failed.',
      ['controller', 'result'],
      BOUNDS,
    );
    this.#statusWrites = registry.counter(
      'aegis_operator_status_writes_total',
      'Status that was written, or could not be.',
      ['kind', 'result'],
    );
    registry.reading(
      'gauge',
      'aegis_operator_resources',
      'Resources by state.',
      () =>
        [...(attempt(() => this.#resources?.()) ?? [])].map(({ kind, state, count }) => ({
          value: count,
          labels: [kind, state],
        })),
      ['kind', 'state'],
    );
  }

  /** `controller` e.g. `tenant`, `status`. */
  reconciled(controller: string, result: ReconcileResult, ms: number): void {
    this.#seconds.observe(ms / 1000, [controller, result]);
  }

  statusWritten(kind: string, result: 'written' | 'failed'): void {
    this.#statusWrites.add([kind, result]);
  }

  readResources(read: () => Iterable<ResourceCount>): void {
    this.#resources = read;
  }
}
