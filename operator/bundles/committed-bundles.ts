/** What every replica serves: the committed bundles of all tenants, verified, and nothing else. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { HEAD_FILE } from '../../policy/bundle/file-names.ts';
import type { KeyRing } from '../../policy/bundle/key-ring.ts';
import { manifestDigest } from '../../policy/bundle/manifest.ts';
import type { SignedBundle } from '../../policy/bundle/sign-bundle.ts';
import { AegisError, type ErrorCode } from '../../policy/errors.ts';
import { errorName, type Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { Reflector, type ReflectorEvent, type ReflectorStatus } from '../kube/reflector.ts';
import { type KubeClient, keyOf } from '../kube/types.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import { CONFIG_MAP } from '../model/resource-types.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { ArchiveCache } from './archive-cache.ts';
import { CommittedBundle } from './committed-bundle.ts';
import { COMPONENT, HEAD_COMPONENT, headBytes, headIdentity, identityKey, removedAt } from './head-config-map.ts';
import { memoCrypto } from './memo-crypto.ts';
import { PayloadCache } from './payload-cache.ts';
import { readBundle } from './read-bundle.ts';
import { ServedTenants } from './served-tenants.ts';
import { ShardStore } from './shard-store.ts';
import type { ConfigMap } from './trusted-keys.ts';

export interface CommittedBundlesOptions {
  client: KubeClient;
  namespace: string;
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  crypto: CryptoProvider;
  keys: { ring(): KeyRing; subscribe(listener: () => void): () => void };
  log: Logger;
  /** Bytes of packed slices that are kept; 64 MiB when absent. */
  archiveBytes?: number;
  /** What happens to the watch of the heads; for metrics. */
  onStatus?(event: ReflectorEvent): void;
}

const ARCHIVE_BYTES = 64 * 1024 * 1024;
const WORKERS = 2;
/** ms between attempts while the API server does not answer. */
const MAX_DELAY = 15_000;
/** ms until a head that was refused is looked at again: its shards may have been repaired. */
const LOOK_AGAIN = 10_000;
/**
 * ms after which another head than the one that is served is believed to be there for good. A leader puts right what
 * somebody has put there by hand, so this one has built on less than what is served here: nobody has shown it more.
 */
const LET_GO = 5 * 60_000;
/** ms that a head which this process is writing is given to be adopted. */
const ADOPTION = 3_000;

/** `later`: it is about to be adopted; `other`: it was served, and a newer one is. */
type Taken = 'done' | 'later' | 'other';

/**
 * The last good bundle of a tenant is served until a newer one verifies; a head that is deleted by hand changes nothing
 * here. Only where the tenant was removed (`Publisher.remove`), or the key of its bundle revoked, is nothing served.
 */
export class CommittedBundles {
  readonly #options: CommittedBundlesOptions;
  readonly #crypto: CryptoProvider;
  readonly #store: ShardStore;
  readonly #heads: Reflector<ConfigMap>;
  readonly #queue: WorkQueue;
  readonly #archives: ArchiveCache;
  readonly #payloads = new PayloadCache();
  readonly #served = new ServedTenants();
  readonly #refused = new Map<string, { code: ErrorCode; version: string | undefined }>();
  /** Heads that were looked at, while it matters; then: heads of the first list that nobody has looked at yet. */
  readonly #looked = new Set<string>();
  #awaited: Set<string> | undefined;
  /** Since when a head is not the one that is served, by `namespace/name`, monotonic ms. */
  readonly #others = new Map<string, number>();
  /** Digest of a head that this process is writing, and until when it need not be read (monotonic ms). */
  readonly #announced = new Map<string, number>();

