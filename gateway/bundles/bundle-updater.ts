import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { HEAD_FILE } from '../../policy/bundle/file-names.ts';
import { type KeyRing, withRevoked } from '../../policy/bundle/key-ring.ts';
import { type BundleLimits, SLICE_LIMITS } from '../../policy/bundle/limits.ts';
import type { VerifyOptions } from '../../policy/bundle/verify-bundle.ts';
import { AegisError } from '../../policy/errors.ts';
import { Backoff } from '../../runtime/time/backoff.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { type LoadedBundle, loadBundle, ModuleCache } from '../activation/activate.ts';
import type { Activations } from '../activation/activations.ts';
import type { Activation } from '../enforcement/activation.ts';
import { isStale } from '../enforcement/staleness.ts';
import type { EvaluatorLimits } from '../evaluator/wasm-evaluator.ts';
import type { BundleCandidate, BundleSource, OfferResult, SourceKind, SourceSink } from './bundle-source.ts';
import {
  type BundleEvent,
  type BundleListener,
  type BundleProblem,
  type BundleStatus,
  problemAt,
} from './bundle-status.ts';
import type { BundleStore } from './bundle-store.ts';
import { type GatewayMemory, NO_REVOCATIONS, previousHead, remember, rememberRevocations } from './gateway-memory.ts';
import { headFreshness } from './head-freshness.ts';
import { nextTurn } from './next-turn.ts';
import { RefusedCandidates } from './refused-candidates.ts';
import { type LedgerEntry, SourceLedger } from './source-ledger.ts';
import { StateKeeper } from './state-keeper.ts';
import type { TrustedKeys } from './trusted-keys.ts';
import { candidateId, contentId, type Verified, verifyCandidate } from './verify-candidate.ts';

export interface BundleUpdaterOptions {
  /** Where an accepted bundle comes into force. */
  activations: Activations;
  tenant: string;
  /** The uid that the tenant must have, where it is pinned. */
  tenantUid?: string;
  /** The agent that the gateway serves; absent where it serves all of a whole bundle. */
  agentId?: string;
  /** Lowest acceptable sequence, where it is pinned. */
  minSequence?: number;
  /** Asked before every verification; the same ring object for as long as nothing has changed. */
  trustedKeys(): Promise<TrustedKeys>;
  crypto: CryptoProvider;
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  /** Nothing survives a restart without one. */
  store?: BundleStore;
  /** Tightens the tenant's own; ms. */
  maxStaleness?: number;
  /** Low-risk reads by a stale bundle take this and the tenant's own word; `StaleReadOnly` when absent. */
  failMode?: 'Closed' | 'StaleReadOnly';
  /** `GATEWAY_LIMITS` when absent. */
  limits?: BundleLimits;
  evaluatorLimits?: EvaluatorLimits;
  modules?: ModuleCache;
  maxClockSkewMs?: number;
}

/**
 * As for a slice, but with room for the files of a small whole bundle: where there is no server to cut slices, a folder
 * or archive of `aegis sign` will do. The bytes bound what it may cost.
 */
export const GATEWAY_LIMITS: BundleLimits = { ...SLICE_LIMITS, maxFiles: 1024 };

/** What is in force. */
interface Held {
  verified: Verified;
  contentId: string;
  loaded: LoadedBundle;
  activation: Activation;
  activatedAt: number;
  source: SourceKind;
  /** Ids of candidates that are just this. */
  candidates: Set<string>;
}

/** Looks at wall clock jumps at least this often, ms. */
const STALE_CHECK = 30_000;
/** Less than what is in force is offered. */
const OVERTAKEN: ReadonlySet<string> = new Set(['AEGIS_BUNDLE_SEQUENCE', 'AEGIS_BUNDLE_SEQUENCE_CONFLICT']);

/**
 * The one way by which bundles come into force: verify, load and prime, swap, keep on disk, tell. Offers of all sources
 * are taken one after the other. Whatever fails leaves what is in force as it is, and is counted and told.
 */
export class BundleUpdater {
  readonly #options: BundleUpdaterOptions;
  readonly #modules: ModuleCache;
  readonly #limits: BundleLimits;
  readonly #ledger = new SourceLedger();
  readonly #refused = new RefusedCandidates();
  readonly #listeners = new Set<BundleListener>();
  readonly #keeper: StateKeeper | undefined;
  readonly #stopping = new AbortController();
  #queue: Promise<unknown> = Promise.resolve();
  #held: Held | undefined;
  #memory: GatewayMemory | undefined;
  #revoked = NO_REVOCATIONS;
  #ring: KeyRing | undefined;
  #staleWatch = new AbortController();
  #activations = 0;
  #renewals = 0;
  #stored: number | undefined;
  #storeError: BundleProblem | undefined;
  #keysError: BundleProblem | undefined;

