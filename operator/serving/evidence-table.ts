import { AegisError } from '../../policy/errors.ts';
import type { Evidence } from '../../policy/rollout/evidence.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { CandidateCount, GatewayReport, ViolationCount } from '../model/gateway-report.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { addCounts, type Counts, cappedCounts, countsSince, NO_COUNTS, swapped } from './counts.ts';
import type { ToldBy } from './gateway-table.ts';
import { candidateKey, MAX_COUNTS, violationKey } from './read-gateway-bodies.ts';

/** Sums over the agents of a tenant. `otherwise`: both pass or both refuse, in different ways. */
export interface CandidateSums extends Evidence {
  otherwise: number;
}

/** What is asked about: one revision, from the moment on in which it entered its stage. */
export interface EvidenceQuestion {
  /** `namespace/name`. */
  policy: string;
  revision: string;
  /** The revision that enforces where this one does not; null where there is none. */
  stable: string | null;
  /** RFC 3339: what was counted before is left out. */
  stageEnteredAt: string;
}

/** More calls of one kind than were told before. */
export interface ViolationIncrement extends Omit<ViolationCount, 'calls'> {
  calls: number;
}

/** What one start of a gateway has counted. */
interface Boot {
  by: ToldBy;
  boot: string;
  /** RFC 3339. */
  since: string;
  /** ms, monotonic. */
  receivedAt: number;
  /** As they were when this table first heard of it. */
  first: ReadonlyMap<string, CandidateCount>;
  candidates: ReadonlyMap<string, CandidateCount>;
  violations: ReadonlyMap<string, ViolationCount>;
  overflow: number;
}

interface Mark {
  question: EvidenceQuestion;
  /** Counts of each boot when the stage began. */
  before: ReadonlyMap<string, Counts>;
  /** Of boots that were forgotten since, by agent. */
  kept: Map<string, Counts>;
}

interface TenantEvidence {
  boots: Map<string, Boot>;
  marks: Map<string, Mark>;
}

export interface EvidenceTableOptions {
  clock: Clock;
  /** Told of refused calls that no report has named before. */
  onViolations?(registration: string, increments: readonly ViolationIncrement[]): void;
  /** Calls of one agent that count at most, per policy and revision; 100,000 when absent. */
  maxCallsPerAgent?: number;
  /** Starts of gateways that are remembered; 50,000 when absent. */
  maxBoots?: number;
}

const MAX_CALLS_PER_AGENT = 100_000;
const MAX_BOOTS = 50_000;

/** A gateway that was silent for so long has ended, ms. */
const ENDED = 60 * 60_000;

/**
 * Counters of gateways, added up. Each is cumulative per start of a gateway (boot): a report replaces the one before,
 * a restarted gateway adds to it, and one that would take something back is refused. What one agent can bring is capped,
 * so that one loud agent is no evidence for all.
 */
export class EvidenceTable {
  readonly #options: EvidenceTableOptions;
  readonly #startedAt: number;
  readonly #tenants = new Map<string, TenantEvidence>();
  readonly #tenantOf = new Map<string, string>();
  readonly #observers = new Set<(bootKey: string) => void>();