  constructor(options: CommittedBundlesOptions) {
    const { namespace, clock, random, onStatus } = options;
    this.#options = options;
    this.#crypto = memoCrypto(options.crypto);
    this.#store = new ShardStore(options);
    this.#archives = new ArchiveCache(options.archiveBytes ?? ARCHIVE_BYTES);
    this.#queue = new WorkQueue({ clock, random, maxDelay: MAX_DELAY });
    this.#heads = new Reflector<ConfigMap>({
      client: options.client,
      type: CONFIG_MAP,
      selection: { namespace, labelSelector: `${COMPONENT}=${HEAD_COMPONENT}` },
      clock,
      random,
      ...(onStatus === undefined ? {} : { onStatus }),
    });
  }

  /** Every head that was there at the start has been read or refused: absence means that there is none. */
  get ready(): boolean {
    return this.#awaited?.size === 0;
  }

  /** Of the watch of the heads. */
  get watch(): ReflectorStatus {
    return this.#heads.status;
  }

  /** Codes of heads that are not served, by `namespace/name` of their ConfigMap; for conditions and metrics. */
  refused(): ReadonlyMap<string, ErrorCode> {
    return new Map([...this.#refused].map(([key, { code }]) => [key, code]));
  }

  values(): Iterable<CommittedBundle> {
    return this.#served.values();
  }

  /** Without a uid: the one that was signed last, should there be several of this name. */
  tenant(name: string, uid?: string): CommittedBundle | undefined {
    return this.#served.find(name, uid);
  }

  /** Told after what is served for a tenant has changed. Returns how to stop. */
  subscribe(listener: (identity: TenantIdentity) => void): () => void {
    return this.#served.subscribe(listener);
  }

  /** A head of this digest is being written by this process and will be adopted in a moment. */
  announce(digest: string): void {
    const now = this.#options.clock.monotonic();
    for (const [known, until] of this.#announced) if (until < now) this.#announced.delete(known);
    this.#announced.set(digest, now + ADOPTION);
  }

  /** What this process has committed itself: served at once, and not read back. */
  adopt(identity: TenantIdentity, bundle: SignedBundle): void {
    if (this.#serve(identity, bundle)) this.#payloads.use(identityKey(identity), new Map());
  }

  /** Follows the heads until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const stops = [
      this.#heads.subscribe((key) => this.#queue.add(key)),
      this.#options.keys.subscribe(() => {
        for (const head of this.#heads.values()) this.#queue.add(keyOf(head));
      }),
    ];
    const onError = (key: string, error: unknown): void => {
      this.#options.log.warn('head_unread', { head: key, error: errorName(error) });
    };
    const synced = this.#heads.whenSynced(signal).then(
      () => this.#await(),
      () => undefined,
    );
    const handler = (key: string) => this.#look(key);
    const work = this.#queue.run({ workers: WORKERS, handler, onError }, signal);
    await Promise.all([this.#heads.run(signal), synced, work]);
    for (const stop of stops) stop();
  }

  #await(): void {
    this.#awaited = new Set([...this.#heads.values()].map(keyOf));
    for (const key of this.#looked) this.#awaited.delete(key);
    this.#looked.clear();
  }

  async #look(key: string): Promise<{ requeueAfter?: number }> {
    const head = this.#heads.get(key);
    let refusal: AegisError | undefined;
    let taken: Taken = 'done';
    try {
      if (head === undefined) this.#others.delete(key);
      else taken = await this.#take(head);
      if (taken === 'later') return { requeueAfter: ADOPTION };
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      refusal = error;
    }
    this.#tell(key, head?.metadata.resourceVersion, refusal);
    if (this.#awaited === undefined) this.#looked.add(key);
    else this.#awaited.delete(key);
    return refusal === undefined && taken === 'done' ? {} : { requeueAfter: LOOK_AGAIN };
  }

  async #take(head: ConfigMap): Promise<Taken> {
    const identity = headIdentity(head, this.#crypto);
    const bytes = headBytes(head);
    if (identity === undefined) throw new AegisError('AEGIS_HEAD_DAMAGED', 'the head does not say whose it is');
    if (removedAt(head) !== undefined) {
      this.#withdraw(identity);
      return 'done';
    }
    const ring = this.#options.keys.ring();
    const served = this.#served.of(identity);
    if (served !== undefined && ring.revoked.has(served.manifest.keyId)) this.#withdraw(identity);
    if (bytes === undefined) throw new AegisError('AEGIS_HEAD_DAMAGED', 'the head lacks an entry');
    const digest = manifestDigest(bytes.manifest, this.#crypto);
    if (this.#isOther(keyOf(head), identity, digest)) this.#served.letGo(identity);
    if (this.#served.knows(identity, digest)) return this.#served.serves(identity, digest) ? 'done' : 'other';
    if ((this.#announced.get(digest) ?? 0) > this.#options.clock.monotonic()) return 'later';
    const { bundle, payloads } = await readBundle(bytes, identity, {
      store: this.#store,
      crypto: this.#crypto,
      payloads: this.#payloads,
      ring,
      previous: this.#served.newest(identity),
    });
    if (this.#serve(identity, bundle)) this.#payloads.use(identityKey(identity), payloads);
    this.#others.delete(keyOf(head));
    return 'done';
  }

  /** Another head than the one that is served has been there for long. */
  #isOther(key: string, identity: TenantIdentity, digest: string): boolean {
    const now = this.#options.clock.monotonic();
    if (this.#served.serves(identity, digest)) this.#others.delete(key);
    else if (!this.#others.has(key)) this.#others.set(key, now);
    return now - (this.#others.get(key) ?? now) >= LET_GO;
  }

  #serve(identity: TenantIdentity, signed: SignedBundle): boolean {
    const bundle = new CommittedBundle(identity, signed, { crypto: this.#crypto, archives: this.#archives });
    const head = signed.files.get(HEAD_FILE)?.bytes ?? new Uint8Array();
    const replaced = this.#served.serve(bundle, manifestDigest(head, this.#crypto));
    if (replaced === 'refused') return false;
    if (replaced !== undefined && replaced.etag !== bundle.etag) this.#archives.drop(replaced.etag);
    return true;
  }

  #withdraw(identity: TenantIdentity): void {
    const bundle = this.#served.withdraw(identity);
    if (bundle === undefined) return;
    this.#archives.drop(bundle.etag);
    this.#payloads.use(identityKey(identity), new Map());
    this.#options.log.info('bundle_withdrawn', { tenant: identity.name, sequence: bundle.manifest.sequence });
  }

  /** Once per head and reason. */
  #tell(key: string, version: string | undefined, refusal: AegisError | undefined): void {
    const before = this.#refused.get(key);
    if (refusal === undefined) {
      if (this.#refused.delete(key)) this.#options.log.info('head_accepted', { head: key });
      return;
    }
    this.#refused.set(key, { code: refusal.code, version });
    if (before?.code === refusal.code && before.version === version) return;
    this.#options.log.error('head_refused', { head: key, code: refusal.code, detail: refusal.message });
  }
}
