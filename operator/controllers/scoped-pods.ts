import type { AgentRegistration } from '../../policy/resources/types.generated.ts';
import type { GatewayEntry, GatewayTable } from '../serving/gateway-table.ts';
import type { PodIndex } from '../workloads/pod-index.ts';
import type { PodView } from '../workloads/pod-view.ts';
import type { TenantRecord } from './tenant-record.ts';

/** Which pods run which agents of a tenant, and how far their gateways are. */
export interface ScopedPodsOptions {
  pods: PodIndex;
  gateways: GatewayTable;
  /** ms. */
  monotonic(): number;
}

const MAX_PODS = 100_000;
/** ms that a pod with a gateway may run before it counts without a word of its gateway: starting takes a while. */
const START = 60_000;

interface Agents {
  /** Registration keys (`namespace/name`) by agent id, sorted. */
  registrations: ReadonlyMap<string, string>;
  byRegistration: ReadonlyMap<string, string>;
}

export interface RegistrationPods {
  counts: { matched: number; injected: number; acknowledged: number; ambiguous: number; silent: number };
  /** Those that count as matched. */
  running: readonly PodView[];
  /** Of these, without a gateway because their label says so. */
  optedOut: number;
  /** Of nobody, with labels that fit and another ServiceAccount. */
  strays: number;
}

export class ScopedPods {
  readonly #pods: PodIndex;
  readonly #gateways: GatewayTable;
  readonly #monotonic: () => number;
  readonly #agents = new WeakMap<object, Agents>();
  /** When a pod with a gateway was first seen to run, by uid. */
  readonly #since = new Map<string, number>();

  constructor({ pods, gateways, monotonic }: ScopedPodsOptions) {
    this.#pods = pods;
    this.#gateways = gateways;
    this.#monotonic = monotonic;
  }

  /** Agent ids, sorted. */
  agents(record: TenantRecord): readonly string[] {
    return [...this.#of(record).registrations.keys()];
  }

  /** Running pods of these agents that have a gateway, and those of them that hold at least this sequence. */
  count(record: TenantRecord, agents: readonly string[], sequence: number): { matched: number; acknowledged: number } {
    const { registrations } = this.#of(record);
    let matched = 0;
    let acknowledged = 0;
    for (const agent of agents) {
      const key = registrations.get(agent);
      if (key === undefined) continue;
      const { live, held } = this.#gatewaysOf(record, key);
      matched += live.length;
      acknowledged += live.filter(({ uid }) => (held.get(uid) ?? 0) >= sequence).length;
    }
    return { matched, acknowledged };
  }

  /** Of all running pods with a gateway. */
  progress(record: TenantRecord, key: string): { gateways: number; least: number } {
    const { live, held } = this.#gatewaysOf(record, key);
    const least = live.reduce((lowest, { uid }) => Math.min(lowest, held.get(uid) ?? 0), Number.MAX_SAFE_INTEGER);
    return { gateways: live.length, least };
  }

  ofRegistration(record: TenantRecord, key: string, sequence: number): RegistrationPods {
    const ambiguous = this.#pods.ambiguousPodsOf(key).filter((pod) => pod.running);
    const { running, live, held } = this.#gatewaysOf(record, key);
    const all = [...running, ...ambiguous];
    const alive = new Set(live);
    return {
      counts: {
        matched: all.length,
        injected: live.length,
        acknowledged: live.filter(({ uid }) => (held.get(uid) ?? 0) >= sequence).length,
        ambiguous: ambiguous.length,
        silent: all.filter((pod) => pod.injected && !alive.has(pod)).length,
      },
      running: all,
      optedOut: all.filter((pod) => pod.optedOut && !pod.injected && !alive.has(pod)).length,
      strays: this.#pods.strayPodsOf(key).filter((pod) => pod.running && !pod.injected && !pod.optedOut).length,
    };
  }

  #gatewaysOf(record: TenantRecord, key: string) {
    const running = this.#pods.podsOf(key).filter((pod) => pod.running);
    const agent = this.#of(record).byRegistration.get(key);
    const gateways = agent === undefined ? [] : this.#gateways.ofAgent(record.scope.identity, agent);
    const held = new Map(gateways.map((gateway) => [gateway.podUid, heldBy(gateway)]));
    return { running, live: running.filter((pod) => held.has(pod.uid) || this.#hasStarted(pod)), held };
  }

  #hasStarted({ uid, injected }: PodView): boolean {
    if (!injected) return false;
    const now = this.#monotonic();
    const since = this.#since.get(uid);
    if (since === undefined) {
      if (this.#since.size > MAX_PODS) this.#since.clear();
      this.#since.set(uid, now);
    }
    return now - (since ?? now) > START;
  }

  #of({ outcome: { plan } }: TenantRecord): Agents {
    let known = this.#agents.get(plan);
    if (known === undefined) {
      const found = [...plan.results.values()].flatMap(({ current, takesPart }): [string, string][] => {
        if (current.kind !== 'AgentRegistration' || takesPart === 'none') return [];
        const { spec, metadata } = current.loaded.object as AgentRegistration;
        return [[spec.agentId ?? metadata.name, `${metadata.namespace ?? 'default'}/${metadata.name}`]];
      });
      const registrations = new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
      known = { registrations, byRegistration: new Map(found.map(([agent, key]) => [key, agent])) };
      this.#agents.set(plan, known);
    }
    return known;
  }
}

/** A gateway that is ahead of what it is offered does not hold what is committed here. */
function heldBy({ acknowledgement: { state, sequence = 0, head } }: GatewayEntry): number {
  return state === 'active' && head === undefined ? sequence : 0;
}
