/** One tenant in the hands of the leader: plan, publish what changed, renew what grows old, remember what was said. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex, utf8 } from '../../policy/bundle/encoding.ts';
import { type Freeze, NO_FREEZE } from '../../policy/bundle/manifest.ts';
import { parseTime } from '../../policy/bundle/time.ts';
import type { CompiledTenant } from '../../policy/compiler/compile.ts';
import { ContentFiles } from '../../policy/publication/bundle-content.ts';
import type { AgentTenant } from '../../policy/resources/types.generated.ts';
import { durationOf } from '../../policy/rollout/duration.ts';
import type { Evidence } from '../../policy/rollout/evidence.ts';
import { DamagedCommit } from '../bundles/damaged-commit.ts';
import type { Publisher } from '../bundles/publisher.ts';
import type { Committed, StateEntries, StateEntry } from '../model/committed.ts';
import type { EvidenceQuestion } from '../model/evidence-question.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { ContentDigests } from '../planning/content-digest.ts';
import { CONTENT_KEY, contentEntry } from '../planning/content-entry.ts';
import { numbered } from '../planning/entries.ts';
import { type TenantInput, type TenantPlan, TenantPlanner } from '../planning/plan-tenant.ts';
import { committedParts, withSuspended } from '../planning/suspensions.ts';
import type { TenantScope } from '../planning/tenancy.ts';
import { type Frozen, freezeDiffers, freezeOf, withoutException } from './tenant-freeze.ts';
import type { TenantParts } from './tenants.ts';

export interface SessionOptions {
  identity: TenantIdentity;
  publisher: Publisher;
  crypto: CryptoProvider;
  /** The publisher's; its own where absent. */
  files?: ContentFiles;
  platformNamespace: string;
  /** ms since the epoch. */
  now(): number;
  evidence(question: EvidenceQuestion): Evidence;
  /** ms, where the tenant says nothing. */
  headLifetime: number;
  maxStaleness: number;
  retention: number;
}

