import { AegisError } from '../../policy/errors.ts';
import type { AgentTenant } from '../../policy/resources/types.generated.ts';
import type { Evidence } from '../../policy/rollout/evidence.ts';
import type { Logger } from '../../runtime/telemetry/logger.ts';
import { errorName } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { Publisher } from '../bundles/publisher.ts';
import { KubeError } from '../kube/kube-error.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Committed, StateEntries } from '../model/committed.ts';
import type { EvidenceQuestion } from '../model/evidence-question.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { TenantScope } from '../planning/tenancy.ts';
import { changedKeys } from './changed-keys.ts';
import { problemOf } from './tenant-problem.ts';
import type { TenantRecord } from './tenant-record.ts';
import { loadStart, type PassOutcome, type SessionOptions, TenantSession } from './tenant-session.ts';
import type { TenantParts, Tenants } from './tenants.ts';

export interface TenantControllerOptions extends Omit<SessionOptions, 'identity' | 'now' | 'evidence'> {
  tenants: Tenants;
  publisher: Publisher;
  clock: Clock;
  random(): number;
  log: Logger;
  workers: number;
  /** ms of quiet after a change before its tenant is published. */
  debounce: number;
  /** ms that a change waits for quiet at most. */
  maxDelay: number;
  evidence(identity: TenantIdentity, question: EvidenceQuestion): Evidence;
  /** Bytes of the newest head that this replica has verified and serves. */
  served(identity: TenantIdentity): Uint8Array | undefined;
  /** Told what was committed of a tenant when this process takes it on. */
  onLoaded(entries: StateEntries): void;
  /** Told once it is known which tenants there are, the last good versions of their AgentTenants included. */
  onStarted(): void;
  /** Told after every pass what may have to be said anew: keys of resources. */
  onPass(record: TenantRecord, changed: Iterable<string>): void;
  /** Told after every pass: ms that it took, and ms since the first change that it took in. */
  onDuration?(pass: { ms: number; sinceChange: number | undefined; outcome: PassOutcome }): void;
}

/** ms after which heads that could not be listed are asked for again. */
const ASK_AGAIN = 1_000;
/** ms that a tenant waits for the documents that its tools name. */
const DOCUMENTS = 5_000;
const LOOK_AGAIN = 100;

const keyOfTenant = ({ name, uid }: TenantIdentity): string => `${name} ${uid}`;

function identityOf(key: string): TenantIdentity {
  const at = key.indexOf(' ');
  return { name: key.slice(0, at), uid: key.slice(at + 1) };
}

/** Nothing in it any more: only the registrations that are gone are still refused, until gateways stop by themselves. */
const EMPTY: TenantParts = { own: [], platform: [], documents: [] };

/**
 * The leader's loop: whenever something of a tenant changes, what should be in force is worked out anew, and committed
 * where it differs. Looks at everything every time, so that nothing depends on which event came when.
 */
export class TenantController {
  readonly #options: TenantControllerOptions;
  readonly #queue: WorkQueue;
  readonly #sessions = new Map<string, TenantSession>();
  readonly #opening = new Map<string, Promise<TenantSession>>();
  readonly #records = new Map<string, TenantRecord>();
  /** Monotonic ms of the first and the last change that is not worked off yet. */
  readonly #changes = new Map<string, { first: number; last: number }>();
  /** Since when documents of a tenant are being read, monotonic ms. */
  readonly #lacking = new Map<string, number>();
  #started = false;

  constructor(options: TenantControllerOptions) {
    this.#options = options;
    this.#queue = new WorkQueue({ clock: options.clock, random: options.random });
  }

  /** It is known which tenants there are. */
  get started(): boolean {
    return this.#started;
  }

  stats() {
    return this.#queue.stats();
  }

  record(identity: TenantIdentity): TenantRecord | undefined {
    return this.#records.get(keyOfTenant(identity));
  }

  records(): Iterable<TenantRecord> {
    return this.#records.values();
  }

  /** A change that may concern the tenant. */
  changed(identity: TenantIdentity): void {
    const key = keyOfTenant(identity);
    const { debounce, clock } = this.#options;
    const now = clock.monotonic();
    const known = this.#changes.get(key);
    this.#changes.set(key, { first: known?.first ?? now, last: now });
    this.#queue.addAfter(key, debounce);
  }

