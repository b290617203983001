import { AegisError } from '../../policy/errors.ts';
import type { Evidence } from '../../policy/rollout/evidence.ts';
import { MAX_EGRESS } from '../../policy/wire/gateway-report.ts';
import { LruMap } from '../../runtime/lru-map.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { EgressObservation, GatewayReport, ViolationCount } from '../model/gateway-report.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { type Boot, bootAfter, reportsOf } from './boot-counters.ts';
import { addCounts, type Counts, cappedCounts, NO_COUNTS } from './counts.ts';
import type { ToldBy } from './gateway-table.ts';
import { egressKey, violationKey } from './read-gateway-bodies.ts';
import { StageMark, type StageQuestion, type ToldSince } from './stage-mark.ts';

/** More calls of one kind than were told before. */
export interface ViolationIncrement extends Omit<ViolationCount, 'calls'> {
  calls: number;
}

/** Sums over the agents of a tenant. `otherwise`: both pass or both refuse, in different ways. */
export interface CandidateSums extends Evidence {
  otherwise: number;
}

interface TenantEvidence {
  boots: Map<string, Boot>;
  marks: Map<string, StageMark>;
}

const NOTHING: TenantEvidence = { boots: new Map(), marks: new Map() };

export interface EvidenceTableOptions {
  clock: Clock;
  /** Told of refused calls that no report has named before. */
  onViolations?(registration: string, increments: readonly ViolationIncrement[]): void;
  /** Calls of one agent that count at most, per policy and revision; 100,000 when absent. */
  maxCallsPerAgent?: number;
  /** Starts of gateways that are remembered; 50,000 when absent. */
  maxBoots?: number;
  /** The pod runs, for the registration that has this name now; every pod when absent. */
  runs?(by: ToldBy): boolean;
}

const MAX_CALLS_PER_AGENT = 100_000;
const MAX_BOOTS = 50_000;

/** A pod runs one gateway: its older boots have ended. */
const MAX_BOOTS_OF_POD = 4;
/** A gateway that was silent for so long has ended, ms. */
const ENDED = 60 * 60_000;
const MAX_ENDED = 10_000;
/** Gateways tell all that they have counted every five minutes, and else only what has changed. */
const ALL_TOLD = 6 * 60_000;

/**
 * Counters of gateways, added up. Each is cumulative per start of a gateway (boot): a report replaces the one before,
 * a restarted gateway adds to it, and one that would take something back is refused. What one agent can bring is capped,
 * so that one loud agent is no evidence for all.
 */
export class EvidenceTable {
  readonly #options: EvidenceTableOptions;
  /** ms since the epoch: from then on gateways tell us. */
  #toldSince: number;
  readonly #tenants = new Map<string, TenantEvidence>();
  readonly #tenantOf = new Map<string, string>();
  readonly #bootsOfPod = new Map<string, string[]>();
  /** Those whose last report was of pods of this registration. */
  readonly #bootsOfRegistration = new Map<string, Set<string>>();
  readonly #ended = new LruMap<string, true>(MAX_ENDED);
  readonly #observers = new Set<(bootKey: string) => void>();

  constructor(options: EvidenceTableOptions) {
    this.#options = options;
    this.#toldSince = options.clock.now();
  }

  get size(): number {
    return this.#tenantOf.size;
  }

  /** Told at once of every report that was taken. */
  observe(observer: (bootKey: string) => void): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  bootKeys(): Iterable<string> {
    return this.#tenantOf.keys();
  }

  /** This replica leads from now on: what gateways told before, they told somebody else. */
  lead(): void {
    this.#toldSince = this.#options.clock.now();
  }

  /** All that is known of one start of a gateway, to pass it on. */
  reports(bootKey: string): { by: ToldBy; report: GatewayReport }[] {
    const boot = this.#boot(bootKey);
    return boot === undefined ? [] : reportsOf(boot).map((report) => ({ by: boot.by, report }));
  }

