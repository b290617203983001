import type { AgentPolicy } from '../../policy/resources/types.generated.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { ScopedPods } from './scoped-pods.ts';
import type { TenantRecord } from './tenant-record.ts';

export interface StatusMarksOptions {
  scoped: ScopedPods;
  record(identity: TenantIdentity): TenantRecord | undefined;
  /** By `Kind namespace/name`. */
  mark(key: string): void;
}

/** How far the gateways of one agent are. */
export interface Progress {
  gateways: number;
  /** Least sequence that one of them holds. */
  least: number;
}

const NOBODY: Progress = { gateways: 0, least: 0 };

interface Waiting {
  key: string;
  agents: readonly string[] | undefined;
  sequence: number;
}

/**
 * Whose status may be another one when gateways are further, or pods come and go. Of ten thousand policies only those
 * are looked at that not every pod has yet.
 */
export class StatusMarks {
  readonly #options: StatusMarksOptions;
  /** Policies of a plan, newest sequence first. */
  readonly #policies = new WeakMap<object, Waiting[]>();
  /** As it was told last, by uid of the tenant and agent: one that is made anew begins anew. */
  readonly #progress = new Map<string, Progress>();

  constructor(options: StatusMarksOptions) {
    this.#options = options;
  }

  /** Gateways of the agent acknowledged something, or its pods changed. */
  agent(identity: TenantIdentity, agentId: string, registrationKey: string | undefined): void {
    const record = this.#options.record(identity);
    if (record === undefined) return;
    if (registrationKey !== undefined) this.#options.mark(`AgentRegistration ${registrationKey}`);
    const now = registrationKey === undefined ? NOBODY : this.#options.scoped.progress(record, registrationKey);
    const name = `${identity.uid} ${agentId}`;
    const before = this.#progress.get(name) ?? NOBODY;
    this.#progress.set(name, now);
    // another number of gateways is another number in every status
    const from = before.gateways === now.gateways ? Math.min(before.least, now.least) : 0;
    for (const { key, agents, sequence } of this.#waiting(record)) {
      if (sequence <= from) break;
      if (agents === undefined || agents.includes(agentId)) this.#options.mark(key);
    }
  }

  #waiting(record: TenantRecord): Waiting[] {
    const { committed } = record.outcome;
    if (committed === undefined) return [];
    let known = this.#policies.get(committed);
    if (known === undefined) {
      known = [...committed.entries]
        .filter(([key]) => key.startsWith('AgentPolicy '))
        .map(([key, { accepted, sequence }]) => ({
          key,
          agents: (accepted as AgentPolicy).spec.scope.agents,
          sequence,
        }))
        .sort((a, b) => b.sequence - a.sequence);
      this.#policies.set(committed, known);
    }
    return known;
  }
}