  /** There is a head of the tenant. Of one that is not known here, a leader who is none any more has committed it. */
  found(identity: TenantIdentity): void {
    const key = keyOfTenant(identity);
    if (!this.#sessions.has(key) && !this.#opening.has(key)) this.#queue.add(key);
  }

  /** Keys were rotated or revoked: every head is issued again. */
  renewAll(): void {
    for (const [key, session] of this.#sessions) {
      session.renewSoon();
      this.#queue.add(key);
    }
  }

  /** Queues keep their times by a clock that no sleep of the machine and nobody who sets the other one moves. */
  wakeDue(): void {
    const now = this.#options.clock.now();
    for (const [key, { outcome }] of this.#records) {
      if (outcome.wakeAt !== undefined && outcome.wakeAt <= now) this.#queue.add(key);
    }
  }

  /** A gateway holds a higher sequence than we have committed, as the publisher knows: a restored cluster. */
  raise(identity: TenantIdentity): void {
    this.#queue.add(keyOfTenant(identity));
  }

  /** Until the signal is aborted. @throws AegisError `AEGIS_HEAD_CONFLICT`: somebody else commits, this one leads no more. */
  async run(signal: AbortSignal): Promise<void> {
    const { tenants, workers } = this.#options;
    const stop = new AbortController();
    const ended = AbortSignal.any([signal, stop.signal]);
    let fatal: unknown;
    for (const identity of await this.#heads(signal)) this.#queue.add(keyOfTenant(identity));
    this.#started = true;
    this.#options.onStarted();
    const unsubscribe = tenants.subscribe((identity) => this.#told(identity));
    for (const { identity } of tenants.populated()) this.#queue.add(keyOfTenant(identity));
    try {
      await this.#queue.run(
        {
          workers,
          handler: async (key) => {
            try {
              return await this.#handle(key);
            } catch (error) {
              if (!(error instanceof AegisError) || error.code !== 'AEGIS_HEAD_CONFLICT') throw error;
              fatal = error;
              stop.abort();
              return undefined;
            }
          },
          onError: (key, error) => this.#failed(identityOf(key), error),
        },
        ended,
      );
    } finally {
      unsubscribe();
    }
    if (fatal !== undefined) throw fatal;
  }

  /** What is the platform's is everybody's, also of those who have nothing of their own any more but a past. */
  #told(identity: TenantIdentity): void {
    const { tenants, platformNamespace } = this.#options;
    this.changed(identity);
    if (tenants.scopeOf(platformNamespace)?.identity.uid !== identity.uid) return;
    for (const key of this.#records.keys()) this.changed(identityOf(key));
  }

  /** Work on what is committed of a tenant, with no pass in between; nothing where nothing is. */
  async exclusively<T>(identity: TenantIdentity, work: (committed: Committed) => Promise<T>): Promise<T | undefined> {
    const session = this.#sessions.get(keyOfTenant(identity));
    return session?.alone(async () => (session.committed === undefined ? undefined : work(session.committed)));
  }

  async #handle(key: string): Promise<{ requeueAfter: number } | undefined> {
    const wait = this.#quiet(key);
    if (wait > 0) return { requeueAfter: wait };
    if (this.#lacksDocuments(key)) return { requeueAfter: LOOK_AGAIN };
    const first = this.#changes.get(key)?.first;
    this.#changes.delete(key);
    const identity = identityOf(key);
    const { tenants, clock } = this.#options;
    // what was committed may say what the tenant is, where the current version of its AgentTenant is of no use
    const session = await this.#session(identity);
    const scope = tenants.scope(identity);
    if (scope === undefined && !session.hasPast) return this.#forget(key);
    const started = clock.monotonic();
    const current = scope ?? { identity, namespaces: [] };
    const before = this.#records.get(key);
    const parts = scope === undefined ? EMPTY : tenants.parts(scope);
    const platformEntries = parts.platform.length === 0 ? undefined : await this.#platformEntries();
    const outcome = await session.alone(() =>
      session.pass(current, { ...parts, ...(platformEntries !== undefined && { platformEntries }) }),
    );
    if (scope === undefined && outcome.committed !== undefined && outcome.plan.entries.size === 0) {
      // with no repair in between, which would put the head back
      await session.alone(() => session.remove());
      this.#options.log.info('tenant.removed', { tenant: identity.name });
      return this.#forget(key);
    }
    this.#settle(key, current, outcome, before);
    const now = clock.monotonic();
    const sinceChange = first === undefined ? undefined : now - first;
    this.#options.onDuration?.({ ms: now - started, sinceChange, outcome });
    // settled first, so that what there is to say is said; then tried again, later and later
    if (outcome.failure !== undefined) {
      // what was sent last may stand there or not: only the API server knows
      this.#sessions.delete(key);
      throw outcome.failure;
    }
    return outcome.wakeAt === undefined ? undefined : { requeueAfter: Math.max(50, outcome.wakeAt - clock.now()) };
  }

  /** They come within moments; a tenant without them would stall until then. They are not waited for without end. */
  #lacksDocuments(key: string): boolean {
    const { tenants, clock } = this.#options;
    const scope = tenants.scope(identityOf(key));
    if (scope === undefined || tenants.knowsDocumentsOf(scope)) {
      this.#lacking.delete(key);
      return false;
    }
    const since = this.#lacking.get(key) ?? clock.monotonic();
    this.#lacking.set(key, since);
    return clock.monotonic() - since < DOCUMENTS;
  }

  /** ms until it has been quiet for long enough, or a change has waited for too long. */
  #quiet(key: string): number {
    const change = this.#changes.get(key);
    if (change === undefined) return 0;
    const { debounce, maxDelay, clock } = this.#options;
    return Math.ceil(Math.min(change.last + debounce, change.first + maxDelay) - clock.monotonic());
  }