/** What a tenant is made of, and what of the platform's it takes over. */
export type PassParts = TenantParts & Pick<TenantInput, 'platformEntries'>;

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
    this.#digests = new ContentDigests(options.files ?? new ContentFiles(crypto), crypto);
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

  /** The tenant is gone, and so is everything that it had. */
  async remove(): Promise<void> {
    await this.#options.publisher.remove(this.#options.identity);
    this.#committed = undefined;
  }

  async pass(scope: TenantScope, parts: PassParts): Promise<PassOutcome> {
    const spec = scope.tenant?.spec;
    const input = this.#inputOf(scope, parts);
    const plan = this.#planner.plan(input);
    const freeze = freezeOf(spec, parts.tenant, this.#committed?.manifest, input.now);
    try {
      const action = await this.#act(plan, input, freeze, spec);
      return { plan, committed: this.#committed, action, ...this.#wake(plan, spec, input.now) };
    } catch (failure) {
      return { plan, committed: this.#committed, action: 'none', failure };
    }
  }

  #inputOf(scope: TenantScope, parts: PassParts): TenantInput {
    const { now, evidence } = this.#options;
    const entries = withoutContent(this.#committed?.entries ?? this.#remembered);
    return {
      scope,
      ...parts,
      entries,
      lost: this.#committed === undefined,
      evidence,
      now: now(),
      maxStaleness: stalenessOf(scope.tenant ?? lastTenant(scope, entries)) ?? this.#options.maxStaleness,
    };
  }

  async #act(plan: TenantPlan, input: TenantInput, freeze: Frozen | undefined, spec: AgentTenant['spec'] | undefined) {
    const { publisher, now, headLifetime } = this.#options;
    const lifetime = durationOf(spec?.bundle?.headLifetime) ?? headLifetime;
    const before = this.#committed;
    // nobody knows what may stay: gateways keep what they have
    if (freeze !== undefined && this.#damaged !== undefined && !this.#hasContent) throw this.#damaged;
    const open = plan.held.length === 0 && (freeze === undefined || !this.#hasContent);
    // where nothing new may be published, less may be all the same
    const next = open ? plan : this.#lessened(input);
    const entries = next && this.#newEntries(next);
    if (next !== undefined && entries !== undefined) {
      const exception = open || freeze === undefined ? {} : { exception: 'Suspension' as const };
      const said = freeze === undefined ? NO_FREEZE : { ...withoutException(freeze), ...exception };
      const { compiled } = next;
      await this.#publish({ compiled, entries }, { lifetime, freeze: said, retention: spec?.retention?.bundles });
      return 'published';
    }
    const renews = before !== undefined && (this.#renewal || this.#isDue(before, lifetime, now()));
    if (before !== undefined && (renews || freezeDiffers(before.manifest, freeze))) {
      this.#committed = await publisher.renew(before, { lifetime, freeze: freeze ?? NO_FREEZE });
      this.#renewal = false;
      return 'renewed';
    }
    return 'none';
  }

  /** It is known what was in force last. */
  get #hasContent(): boolean {
    return this.#committed !== undefined || this.#remembered.size > 0;
  }

  /** A gateway has proved that there was more than what is committed. */
  get #isBehind(): boolean {
    const { publisher, identity } = this.#options;
    return publisher.shownSequence(identity) >= (this.#committed?.manifest.sequence ?? Number.POSITIVE_INFINITY);
  }

  /** To commit; undefined: nothing is new. */
  #newEntries({ compiled, entries }: Content): Map<string, StateEntry> | undefined {
    const before = this.#committed;
    const digest = this.#digests.of(compiled);
    const all = new Map(entries).set(CONTENT_KEY, contentEntry(digest, before?.entries.get(CONTENT_KEY)));
    if (before === undefined || this.#isBehind) return all;
    return differ(before.entries, all) ? all : undefined;
  }

  async #publish(
    { compiled, entries }: Content,
    { lifetime, freeze, retention }: { lifetime: number; freeze: Freeze; retention: number | undefined },
  ): Promise<void> {
    const { publisher, identity } = this.#options;
    const before = this.#committed;
    const shown = publisher.shownSequence(identity);
    const sequence = Math.max(before?.manifest.sequence ?? 0, shown, (this.#damaged?.nextSequence ?? 1) - 1) + 1;
    this.#committed = await publisher.publish(
      {
        identity,
        compiled,
        entries: numbered(entries, sequence),
        sequence,
        freeze,
        lifetime,
        retention: retention ?? this.#options.retention,
      },
      before ?? this.#damaged,
    );
    this.#damaged = undefined;
    this.#renewal = false;
  }

  /** What is committed, without agents that were suspended or deleted since; undefined: none was, or it is not possible. */
  #lessened(input: TenantInput): Content | undefined {
    const { platformNamespace } = this.#options;
    if (!this.#hasContent) return undefined;
    const ownsPlatform = input.scope.namespaces.includes(platformNamespace);
    const { lessens, suspended, ...parts } = committedParts(input.entries, input.own, platformNamespace, ownsPlatform);
    if (!lessens && this.#committed !== undefined && !this.#isBehind) return undefined;
    const { tenant: _, ...rest } = input;
    const { compiled, entries, held } = this.#planner.plan({ ...rest, ...parts, hold: true });
    return held.length > 0 ? undefined : { compiled, entries: withSuspended(entries, suspended) };
  }

  #isDue({ manifest }: Committed, lifetime: number, now: number): boolean {
    return now >= (parseTime(manifest.issuedAt) ?? 0) + lifetime / 2;
  }

  /** @param planned what has come since then is due already. */
  #wake(plan: TenantPlan, spec: AgentTenant['spec'] | undefined, planned: number): { wakeAt?: number } {
    const lifetime = durationOf(spec?.bundle?.headLifetime) ?? this.#options.headLifetime;
    const renewal = this.#committed && (parseTime(this.#committed.manifest.issuedAt) ?? 0) + lifetime / 2;
    const until = spec?.freeze?.until == null ? undefined : Date.parse(spec.freeze.until);
    const times = [plan.wakeAt, renewal, until].filter((at) => at !== undefined && at > planned);
    return times.length === 0 ? {} : { wakeAt: Math.min(...(times as number[])) };
  }
}

/** What there is to publish. */
interface Content {
  compiled: CompiledTenant;
  entries: ReadonlyMap<string, StateEntry>;
}

/** Whoever was the tenant when its registrations were deleted with it says how long they are refused. */
function lastTenant({ identity }: TenantScope, entries: StateEntries): AgentTenant | undefined {
  return entries.get(`AgentTenant ${identity.name}`)?.accepted as AgentTenant | undefined;
}

function stalenessOf(tenant: AgentTenant | undefined): number | undefined {
  return durationOf(tenant?.spec.bundle?.maxStaleness);
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