  constructor(options: EvidenceTableOptions) {
    this.#options = options;
    this.#startedAt = options.clock.now();
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

  /** The latest report of one start of a gateway, to pass it on. */
  report(bootKey: string): { by: ToldBy; report: GatewayReport } | undefined {
    const boot = this.#tenants.get(this.#tenantOf.get(bootKey) ?? '')?.boots.get(bootKey);
    if (boot === undefined) return undefined;
    const { by, since, candidates, violations, overflow } = boot;
    const report: GatewayReport = {
      version: 1,
      instance: by.podUid,
      boot: boot.boot,
      since,
      candidates: [...candidates.values()],
      violations: [...violations.values()],
      overflow,
    };
    return { by, report };
  }

  /** @throws AegisError `AEGIS_SERVING_COUNTERS`: counters went down; `AEGIS_SERVING_BUSY`: the table is full. */
  record(by: ToldBy, report: GatewayReport): void {
    const { clock, onViolations } = this.#options;
    const key = `${by.podUid}/${report.boot}`;
    const tenant = this.#tenant(by.tenant);
    const before = tenant.boots.get(key);
    if (before === undefined && !this.#hasRoom()) throw new AegisError('AEGIS_SERVING_BUSY', 'too many gateways');
    const candidates = merged(before?.candidates, report.candidates, candidateKey, candidateFields);
    const violations = merged(before?.violations, report.violations, violationKey, ({ calls }) => [calls]);
    if (report.overflow < (before?.overflow ?? 0)) throw wentDown();
    const { tenant: identity, agentId, namespace, podName, podUid, registration } = by;
    tenant.boots.set(key, {
      by: { tenant: identity, agentId, namespace, podName, podUid, registration },
      boot: report.boot,
      since: before?.since ?? report.since,
      receivedAt: clock.monotonic(),
      first: before?.first ?? candidates,
      candidates,
      violations,
      overflow: report.overflow,
    });
    this.#tenantOf.set(key, by.tenant.uid);
    const increments = this.#increments(report, before);
    if (increments.length > 0) onViolations?.(registration, increments);
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
  evidence(tenant: TenantIdentity, question: EvidenceQuestion): CandidateSums {
    const known = this.#tenant(tenant);
    let mark = known.marks.get(question.policy);
    if (mark === undefined || !sameQuestion(mark.question, question)) {
      const before = [...known.boots].map(([key, boot]) => [key, countsOf(boot.candidates, question)] as const);
      mark = { question, before: new Map(before), kept: new Map() };
      known.marks.set(question.policy, mark);
    }
    const agents = new Map(mark.kept);
    for (const [key, boot] of known.boots) {
      const counts = countsOfBoot(key, boot, mark);
      if (counts.calls > 0) agents.set(boot.by.agentId, addCounts(agents.get(boot.by.agentId), counts));
    }
    return this.#sum(agents);
  }

  /** Forgets tenants and policies that are gone. */
  retain(isThere: (tenantUid: string, policy: string | undefined) => boolean): void {
    for (const [uid, { marks, boots }] of this.#tenants) {
      for (const policy of marks.keys()) if (!isThere(uid, policy)) marks.delete(policy);
      if (isThere(uid, undefined)) continue;
      for (const key of boots.keys()) this.#tenantOf.delete(key);
      this.#tenants.delete(uid);
    }
  }

  #increments({ since, violations }: GatewayReport, before: Boot | undefined): ViolationIncrement[] {
    // what was counted before anybody here listened may have been told by somebody else
    if (before === undefined && Date.parse(since) < this.#startedAt) return [];
    return violations
      .map((count) => ({ ...count, calls: count.calls - (before?.violations.get(violationKey(count))?.calls ?? 0) }))
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

  #hasRoom(): boolean {
    const { maxBoots = MAX_BOOTS, clock } = this.#options;
    if (this.#tenantOf.size < maxBoots) return true;
    for (const tenant of this.#tenants.values()) {
      for (const [key, boot] of tenant.boots) if (clock.monotonic() - boot.receivedAt > ENDED) this.#end(key, tenant);
    }
    return this.#tenantOf.size < maxBoots;
  }

  /** What it has counted stays. */
  #end(key: string, { boots, marks }: TenantEvidence): void {
    const boot = boots.get(key);
    if (boot === undefined) return;
    const { agentId } = boot.by;
    for (const mark of marks.values()) {
      mark.kept.set(agentId, addCounts(mark.kept.get(agentId), countsOfBoot(key, boot, mark)));
    }
    boots.delete(key);
    this.#tenantOf.delete(key);
  }
}

function countsOfBoot(key: string, boot: Boot, { question, before }: Mark): Counts {
  const now = countsOf(boot.candidates, question);
  const began = Date.parse(boot.since) >= Date.parse(question.stageEnteredAt);
  return countsSince(now, before.get(key) ?? (began ? NO_COUNTS : countsOf(boot.first, question)));
}

/** As seen from the revision that is asked about. */
function countsOf(candidates: ReadonlyMap<string, CandidateCount>, question: EvidenceQuestion): Counts {
  const { policy, revision, stable } = question;
  const own = candidates.get(candidateKey({ policy, revision }));
  const other = stable === revision ? undefined : candidates.get(candidateKey({ policy, revision: stable }));
  return addCounts(addCounts(undefined, own ?? NO_COUNTS), other === undefined ? NO_COUNTS : swapped(other));
}

function sameQuestion(a: EvidenceQuestion, b: EvidenceQuestion): boolean {
  return a.revision === b.revision && a.stable === b.stable && a.stageEnteredAt === b.stageEnteredAt;
}

/** A counter that a report leaves out has not changed. */
function merged<T>(
  before: ReadonlyMap<string, T> | undefined,
  counts: readonly T[],
  keyOf: (count: T) => string,
  fields: (count: T) => readonly number[],
): ReadonlyMap<string, T> {
  const all = new Map(before);
  for (const count of counts) {
    const key = keyOf(count);
    const earlier = before?.get(key);
    const values = fields(count);
    if (earlier !== undefined && fields(earlier).some((value, index) => value > (values[index] ?? 0))) throw wentDown();
    all.delete(key);
    all.set(key, count);
  }
  for (const key of all.keys()) {
    if (all.size <= MAX_COUNTS) break;
    all.delete(key);
  }
  return all;
}

function candidateFields({ calls, wouldDeny, wouldAllow, otherwise, errors }: CandidateCount): number[] {
  return [calls, wouldDeny, wouldAllow, otherwise, errors];
}

function wentDown(): AegisError {
  return new AegisError('AEGIS_SERVING_COUNTERS', 'counters went down within one start of the gateway');
}