  /** What is committed of the platform's own tenant, whether or not it had its turn yet. */
  async #platformEntries(): Promise<StateEntries | undefined> {
    const { tenants, platformNamespace } = this.#options;
    const scope = tenants.scopeOf(platformNamespace);
    return scope && (await this.#session(scope.identity)).committed?.entries;
  }

  /** One at a time per tenant, whoever asks. */
  async #session(identity: TenantIdentity): Promise<TenantSession> {
    const key = keyOfTenant(identity);
    const known = this.#sessions.get(key);
    if (known !== undefined) return known;
    const opening = this.#opening.get(key) ?? this.#open(identity).finally(() => this.#opening.delete(key));
    this.#opening.set(key, opening);
    return opening;
  }

  async #open(identity: TenantIdentity): Promise<TenantSession> {
    const key = keyOfTenant(identity);
    const { publisher, tenants, clock, evidence, ...rest } = this.#options;
    const start = await loadStart(publisher, identity);
    if (start.damaged !== undefined) {
      this.#options.log.error('bundle.damaged', { tenant: identity.name, code: start.damaged.code });
    }
    this.#recall(identity);
    const { entries } = start.committed ?? start.archived ?? {};
    this.#options.onLoaded(entries ?? new Map());
    const entry = entries?.get(`AgentTenant ${identity.name}`);
    if (entry !== undefined) tenants.seed(entry.accepted as AgentTenant, start.committed !== undefined);
    const session = new TenantSession(
      {
        ...rest,
        publisher,
        identity,
        now: () => clock.now(),
        evidence: (question) => evidence(identity, question),
      },
      start,
    );
    this.#sessions.set(key, session);
    return session;
  }

  /** Also those of tenants of which nothing else is left. Asked for until there is an answer: a busy server is no defect. */
  async #heads(signal: AbortSignal): Promise<TenantIdentity[]> {
    const { publisher, tenants, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        const heads = await publisher.list();
        // before anybody is taken for a tenant of its own; where the head is gone, those that it replaced say it as well
        for (const identity of tenants.inDoubt()) await this.#session(identity);
        return heads;
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        log.warn('heads.unread', { status: error.status, reason: error.reason });
        await clock.sleep(error.retryAfter ?? ASK_AGAIN, signal);
      }
    }
    return [];
  }

  /** An older head was put there by hand while nobody led: this replica still serves the newer one, and so may gateways. */
  #recall(identity: TenantIdentity): void {
    const { served, publisher, log } = this.#options;
    const head = served(identity);
    if (head === undefined) return;
    try {
      const shown = publisher.acceptHigherHead(head, identity);
      if (shown !== undefined) log.warn('bundle.behind', { tenant: identity.name, sequence: shown.sequence });
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
    }
  }

  #forget(key: string): undefined {
    this.#sessions.delete(key);
    this.#records.delete(key);
    this.#lacking.delete(key);
    return undefined;
  }

  #settle(key: string, scope: TenantScope, outcome: PassOutcome, before: TenantRecord | undefined): void {
    const problem = problemOf(outcome);
    const record: TenantRecord = { scope, outcome, ...(problem !== undefined && { problem }) };
    this.#records.set(key, record);
    if (outcome.action !== 'none') this.#log(outcome);
    this.#options.onPass(record, changedKeys(before, record));
  }

  #log({ action, committed, plan }: PassOutcome): void {
    const { manifest, identity } = committed as Committed;
    const { sequence } = manifest;
    this.#options.log.info(`bundle.${action}`, { tenant: identity.name, sequence, agents: plan.agents });
  }

  #failed(identity: TenantIdentity, error: unknown): void {
    this.#options.log.warn('tenant.failed', { tenant: identity.name, error: errorName(error) });
  }
}
