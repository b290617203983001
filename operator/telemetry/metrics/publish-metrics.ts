import type { Counter, Histogram, MetricsRegistry, Sample } from '../../../runtime/telemetry/metrics-registry.ts';
import { attempt } from './sources.ts';

/** What is committed of one tenant. Times in ms since the epoch. */
export interface TenantFacts {
  tenant: string;
  sequence: number;
  expiresAt: number;
  agents: number;
  policies: number;
}

/** content: a new sequence. renewal: the same, with a later head. revocation: a last bundle that refuses everything. */
export type CommitKind = 'content' | 'renewal' | 'revocation';

/** What was not as it should be, and has been put right. */
export type RepairKind = 'head' | 'shard' | 'bootstrap' | 'trusted-keys';

const BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 30];

/** From a change to a committed bundle. */
export class PublishMetrics {
  readonly #latency: Histogram;
  readonly #steps: Histogram;
  readonly #commits: Counter;
  readonly #conflicts: Counter;
  readonly #repairs: Counter;
  #tenants: (() => Iterable<TenantFacts>) | undefined;

  constructor(registry: MetricsRegistry) {
    this.#latency = registry.histogram(
      'aegis_operator_publish_latency_seconds',
      'From the moment a change was seen until its bundle was committed.',
      [],
      BOUNDS,
    );
    this.#steps = registry.histogram(
      'aegis_operator_publish_step_duration_seconds',
      'Steps of publishing: compile, sign, write.',
      ['step'],
      BOUNDS,
    );
    this.#commits = registry.counter('aegis_operator_commits_total', 'Bundle heads that were committed.', ['kind']);
    this.#conflicts = registry.counter(
      'aegis_operator_commit_conflicts_total',
      'Commits that were refused because somebody else had written the head.',
    );
    this.#repairs = registry.counter(
      'aegis_operator_repairs_total',
      'Objects of the operator that somebody had changed or deleted, and that were put right.',
      ['object'],
    );
    this.#addTenants(registry);
  }

  #addTenants(registry: MetricsRegistry): void {
    const reading = (name: string, help: string, value: (facts: TenantFacts) => number): void => {
      const read = (): Sample[] =>
        [...(attempt(() => this.#tenants?.()) ?? [])].map((facts) => ({ value: value(facts), labels: [facts.tenant] }));
      registry.reading('gauge', `aegis_operator_bundle_${name}`, help, read, ['tenant']);
    };
    reading('sequence', 'Sequence of the committed bundle.', ({ sequence }) => sequence);
    reading(
      'expiry_timestamp_seconds',
      'When the committed head expires, since the epoch.',
      ({ expiresAt }) => expiresAt / 1000,
    );
    reading('agents', 'Agents in the committed bundle.', ({ agents }) => agents);
    reading('policies', 'Policies in the committed bundle.', ({ policies }) => policies);
  }

  /** `ms` from the oldest change that is in the commit; absent where nothing had changed (a renewal). */
  committed(kind: CommitKind, ms?: number): void {
    this.#commits.add([kind]);
    if (ms !== undefined) this.#latency.observe(ms / 1000);
  }

  step(step: 'compile' | 'sign' | 'write', ms: number): void {
    this.#steps.observe(ms / 1000, [step]);
  }

  conflict(): void {
    this.#conflicts.add();
  }

  repaired(object: RepairKind): void {
    this.#repairs.add([object]);
  }

  readTenants(read: () => Iterable<TenantFacts>): void {
    this.#tenants = read;
  }
}
