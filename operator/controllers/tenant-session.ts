/** One tenant in the hands of the leader: plan, publish what changed, renew what grows old, remember what was said. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex, utf8 } from '../../policy/bundle/encoding.ts';
import type { Freeze } from '../../policy/bundle/manifest.ts';
import { parseTime } from '../../policy/bundle/time.ts';
import type { AgentTenant } from '../../policy/resources/types.generated.ts';
import { durationOf } from '../../policy/rollout/duration.ts';
import type { Evidence } from '../../policy/rollout/evidence.ts';
import { DamagedCommit } from '../bundles/damaged-commit.ts';
import type { Publisher } from '../bundles/publisher.ts';
import type { Committed, StateEntries } from '../model/committed.ts';
import type { EvidenceQuestion } from '../model/evidence-question.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { ContentDigests } from '../planning/content-digest.ts';
import { CONTENT_KEY, contentEntry } from '../planning/content-entry.ts';
import { numbered } from '../planning/entries.ts';
import { type TenantInput, type TenantPlan, TenantPlanner } from '../planning/plan-tenant.ts';
import type { TenantScope } from '../planning/tenancy.ts';
import type { TenantParts } from './tenants.ts';

export interface SessionOptions {
  identity: TenantIdentity;
  publisher: Publisher;
  crypto: CryptoProvider;
  platformNamespace: string;
  /** ms since the epoch. */
  now(): number;
  evidence(question: EvidenceQuestion): Evidence;
  /** ms, where the tenant says nothing. */
  headLifetime: number;
  maxStaleness: number;
  retention: number;
}

/** What one pass did. */
export interface PassOutcome {
  plan: TenantPlan;
  committed: Committed | undefined;
  action: 'none' | 'published' | 'renewed';
  /** What should have been committed could not be. */
  failure?: unknown;
  /** ms since the epoch. */
  wakeAt?: number;
}

/** What the store had of the tenant: a whole commit, or a damaged one and perhaps an older whole one. */
export interface SessionStart {
  committed?: Committed;
  damaged?: DamagedCommit;
  archived?: Committed;
}

/** @throws KubeError; damage is told, not thrown. */
export async function loadStart(publisher: Publisher, identity: TenantIdentity): Promise<SessionStart> {
  try {
    const committed = await publisher.load(identity);
    return committed === undefined ? {} : { committed };
  } catch (error) {
    if (!(error instanceof DamagedCommit)) throw error;
    const archived = await publisher.loadArchived(identity);
    return { damaged: error, ...(archived !== undefined && { archived }) };
  }
}