  /** @throws AegisError `AEGIS_SERVING_COUNTERS`: counters went down; `AEGIS_SERVING_BUSY`: the table is full. */
  record(by: ToldBy, report: GatewayReport): void {
    const { clock, onViolations } = this.#options;
    const key = `${by.podUid}/${report.boot}`;
    const tenant = this.#tenant(by.tenant);
    const before = tenant.boots.get(key);
    if (before === undefined) this.#admit(key, by);
    tenant.boots.set(key, bootAfter(before, by, report, clock.monotonic()));
    if (before === undefined) this.#remember(key, by);
    this.#index(key, before?.by.registration, by.registration);
    const increments = this.#increments(report, before);
    if (increments.length > 0) onViolations?.(by.registration, increments);
    for (const observer of this.#observers) observer(key);
  }

  /** All that was counted of a policy, by revision of the other side (`''`: none). */
  sums(tenant: TenantIdentity, policy: string): Map<string, CandidateSums> {
    const byRevision = new Map<string, Map<string, Counts>>();
    for (const { by, candidates } of this.#tenants.get(tenant.uid)?.boots.values() ?? []) {
      for (const count of candidates.values()) {
        if (count.policy !== policy) continue;
        const revision = count.revision ?? '';
        const agents = byRevision.get(revision) ?? new Map<string, Counts>();
        byRevision.set(revision, agents.set(by.agentId, addCounts(agents.get(by.agentId), count)));
      }
    }
    return new Map([...byRevision].map(([revision, agents]) => [revision, this.#sum(agents)]));
  }

  /**
   * Evidence for a revision since it entered its stage. The first question about a stage begins the count: what a
   * gateway had counted until then is left out, also where it tells it only later. Where this revision enforces
   * (partial), gateways compare it with the stable one, so that their differences count the other way round.
   */
  evidence(tenant: TenantIdentity, question: StageQuestion): CandidateSums {
    const known = this.#tenant(tenant);
    let mark = known.marks.get(question.policy);
    if (mark?.isFor(question) !== true) {
      mark = new StageMark(question, known.boots);
      known.marks.set(question.policy, mark);
    }
    const counts = mark.counts(known.boots, this.#told);
    const { agents } = question;
    return this.#sum(agents === undefined ? counts : new Map([...counts].filter(([agent]) => agents.includes(agent))));
  }

  /**
   * Where the pods of a registration connect to beside their tools, most often first: the sums over the gateways that
   * run now.
   * @param registration as in `ToldBy`.
   */
  egressOf(registration: string): EgressObservation[] {
    const { runs } = this.#options;
    const sums = new Map<string, EgressObservation>();
    for (const key of this.#bootsOfRegistration.get(registration) ?? []) {
      const boot = this.#boot(key);
      if (boot === undefined || boot !== this.#latest(boot.by) || runs?.(boot.by) === false) continue;
      for (const [at, observation] of boot.egress) {
        const connections = (sums.get(at)?.connections ?? 0) + observation.connections;
        sums.set(at, { ...observation, connections: Math.min(connections, Number.MAX_SAFE_INTEGER) });
      }
    }
    const most = [...sums.values()].sort(
      (a, b) => b.connections - a.connections || (egressKey(a) < egressKey(b) ? -1 : 1),
    );
    return most.slice(0, MAX_EGRESS);
  }

  /** Forgets tenants and policies that are gone. */
  retain(isThere: (tenantUid: string, policy: string | undefined) => boolean): void {
    for (const [uid, { marks, boots }] of this.#tenants) {
      for (const policy of marks.keys()) if (!isThere(uid, policy)) marks.delete(policy);
      if (isThere(uid, undefined)) continue;
      for (const [key, boot] of boots) this.#forget(key, boot.by);
      this.#tenants.delete(uid);
    }
  }

  get #told(): ToldSince {
    return { since: this.#toldSince, all: this.#toldSince + ALL_TOLD };
  }

  #increments({ since, violations }: GatewayReport, before: Boot | undefined): ViolationIncrement[] {
    const { since: from, all } = this.#told;
    const isNew = Date.parse(since) >= from || this.#options.clock.now() >= all;
    return violations
      .map((count) => {
        const known = before?.violations.get(violationKey(count))?.calls;
        return { ...count, calls: count.calls - (known ?? (isNew ? 0 : count.calls)) };
      })
      .filter(({ calls }) => calls > 0);
  }

  #sum(agents: ReadonlyMap<string, Counts>): CandidateSums {
    const { maxCallsPerAgent = MAX_CALLS_PER_AGENT } = this.#options;
    let sum = NO_COUNTS;
    let active = 0;
    for (const counts of agents.values()) {
      if (counts.calls > 0) active++;
      sum = addCounts(sum, cappedCounts(counts, maxCallsPerAgent));
    }
    const { calls, wouldDeny, wouldAllow, otherwise, errors } = sum;
    return { decisions: calls, agents: active, wouldDeny, wouldAllow, otherwise, errors };
  }

  #tenant({ uid }: TenantIdentity): TenantEvidence {
    let tenant = this.#tenants.get(uid);
    if (tenant === undefined) {
      tenant = { boots: new Map(), marks: new Map() };
      this.#tenants.set(uid, tenant);
    }
    return tenant;
  }

  #admit(key: string, { tenant }: ToldBy): void {
    const { maxBoots = MAX_BOOTS, clock } = this.#options;
    if (this.#ended.get(key) === true) {
      throw new AegisError('AEGIS_SERVING_COUNTERS', 'this start of the gateway has ended');
    }
    // under the tenant that its pod belonged to before
    if (this.#tenantOf.get(key) !== undefined && this.#tenantOf.get(key) !== tenant.uid) this.#end(key);
    if (this.#tenantOf.size < maxBoots) return;
    for (const { boots } of this.#tenants.values()) {
      for (const [other, boot] of boots) if (clock.monotonic() - boot.receivedAt > ENDED) this.#end(other);
    }
    if (this.#tenantOf.size >= maxBoots) throw new AegisError('AEGIS_SERVING_BUSY', 'too many gateways');
  }

  #remember(key: string, { podUid, tenant }: ToldBy): void {
    this.#tenantOf.set(key, tenant.uid);
    const boots = [...(this.#bootsOfPod.get(podUid) ?? []), key];
    this.#bootsOfPod.set(podUid, boots);
    if (boots.length > MAX_BOOTS_OF_POD) this.#end(boots[0] as string);
  }

  /** What it has counted stays. */
  #end(key: string): void {
    const { boots, marks } = this.#tenants.get(this.#tenantOf.get(key) ?? '') ?? NOTHING;
    const boot = boots.get(key);
    if (boot === undefined) return;
    for (const mark of marks.values()) mark.keep(key, boot, this.#told);
    boots.delete(key);
    this.#ended.set(key, true);
    this.#forget(key, boot.by);
  }

  #forget(key: string, { podUid, registration }: ToldBy): void {
    this.#tenantOf.delete(key);
    this.#index(key, registration, undefined);
    const left = (this.#bootsOfPod.get(podUid) ?? []).filter((other) => other !== key);
    if (left.length > 0) this.#bootsOfPod.set(podUid, left);
    else this.#bootsOfPod.delete(podUid);
  }

  #boot(key: string): Boot | undefined {
    return this.#tenants.get(this.#tenantOf.get(key) ?? '')?.boots.get(key);
  }

  /** By its own clock: replicas pass starts on in no order. */
  #latest({ podUid }: ToldBy): Boot | undefined {
    const boots = (this.#bootsOfPod.get(podUid) ?? []).flatMap((key) => this.#boot(key) ?? []);
    return boots.reduce(
      (last, boot) => (Date.parse(boot.since) >= Date.parse(last.since) ? boot : last),
      boots[0] as Boot,
    );
  }

  /** A pod that is relabelled may belong to another registration from one report to the next. */
  #index(key: string, before: string | undefined, now: string | undefined): void {
    if (before === now) return;
    const left = this.#bootsOfRegistration.get(before ?? '');
    if (left?.delete(key) === true && left.size === 0) this.#bootsOfRegistration.delete(before ?? '');
    if (now === undefined) return;
    const boots = this.#bootsOfRegistration.get(now) ?? new Set();
    this.#bootsOfRegistration.set(now, boots.add(key));
  }
}
