/** Commits bundles: shards first, then the head. For the leader; whoever is no longer it fails at the head. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { HEAD_FILE } from '../../policy/bundle/file-names.ts';
import type { KeyRing } from '../../policy/bundle/key-ring.ts';
import type { SigningKey } from '../../policy/bundle/keys.ts';
import { type Freeze, type Manifest, manifestDigest } from '../../policy/bundle/manifest.ts';
import type { SignedBundle } from '../../policy/bundle/sign-bundle.ts';
import { verifyHead } from '../../policy/bundle/verify-head.ts';
import { AegisError } from '../../policy/errors.ts';
import type { ContentFiles, Engine } from '../../policy/publication/bundle-content.ts';
import type { Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { KubeClient } from '../kube/types.ts';
import type { Committed, StateEntries } from '../model/committed.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { digestsOf, pack } from './bundle-shards.ts';
import { commitHead, type HeadBase } from './commit-head.ts';
import { DamagedCommit } from './damaged-commit.ts';
import { type Collected, GarbageCollector, GRACE } from './garbage.ts';
import { headBytes, headConfigMap, headName, identityKey, manifestOf, removedAt } from './head-config-map.ts';
import { signIndex } from './head-index.ts';
import { HeadSigner, type Signed } from './head-signer.ts';
import type { Publication } from './publication.ts';
import { type KnownHead, readCommit } from './read-commit.ts';
import { repairHead, repairShards, ShardRounds, shardNames } from './repair.ts';
import { ShardStore } from './shard-store.ts';
import { type ShownHead, ShownHeads } from './shown-heads.ts';
import { committedOf, type Standing, standingOf } from './standing.ts';
import { storedHead } from './stored-head.ts';
import { StoredHeads } from './stored-heads.ts';
import type { ConfigMap } from './trusted-keys.ts';

export interface PublisherOptions {
  client: KubeClient;
  namespace: string;
  clock: Clock;
  crypto: CryptoProvider;
  keys: { active(): SigningKey; storedRing(): KeyRing; revoked(): readonly string[] };
  engine: Engine;
  /** Remembers digests; its own where absent. */
  files?: ContentFiles;
  log: Logger;
  /** Told of the digest of a head right before it is written: whoever sees it by a watch need not read it. */
  onCommitting?(digest: string): void;
  /** Told of every commit, e.g. so that this replica serves it without reading it back. */
  onCommitted?(identity: TenantIdentity, bundle: SignedBundle): void;
}

