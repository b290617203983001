import type { AgentRegistration } from '../../policy/resources/types.generated.ts';
import type { GatewayEntry, GatewayTable } from '../serving/gateway-table.ts';
import type { PodIndex } from '../workloads/pod-index.ts';
import type { TenantRecord } from './tenant-controller.ts';

/** Which pods run which agents of a tenant, and how far their gateways are. */
export class ScopedPods {
  readonly #pods: PodIndex;
  readonly #gateways: GatewayTable;
  /** Of the plan of a pass: registration keys (`namespace/name`) by agent id. */
  readonly #registrations = new WeakMap<object, Map<string, string>>();

  constructor({ pods, gateways }: { pods: PodIndex; gateways: GatewayTable }) {
    this.#pods = pods;
    this.#gateways = gateways;
  }

  /** Agent ids, sorted. */
  agents(record: TenantRecord): readonly string[] {
    return [...this.#of(record).keys()];
  }

  /** Running pods of these agents that have a gateway, and those of them that hold at least this sequence. */
  count(record: TenantRecord, agents: readonly string[], sequence: number): { matched: number; acknowledged: number } {
    const registrations = this.#of(record);
    let matched = 0;
    let acknowledged = 0;
    for (const agent of agents) {
      const key = registrations.get(agent);
      if (key === undefined) continue;
      const counts = this.ofRegistration(record, key, sequence);
      matched += counts.injected;
      acknowledged += counts.acknowledged;
    }
    return { matched, acknowledged };
  }

  /** Of all running pods with a gateway. */
  progress(record: TenantRecord, key: string): { gateways: number; least: number } {
    const { live, held } = this.#gatewaysOf(record, key);
    const least = live.reduce((lowest, { uid }) => Math.min(lowest, held.get(uid) ?? 0), Number.MAX_SAFE_INTEGER);
    return { gateways: live.length, least };
  }

  ofRegistration(
    record: TenantRecord,
    key: string,
    sequence: number,
  ): { matched: number; injected: number; acknowledged: number; ambiguous: number } {
    const ambiguous = this.#pods.ambiguousPodsOf(key).filter((pod) => pod.running).length;
    const { running, live, held } = this.#gatewaysOf(record, key);
    return {
      matched: running.length + ambiguous,
      injected: live.length,
      acknowledged: live.filter(({ uid }) => (held.get(uid) ?? 0) >= sequence).length,
      ambiguous,
    };
  }

  #gatewaysOf(record: TenantRecord, key: string) {
    const running = this.#pods.podsOf(key).filter((pod) => pod.running);
    const agent = this.#agentOf(record, key);
    const gateways = agent === undefined ? [] : this.#gateways.ofAgent(record.scope.identity, agent);
    const held = new Map(gateways.map((gateway) => [gateway.podUid, heldBy(gateway)]));
    return { running, live: running.filter(({ uid, injected }) => injected || held.has(uid)), held };
  }

  #agentOf(record: TenantRecord, key: string): string | undefined {
    for (const [agent, registration] of this.#of(record)) if (registration === key) return agent;
    return undefined;
  }

  #of({ outcome: { plan } }: TenantRecord): Map<string, string> {
    let known = this.#registrations.get(plan);
    if (known === undefined) {
      const found = [...plan.results.values()].flatMap(({ current, takesPart }): [string, string][] => {
        if (current.kind !== 'AgentRegistration' || takesPart === 'none') return [];
        const { spec, metadata } = current.loaded.object as AgentRegistration;
        return [[spec.agentId ?? metadata.name, `${metadata.namespace ?? 'default'}/${metadata.name}`]];
      });
      known = new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
      this.#registrations.set(plan, known);
    }
    return known;
  }
}

/** A gateway that is ahead of what it is offered does not hold what is committed here. */
function heldBy({ acknowledgement: { state, sequence = 0, head } }: GatewayEntry): number {
  return state === 'active' && head === undefined ? sequence : 0;
}