  constructor(options: BundleUpdaterOptions) {
    this.#options = options;
    this.#modules = options.modules ?? new ModuleCache();
    this.#limits = options.limits ?? GATEWAY_LIMITS;
    const { store, clock, random } = options;
    if (store === undefined) return;
    this.#keeper = new StateKeeper({
      store,
      clock,
      backoff: new Backoff({ base: 1_000, cap: 60_000, random }),
      done: ({ memory: { head } }, error) => {
        this.#storeError = error && problemAt(error, clock.now());
        if (error === undefined) this.#stored = head.sequence;
        this.#tell({ type: 'stored', sequence: head.sequence, ...(error !== undefined && { code: error.code }) });
      },
    });
  }

  /** Brings the last known good into force, if the disk has one that verifies. Before any source is connected. */
  restore(): Promise<void> {
    return this.#inTurn(async () => {
      const { store, clock } = this.#options;
      if (store === undefined) return;
      const entry = this.#ledger.open('disk', 'last known good');
      const { files, memory, problems } = await store.load();
      for (const problem of problems) this.#problem(entry, problem);
      if (memory !== undefined) this.#recall(entry, memory);
      if (files === undefined) return;
      // an expired head is fine here; a clock that was set back must not make the own bundle one of the future
      const now = Math.max(clock.now(), this.#memory?.verifiedAt ?? 0);
      const { outcome } = await this.#judge({ files }, entry, { now, ignoreExpiry: true });
      if (outcome === 'activated') this.#stored = this.#held?.verified.manifest.sequence;
    });
  }

  /** What a source of this gateway talks to. */
  connect({ kind, place }: Pick<BundleSource, 'kind' | 'place'>): SourceSink {
    const { clock } = this.#options;
    const entry = this.#ledger.open(kind, place);
    return {
      heldEtag: () => this.#held?.verified.manifest.etag,
      offer: (candidate) => this.#inTurn(() => this.#judge(candidate, entry, { now: clock.now() })),
      current: () =>
        this.#inTurn(async () => {
          this.#succeeded(entry);
          await this.#trust(entry);
        }),
      failed: (error) => this.#problem(entry, asFailure(error)),
    };
  }

  status(): BundleStatus {
    const { tenant, agentId } = this.#options;
    const { keys, approvals } = this.#revoked;
    return {
      tenant,
      ...(agentId !== undefined && { agent: agentId }),
      ...this.#activeStatus(),
      ...(this.#stored !== undefined && { stored: this.#stored }),
      ...(this.#storeError !== undefined && { storeError: this.#storeError }),
      ...(this.#keysError !== undefined && { keysError: this.#keysError }),
      sources: this.#ledger.list(),
      ...(this.#ledger.lastError !== undefined && { lastError: this.#ledger.lastError }),
      behind: this.#ledger.behind,
      activations: this.#activations,
      renewals: this.#renewals,
      refusals: { ...this.#ledger.refusals },
      failures: { ...this.#ledger.failures },
      revoked: { keys: keys.length, approvals: approvals.size },
    };
  }

  /** `manifest.json` of what is in force: proof of how far this gateway has come. */
  head(): Uint8Array | undefined {
    return this.#held?.verified.files.get(HEAD_FILE)?.bytes;
  }

  /** Told after each event, with the status then. Returns what ends it. */
  subscribe(listener: BundleListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Ends after what is being done; what is in force stays so. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#staleWatch.abort();
    await this.#queue;
    await this.#keeper?.stop();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#queue.then(work);
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  /** What another tenant's or agent's gateway left in the folder is none of ours. */
  #recall(entry: LedgerEntry, memory: GatewayMemory): void {
    const { tenant, tenantUid, agentId } = this.#options;
    const ours = memory.tenant.name === tenant && memory.agent === agentId;
    if (ours && (tenantUid === undefined || memory.tenant.uid === tenantUid)) {
      this.#memory = memory;
      this.#revoked = memory.revoked;
      return;
    }
    this.#problem(entry, new AegisError('AEGIS_BUNDLE_STORE_CORRUPT', 'memory.json is of another tenant or agent'));
  }

  async #judge(
    candidate: BundleCandidate,
    entry: LedgerEntry,
    verifying: { now: number; ignoreExpiry?: boolean },
  ): Promise<OfferResult> {
    const { clock, crypto } = this.#options;
    if (this.#stopping.signal.aborted) return { outcome: 'unchanged' };
    const id = candidateId(candidate, crypto);
    const ring = await this.#trust(entry);
    if (ring === undefined) return { outcome: 'refused', code: 'AEGIS_KEY_RING' };
    if (this.#held?.candidates.has(id)) {
      this.#succeeded(entry);
      return { outcome: 'unchanged' };
    }
    const known = this.#refused.get(id, clock.monotonic());
    if (known !== undefined) {
      if (OVERTAKEN.has(known)) this.#ledger.overtaken(entry);
      this.#ledger.again(entry, clock.now());
      return { outcome: 'refused', code: known };
    }
    try {
      const verified = await verifyCandidate(candidate, { ...this.#verifyOptions(ring), ...verifying });
      const outcome = await this.#take(verified, entry.kind, id);
      this.#succeeded(entry);
      return { outcome };
    } catch (error) {
      const problem = asRefusal(error);
      this.#refused.add(id, problem.code, clock.monotonic());
      if (OVERTAKEN.has(problem.code) && this.#held !== undefined) this.#ledger.overtaken(entry);
      this.#problem(entry, problem);
      return { outcome: 'refused', code: problem.code };
    }
  }

  #succeeded(entry: LedgerEntry): void {
    const { behind } = this.#ledger;
    this.#ledger.success(entry, this.#options.clock.now());
    if (behind && !this.#ledger.behind) this.#tell({ type: 'caught-up' });
  }

  #verifyOptions(keyRing: KeyRing): VerifyOptions & { limits: BundleLimits } {
    const { tenant, tenantUid, agentId, minSequence, crypto, clock, maxClockSkewMs } = this.#options;
    return {
      keyRing: withRevoked(keyRing, this.#revoked.keys),
      tenant,
      ...(tenantUid !== undefined && { tenantUid }),
      ...(agentId !== undefined && { agentId }),
      ...(minSequence !== undefined && { minSequence }),
      ...(this.#memory !== undefined && { previous: previousHead(this.#memory) }),
      ...(maxClockSkewMs !== undefined && { maxClockSkewMs }),
      now: clock.now(),
      crypto,
      limits: this.#limits,
    };
  }

  /** The keys to verify with; also looks whether the key of what is in force was revoked meanwhile. */
  async #trust(entry: LedgerEntry): Promise<KeyRing | undefined> {
    const { clock, trustedKeys } = this.#options;
    try {
      const { ring, problem } = await trustedKeys();
      this.#keysError = problem && problemAt(problem, clock.now());
      if (ring !== this.#ring) this.#refused.clear();
      this.#ring = ring;
      this.#withdrawIfRevoked(ring);
      return ring;
    } catch (error) {
      const problem = asFailure(error);
      this.#keysError = problemAt(problem, clock.now());
      this.#problem(entry, problem);
      return undefined;
    }
  }

  /** What is signed by a revoked key would not be accepted at a restart either; whoever has the key may have signed it. */
  #withdrawIfRevoked(ring: KeyRing): void {
    if (this.#held === undefined) return;
    const { keyId } = this.#held.verified.manifest;
    if (!ring.revoked.has(keyId) && !this.#revoked.keys.includes(keyId)) return;
    this.#held = undefined;
    this.#staleWatch.abort();
    this.#options.activations.delete(this.#options.tenant);
    this.#tell({ type: 'withdrawn', code: 'AEGIS_BUNDLE_KEY_REVOKED' });
  }

  /** Brings a verified bundle into force. @throws AegisError where its content cannot be loaded. */
  async #take(
    verified: Verified,
    source: SourceKind,
    candidate: string,
  ): Promise<'activated' | 'renewed' | 'unchanged'> {
    const { clock, agentId } = this.#options;
    const { manifest } = verified;
    const held = this.#held;
    if (held?.verified.manifest.etag === manifest.etag) {
      held.candidates.add(candidate);
      return 'unchanged';
    }
    const now = clock.now();
    this.#revoked = rememberRevocations(this.#revoked, manifest.revocations, now);
    if (this.#memory !== undefined) this.#memory = { ...this.#memory, revoked: this.#revoked };
    const content = contentId(verified);
    const loaded = held?.contentId === content ? held.loaded : await this.#load(verified);
    const renewal = held?.verified.manifest.sequence === manifest.sequence;
    const activatedAt = renewal ? (held?.activatedAt as number) : now;
    const verifiedAt = source === 'disk' ? Math.max(now, this.#memory?.verifiedAt ?? 0) : now;
    const activation = loaded.activation({
      manifest,
      freshness: this.#freshness(verified, loaded, verifiedAt),
      revokedApprovals: new Set(this.#revoked.approvals.keys()),
      activatedAt,
    });
    // from here on nothing can fail
    this.#options.activations.set(activation);
    this.#held = {
      verified,
      contentId: content,
      loaded,
      activation,
      activatedAt,
      source,
      candidates: new Set([candidate]),
    };
    this.#memory = remember(manifest, { agent: agentId, now: verifiedAt, revoked: this.#revoked });
    this.#ledger.moved();
    this.#refused.clear();
    if (renewal) this.#renewals++;
    else this.#activations++;
    if (source !== 'disk') this.#keep();
    this.#watchStaleness(activation);
    this.#tell({ type: renewal ? 'renewed' : 'activated', source, sequence: manifest.sequence });
    return renewal ? 'renewed' : 'activated';
  }

  async #load(verified: Verified): Promise<LoadedBundle> {
    const { clock, evaluatorLimits } = this.#options;
    await this.#modules.prepare(verified.manifest.engineDigest, verified.wasm);
    await nextTurn();
    return loadBundle(verified, {
      clock: () => clock.now(),
      modules: this.#modules,
      ...(evaluatorLimits !== undefined && { limits: evaluatorLimits }),
    });
  }

  #freshness({ manifest }: Verified, { settings, isLowRiskRead }: LoadedBundle, verifiedAt: number) {
    const { clock, maxStaleness = Number.POSITIVE_INFINITY, failMode } = this.#options;
    return headFreshness({
      clock,
      issuedAt: Date.parse(manifest.issuedAt),
      verifiedAt,
      maxStaleness: Math.min(maxStaleness, settings.maxStaleness),
      staleAllows: failMode === 'Closed' ? () => false : isLowRiskRead,
    });
  }

  #keep(): void {
    if (this.#held === undefined || this.#memory === undefined) return;
    const files = new Map([...this.#held.verified.files].map(([name, { bytes }]) => [name, bytes]));
    this.#keeper?.save({ files, memory: this.#memory });
  }

  /** Tells once when the head gets too old; decisions look by themselves. */
  async #watchStaleness(activation: Activation): Promise<void> {
    this.#staleWatch.abort();
    this.#staleWatch = new AbortController();
    const { signal } = this.#staleWatch;
    const { freshness } = activation;
    while (freshness !== undefined && !signal.aborted) {
      if (isStale(activation)) {
        this.#tell({ type: 'stale' });
        return;
      }
      const left = freshness.maxStaleness - freshness.age() + 1;
      await this.#options.clock.sleep(Math.min(left, STALE_CHECK), signal);
    }
  }

  #activeStatus(): Pick<BundleStatus, 'state' | 'active' | 'age' | 'maxStaleness' | 'failMode'> {
    if (this.#held === undefined) return { state: 'none' };
    const { verified, loaded, activation, activatedAt, source } = this.#held;
    const { tenant, sequence, etag, contentRoot, keyId, freeze, issuedAt, expiresAt } = verified.manifest;
    const { freshness } = activation;
    return {
      state: isStale(activation) ? 'stale' : 'active',
      active: {
        tenant,
        sequence,
        etag,
        contentRoot,
        digest: verified.digest,
        keyId,
        issuedAt: Date.parse(issuedAt),
        expiresAt: Date.parse(expiresAt),
        activatedAt,
        freeze,
        source,
      },
      ...(freshness !== undefined && { age: freshness.age(), maxStaleness: freshness.maxStaleness }),
      failMode: this.#options.failMode === 'Closed' ? 'Closed' : loaded.settings.failMode,
    };
  }

  #problem(entry: LedgerEntry, error: AegisError): void {
    const type = this.#ledger.problem(entry, error, this.#options.clock.now());
    this.#tell({ type, source: entry.kind, code: error.code });
  }

  #tell(event: BundleEvent): void {
    if (this.#listeners.size === 0) return;
    const status = this.status();
    for (const listener of this.#listeners) {
      try {
        listener(event, status);
      } catch {
        // a listener's defect is not the bundle's
      }
    }
  }
}

function asFailure(error: unknown): AegisError {
  if (error instanceof AegisError) return error;
  return new AegisError('AEGIS_BUNDLE_SOURCE', 'the source failed', { cause: error });
}

/** Whatever else goes wrong while a candidate is looked at, it is not activated. */
function asRefusal(error: unknown): AegisError {
  if (error instanceof AegisError) return error;
  const message = error instanceof Error ? error.message : 'unknown cause';
  return new AegisError('AEGIS_ACTIVATION', `The bundle could not be activated: ${message}`, { cause: error });
}