/** `committed` is what `load`, `publish` or `renew` gave last for the tenant; one call at a time per tenant. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #signer: HeadSigner;
  readonly #store: ShardStore;
  readonly #heads: StoredHeads;
  readonly #garbage: GarbageCollector;
  readonly #shown: ShownHeads;
  readonly #standing = new Map<string, Standing>();
  readonly #rounds = new Map<string, ShardRounds>();
  /** By name of the head. */
  readonly #retention = new Map<string, number>();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#signer = new HeadSigner(options);
    this.#store = new ShardStore(options);
    this.#heads = new StoredHeads(options);
    this.#garbage = new GarbageCollector(options);
    this.#shown = new ShownHeads(options.keys, options.crypto);
  }

  /** Tenants that have a head, whatever its condition; those that were removed are none. @throws KubeError. */
  list(): Promise<TenantIdentity[]> {
    return this.#heads.list();
  }

  /**
   * What is committed, read from the API server itself and verified; also of a tenant that was removed.
   * @returns undefined where nothing ever was.
   * @throws DamagedCommit with the code of what is wrong; KubeError.
   */
  async load(identity: TenantIdentity): Promise<Committed | undefined> {
    const stored = await this.#heads.get(identity);
    const known: KnownHead = {};
    try {
      if (stored === undefined) {
        await this.#checkNothing(identity);
        return undefined;
      }
      const read = await readCommit(stored, identity, { ...this.#options, store: this.#store }, known);
      return this.#stand(identity, standingOf(identity, read, stored));
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      const resourceVersion = stored?.metadata.resourceVersion;
      const nextSequence = await this.#above(identity, known.manifest);
      throw new DamagedCommit(error, { identity, resourceVersion, known, nextSequence });
    }
  }

  /** The newest of the replaced heads whose commit can be read whole: for what it says only. @throws KubeError. */
  async loadArchived(identity: TenantIdentity): Promise<Committed | undefined> {
    for (const stored of await this.#heads.archived(identity)) {
      try {
        const read = await readCommit(stored, identity, { ...this.#options, store: this.#store });
        return committedOf(identity, read, stored.metadata.name);
      } catch (error) {
        if (!(error instanceof AegisError)) throw error;
      }
    }
    return undefined;
  }

  /**
   * Commits new content on top of `previous`.
   * @param previous undefined: the tenant has no head yet; a DamagedCommit is published over.
   * @throws AegisError `AEGIS_HEAD_CONFLICT` (this is not the leader any more), `AEGIS_COMMIT_UNKNOWN` (load again to
   *   find out), `AEGIS_COMMIT_SLOW`, `AEGIS_SIGNING_KEY_REVOKED`, `AEGIS_BUNDLE_INPUT`, those of `signBundle`;
   *   KubeError. Nothing is committed then (with `AEGIS_COMMIT_UNKNOWN` perhaps), and what was before stays whole.
   */
  async publish(publication: Publication, previous: Committed | DamagedCommit | undefined): Promise<Committed> {
    const { identity, entries } = publication;
    const { clock, crypto } = this.#options;
    const damaged = previous instanceof DamagedCommit ? previous : undefined;
    const standing = previous === undefined || damaged === previous ? undefined : this.#expect(previous as Committed);
    const before = standing?.head ?? damaged?.known ?? {};
    this.#checkSequence(publication, damaged?.nextSequence ?? (before.manifest?.sequence ?? 0) + 1);
    const known = { ...before, ...(standing === undefined ? {} : { digest: standing.committed.digest }) };
    const signed = this.#signer.sign(publication, known, this.#shown.get(identity)?.revocations);
    this.#retention.set(headName(identity, crypto), publication.retention);
    const started = clock.monotonic();
    await this.#archive(identity, before);
    const base = standing?.head ?? damagedBase(damaged);
    return this.#commit({ ...signed, identity, entries }, standing, base, started);
  }

  /**
   * A later head for the same sequence and content, signed by the key that is active now.
   * @throws AegisError and KubeError as {@link publish}.
   */
  async renew(previous: Committed, renewal: { lifetime: number; freeze?: Freeze }): Promise<Committed> {
    const { identity, entries } = previous;
    const standing = this.#expect(previous);
    const signed = this.#signer.renew(standing.bundle, renewal, this.#shown.get(identity)?.revocations);
    const started = this.#options.clock.monotonic();
    return this.#commit({ ...signed, identity, entries }, standing, standing.head, started);
  }

  /**
   * Puts right what somebody has changed or deleted by hand: looks at the head and at a few shards, others each time.
   * @param all look at all shards.
   * @returns names of the ConfigMaps that were written again.
   * @throws AegisError `AEGIS_HEAD_CONFLICT` where another leader's head stands there, `AEGIS_COMMIT_UNKNOWN`; KubeError.
   */
  async repair(committed: Committed, all = false): Promise<string[]> {
    const { identity } = committed;
    const standing = this.#expect(committed);
    const rounds = this.#rounds.get(identityKey(identity)) ?? new ShardRounds();
    this.#rounds.set(identityKey(identity), rounds);
    const written = await repairShards(standing.packed, rounds.take(standing.packed, all), this.#store);
    this.#garbage.written(written);
    const stored = await repairHead(identity, standing, this.#heads, this.#options);
    if (stored === undefined) return shardNames(written);
    const { resourceVersion = '' } = stored.metadata;
    this.#stand(identity, { ...standing, head: { ...standing.head, resourceVersion } });
    return [...shardNames(written), committed.configMapName];
  }

  /**
   * One bounded step of clearing away what no head refers to; call it every half a minute or so.
   * @param retention heads that are kept of tenants that this process has not published.
   * @throws KubeError.
   */
  collectGarbage(retention: number): Promise<Collected> {
    const inUse = [...this.#standing.values()].flatMap(({ packed }) => [...digestsOf(packed)]);
    return this.#garbage.step((head) => this.#retention.get(head) ?? retention, inUse);
  }

  /**
   * The tenant is gone: nobody serves its bundle any more. Its head stays for a week, so that a tenant which comes back
   * with the same uid goes on above it; then it is collected.
   * @throws AegisError `AEGIS_HEAD_CONFLICT`, `AEGIS_COMMIT_UNKNOWN`; KubeError.
   */
  async remove(identity: TenantIdentity): Promise<void> {
    const { clock } = this.#options;
    const stored = await this.#heads.get(identity);
    if (stored === undefined || removedAt(stored) !== undefined) return;
    const { resourceVersion = '' } = stored.metadata;
    const standing = this.#standing.get(identityKey(identity));
    const bytes = standing?.head.bytes ?? headBytes(stored) ?? { manifest: new Uint8Array(), index: new Uint8Array() };
    const sequence = standing?.head.manifest.sequence ?? manifestOf(stored)?.sequence ?? 0;
    const desired = headConfigMap(identity, bytes, sequence, {
      ...this.#options,
      removedAt: new Date(clock.now()).toISOString(),
    });
    await commitHead(desired, identity, { ...standing?.head, resourceVersion }, this.#options);
    this.#standing.delete(identityKey(identity));
    this.#rounds.delete(identityKey(identity));
  }

  /**
   * A gateway holds a higher head than it is offered (the cluster was restored from a backup). What is published next has
   * to be above it and keeps its revocations.
   * @returns undefined where the head is not above what is committed, or was shown before.
   * @throws AegisError of `verifyHead` where it is not ours.
   */
  acceptHigherHead(bytes: Uint8Array, identity: TenantIdentity): ShownHead | undefined {
    return this.#shown.accept(bytes, identity, this.#standing.get(identityKey(identity))?.head.manifest);
  }

  /** What is published next has to be above it; 0: gateways have shown nothing beyond what is committed. */
  shownSequence(identity: TenantIdentity): number {
    return this.#shown.get(identity)?.sequence ?? 0;
  }

  async #commit(
    { identity, bundle, key, entries }: Signed & { identity: TenantIdentity; entries: StateEntries },
    standing: Standing | undefined,
    base: HeadBase | undefined,
    started: number,
  ): Promise<Committed> {
    const { crypto, clock } = this.#options;
    const { packed, fresh } = pack({ files: bundle.files, entries }, crypto, standing?.packed);
    this.#garbage.written(await this.#store.ensureAll(fresh));
    // what was there already and is in no head may be cleared away some time later
    const deadline = started + GRACE / 2;
    if (clock.monotonic() > deadline) {
      throw new AegisError('AEGIS_COMMIT_SLOW', `the shards of ${identity.name} took longer than ${GRACE / 2} ms`);
    }
    const manifest = bundle.files.get(HEAD_FILE)?.bytes ?? new Uint8Array();
    const digest = manifestDigest(manifest, crypto);
    const bytes = { manifest, index: signIndex(packed, digest, key, crypto) };
    const { sequence } = bundle.manifest;
    const desired = headConfigMap(identity, bytes, sequence, this.#options);
    this.#options.onCommitting?.(digest);
    const stored = await commitHead(desired, identity, base, this.#options, deadline);
    this.#shown.settle(identity, sequence);
    const committed = this.#stand(identity, standingOf(identity, { bytes, digest, bundle, entries, packed }, stored));
    this.#options.onCommitted?.(identity, bundle);
    return committed;
  }

  #stand(identity: TenantIdentity, standing: Standing): Committed {
    this.#standing.set(identityKey(identity), standing);
    return standing.committed;
  }

  /** What this process has left, which must be what the caller builds on. */
  #expect({ identity, digest }: Committed): Standing {
    const standing = this.#standing.get(identityKey(identity));
    if (standing?.committed.digest === digest) return standing;
    throw new AegisError('AEGIS_HEAD_CONFLICT', `${identity.name} is not built on the head that was committed last`);
  }

  async #archive(identity: TenantIdentity, { bytes, manifest }: KnownHead): Promise<void> {
    if (bytes === undefined || manifest === undefined) return;
    const digest = manifestDigest(bytes.manifest, this.#options.crypto);
    await this.#heads.archive(identity, bytes, { sequence: manifest.sequence, digest });
  }

  /** A head that was deleted by hand leaves those that it has replaced. */
  async #checkNothing(identity: TenantIdentity): Promise<void> {
    if ((await this.#heads.archived(identity)).length === 0) return;
    throw new AegisError('AEGIS_HEAD_DAMAGED', `the head of the tenant ${identity.name} is gone`);
  }

  /** The head that nobody can read has followed the newest archived one. */
  async #above(identity: TenantIdentity, manifest: Manifest | undefined): Promise<number> {
    if (manifest !== undefined) return manifest.sequence + 1;
    const archived = (await this.#heads.archived(identity)).map((stored) => this.#sequenceOf(stored, identity));
    return Math.max(0, ...archived) + 2;
  }

  /** 0 where nobody of us has signed it: a number that anybody can write must not use up the sequences of a tenant. */
  #sequenceOf(stored: ConfigMap, identity: TenantIdentity): number {
    const { keys, crypto } = this.#options;
    const bytes = headBytes(stored);
    try {
      return bytes === undefined ? 0 : verifyHead(bytes.manifest, storedHead(identity, keys, crypto)).manifest.sequence;
    } catch {
      return 0;
    }
  }

  #checkSequence({ identity, sequence }: Publication, least: number): void {
    const above = Math.max(least, (this.#shown.get(identity)?.sequence ?? 0) + 1);
    if (sequence >= above) return;
    throw new AegisError('AEGIS_BUNDLE_INPUT', `the next sequence of ${identity.name} is ${above} at least`);
  }
}

function damagedBase(damaged: DamagedCommit | undefined): HeadBase | undefined {
  if (damaged?.resourceVersion === undefined) return undefined;
  return { ...damaged.known, resourceVersion: damaged.resourceVersion };
}