export class TenantSession {
  readonly #options: SessionOptions;
  readonly #planner: TenantPlanner;
  readonly #digests: ContentDigests;
  #committed: Committed | undefined;
  /** What stands there and cannot be read; the next bundle replaces it. */
  #damaged: DamagedCommit | undefined;
  /** Where nothing (whole) is committed: what was remembered last. */
  #remembered: StateEntries;
  #renewal = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SessionOptions, start: SessionStart) {
    this.#options = options;
    this.#committed = start.committed;
    this.#damaged = start.damaged;
    this.#remembered = start.archived?.entries ?? new Map();
    const { crypto, platformNamespace } = options;
    this.#planner = new TenantPlanner({ digest: (text) => toHex(crypto.sha256(utf8(text))), platformNamespace });
    this.#digests = new ContentDigests(crypto);
  }

  get committed(): Committed | undefined {
    return this.#committed;
  }

  /** Something was committed, readable or not. */
  get hasPast(): boolean {
    return this.#committed !== undefined || this.#damaged !== undefined;
  }

  /** The keys or what they revoke have changed: the head is issued again at the next pass. */
  renewSoon(): void {
    this.#renewal = true;
  }

  /** One after the other: a pass and whatever else touches what is committed. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }

  async pass(scope: TenantScope, parts: TenantParts): Promise<PassOutcome> {
    const { now, evidence } = this.#options;
    const spec = scope.tenant?.spec;
    const input: TenantInput = {
      scope,
      ...parts,
      entries: withoutContent(this.#committed?.entries ?? this.#remembered),
      lost: this.#committed === undefined && this.#remembered.size === 0,
      evidence,
      now: now(),
      maxStaleness: durationOf(spec?.bundle?.maxStaleness) ?? this.#options.maxStaleness,
    };
    const plan = this.#planner.plan(input);
    const freeze = this.#freezeOf(spec);
    try {
      const action = await this.#act(plan, freeze, spec);
      return { plan, committed: this.#committed, action, ...this.#wake(plan, spec) };
    } catch (failure) {
      return { plan, committed: this.#committed, action: 'none', failure };
    }
  }

  async #act(plan: TenantPlan, freeze: Freeze | undefined, spec: AgentTenant['spec'] | undefined) {
    const { publisher, identity, now, headLifetime, retention } = this.#options;
    const lifetime = durationOf(spec?.bundle?.headLifetime) ?? headLifetime;
    const before = this.#committed;
    const digest = this.#digests.of(plan.compiled);
    const entries = new Map(plan.entries).set(CONTENT_KEY, contentEntry(digest, before?.entries.get(CONTENT_KEY)));
    // a gateway has proved that there was more than what is committed here
    const shown = publisher.shownSequence(identity);
    const changed = before === undefined || shown >= before.manifest.sequence || differ(before.entries, entries);
    const frozen = freeze !== undefined && before !== undefined;
    if (changed && plan.held.length === 0 && !frozen) {
      const floor = Math.max(before?.manifest.sequence ?? 0, shown, (this.#damaged?.nextSequence ?? 1) - 1);
      const sequence = floor + 1;
      this.#committed = await publisher.publish(
        {
          identity,
          compiled: plan.compiled,
          entries: numbered(entries, sequence),
          sequence,
          lifetime,
          retention: spec?.retention?.bundles ?? retention,
        },
        before ?? this.#damaged,
      );
      this.#damaged = undefined;
      this.#renewal = false;
      return 'published';
    }
    if (before !== undefined && (this.#renewal || this.#isDue(before, lifetime, now()) || thaws(before, freeze))) {
      this.#committed = await publisher.renew(before, { lifetime, freeze: freeze ?? { mode: 'None' } });
      this.#renewal = false;
      return 'renewed';
    }
    return 'none';
  }

  #isDue({ manifest }: Committed, lifetime: number, now: number): boolean {
    return now >= (parseTime(manifest.issuedAt) ?? 0) + lifetime / 2;
  }

  #wake(plan: TenantPlan, spec: AgentTenant['spec'] | undefined): { wakeAt?: number } {
    const lifetime = durationOf(spec?.bundle?.headLifetime) ?? this.#options.headLifetime;
    const renewal = this.#committed && (parseTime(this.#committed.manifest.issuedAt) ?? 0) + lifetime / 2;
    const until = spec?.freeze?.until == null ? undefined : Date.parse(spec.freeze.until);
    const times = [plan.wakeAt, renewal, until].filter((at) => at !== undefined && at > this.#options.now());
    return times.length === 0 ? {} : { wakeAt: Math.min(...(times as number[])) };
  }

  /** While it lasts. The moment of its beginning names it, so it stays the one of the head. */
  #freezeOf(spec: AgentTenant['spec'] | undefined): Freeze | undefined {
    const freeze = spec?.freeze;
    if (freeze == null) return undefined;
    const { now } = this.#options;
    if (freeze.until != null && Date.parse(freeze.until) <= now()) return undefined;
    const current = this.#committed?.manifest.freeze;
    const since = current !== undefined && current.mode !== 'None' ? current.since : new Date(now()).toISOString();
    return { mode: freeze.gateways ?? 'Keep', reason: freeze.reason ?? 'frozen', since };
  }
}

function thaws({ manifest }: Committed, freeze: Freeze | undefined): boolean {
  const { freeze: current } = manifest;
  if (freeze === undefined) return current.mode !== 'None';
  return (
    current.mode !== freeze.mode || (current.mode !== 'None' && 'reason' in freeze && current.reason !== freeze.reason)
  );
}

function withoutContent(entries: StateEntries | undefined): StateEntries {
  const own = new Map(entries);
  own.delete(CONTENT_KEY);
  return own;
}

function differ(a: StateEntries, b: StateEntries): boolean {
  if (a.size !== b.size) return true;
  for (const [key, entry] of b) if (a.get(key) !== entry) return true;
  return false;
}
