/** Commits bundles: shards first, then the head. For the leader; whoever is no longer it fails at the head. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { HEAD_FILE } from '../../policy/bundle/file-names.ts';
import type { KeyRing } from '../../policy/bundle/key-ring.ts';
import type { SigningKey } from '../../policy/bundle/keys.ts';
import { type Freeze, type Manifest, manifestDigest, NO_FREEZE, type Revocations } from '../../policy/bundle/manifest.ts';
import { renewBundle, type SignedBundle, signBundle } from '../../policy/bundle/sign-bundle.ts';
import type { CompiledTenant } from '../../policy/compiler/compile.ts';
import { AegisError } from '../../policy/errors.ts';
import { bundleContent, ContentFiles, type Engine } from '../../policy/publication/bundle-content.ts';
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
import { type KnownHead, readCommit } from './read-commit.ts';
import { repairHead, repairShards, shardNames } from './repair.ts';
import { ShardStore } from './shard-store.ts';
import { mergeRevocations, type ShownHead, ShownHeads } from './shown-heads.ts';
import { committedOf, type Standing, standingOf } from './standing.ts';
import { StoredHeads } from './stored-heads.ts';

export interface PublisherOptions {
  client: KubeClient;
  namespace: string;
  clock: Clock;
  crypto: CryptoProvider;
  keys: { active(): SigningKey; storedRing(): KeyRing; revoked(): readonly string[] };
  engine: Engine;
  log: Logger;
  /** Told of every commit, e.g. so that this replica serves it without reading it back. */
  onCommitted?(identity: TenantIdentity, bundle: SignedBundle): void;
}

export interface Publication {
  identity: TenantIdentity;
  compiled: CompiledTenant;
  entries: StateEntries;
  /** Above the previous one, and above what `acceptHigherHead` has accepted. */
  sequence: number;
  /** As it was when absent. */
  freeze?: Freeze;
  /** How long the head is valid, ms. */
  lifetime: number;
  sourceCommit?: string;
  /** Heads of the tenant that are kept, the current one included. */
  retention: number;
  /** Further ids of approvals that were taken back; those of the head before stay. */
  revokedApprovals?: readonly string[];
}

/** `committed` is what `load`, `publish` or `renew` gave last for the tenant; one call at a time per tenant. */
export class Publisher {
  readonly #options: PublisherOptions;
  readonly #files: ContentFiles;
  readonly #store: ShardStore;
  readonly #heads: StoredHeads;
  readonly #garbage: GarbageCollector;
  readonly #shown: ShownHeads;
  readonly #standing = new Map<string, Standing>();
  /** By name of the head. */
  readonly #retention = new Map<string, number>();

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#files = new ContentFiles(options.crypto);
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
   * @returns undefined where there is no head.
   * @throws DamagedCommit with the code of what is wrong; KubeError.
   */
  async load(identity: TenantIdentity): Promise<Committed | undefined> {
    const stored = await this.#heads.get(identity);
    if (stored === undefined) return undefined;
    const known: KnownHead = {};
    try {
      const read = await readCommit(stored, identity, { ...this.#options, store: this.#store }, known);
      return this.#stand(identity, standingOf(identity, read, stored));
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      throw new DamagedCommit(error, {
        identity,
        resourceVersion: stored.metadata.resourceVersion ?? '',
        known,
        nextSequence: await this.#above(identity, known.manifest),
      });
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
    const { identity, entries, sequence, sourceCommit } = publication;
    const { clock, crypto, keys, engine } = this.#options;
    const damaged = previous instanceof DamagedCommit ? previous : undefined;
    const standing = previous instanceof DamagedCommit ? undefined : this.#expect(identity, previous);
    const before = standing?.head ?? damaged?.known ?? {};
    this.#checkSequence(publication, damaged?.nextSequence ?? (before.manifest?.sequence ?? 0) + 1);
    const issuedAt = this.#issuedAt(before.manifest);
    const bundle = signBundle(
      bundleContent(publication.compiled, this.#files, { engine, crypto, revision: String(sequence) }),
      {
        tenant: identity,
        sequence,
        issuedAt,
        expiresAt: issuedAt + publication.lifetime,
        ...(sourceCommit === undefined ? {} : { sourceCommit }),
        previousManifestDigest: standing?.committed.digest ?? damaged?.known.digest ?? null,
        freeze: publication.freeze ?? before.manifest?.freeze ?? NO_FREEZE,
        revocations: this.#revocations(identity, before.manifest, publication.revokedApprovals),
      },
      keys.active(),
      crypto,
    );
    this.#retention.set(headName(identity, crypto), publication.retention);
    const started = clock.monotonic();
    await this.#archive(identity, before);
    const base = standing?.head ?? (damaged && { ...damaged.known, resourceVersion: damaged.resourceVersion });
    return this.#commit({ identity, bundle, entries }, standing, base, started);
  }

  /**
   * A later head for the same sequence and content, signed by the key that is active now.
   * @throws AegisError and KubeError as {@link publish}.
   */
  async renew(previous: Committed, renewal: { lifetime: number; freeze?: Freeze }): Promise<Committed> {
    const { identity, entries } = previous;
    const { crypto, keys, clock } = this.#options;
    const standing = this.#expect(identity, previous);
    const issuedAt = this.#issuedAt(standing.head.manifest);
    const { freeze } = renewal;
    const bundle = renewBundle(
      standing.bundle,
      {
        issuedAt,
        expiresAt: issuedAt + renewal.lifetime,
        ...(freeze === undefined ? {} : { freeze }),
        revocations: this.#revocations(identity, standing.head.manifest),
      },
      keys.active(),
      crypto,
    );
    return this.#commit({ identity, bundle, entries }, standing, standing.head, clock.monotonic());
  }

  /**
   * Puts right what somebody has changed or deleted by hand.
   * @returns names of the ConfigMaps that were written again.
   * @throws AegisError `AEGIS_HEAD_CONFLICT` where another leader's head stands there, `AEGIS_COMMIT_UNKNOWN`; KubeError.
   */
  async repair(committed: Committed): Promise<string[]> {
    const { identity } = committed;
    const standing = this.#expect(identity, committed);
    const written = await repairShards(standing.packed, this.#store);
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
  }

  /**
   * A gateway holds a higher head than it is offered (the cluster was restored from a backup). What is published next has
   * to be above it and keeps its revocations.
   * @returns undefined where the head is not above what is committed, or was shown before.
   * @throws AegisError of `verifyHead` where it is not ours.
   */
  acceptHigherHead(bytes: Uint8Array, identity: TenantIdentity): ShownHead | undefined {
    const committed = this.#standing.get(identityKey(identity))?.head.manifest.sequence ?? 0;
    return this.#shown.accept(bytes, identity, committed);
  }

  async #commit(
    { identity, bundle, entries }: { identity: TenantIdentity; bundle: SignedBundle; entries: StateEntries },
    standing: Standing | undefined,
    base: HeadBase | undefined,
    started: number,
  ): Promise<Committed> {
    const { crypto, clock, keys } = this.#options;
    const { packed, fresh } = pack({ files: bundle.files, entries }, crypto, standing?.packed);
    this.#garbage.written(await this.#store.ensureAll(fresh));
    // what was there already and is in no head may be cleared away some time later
    const deadline = started + GRACE / 2;
    if (clock.monotonic() > deadline) {
      throw new AegisError('AEGIS_COMMIT_SLOW', `the shards of ${identity.name} took longer than ${GRACE / 2} ms`);
    }
    const manifest = bundle.files.get(HEAD_FILE)?.bytes ?? new Uint8Array();
    const digest = manifestDigest(manifest, crypto);
    const bytes = { manifest, index: signIndex(packed, digest, keys.active(), crypto) };
    const { sequence } = bundle.manifest;
    const desired = headConfigMap(identity, bytes, sequence, this.#options);
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
  #expect(identity: TenantIdentity, previous: Committed): Standing;
  #expect(identity: TenantIdentity, previous: Committed | undefined): Standing | undefined;
  #expect(identity: TenantIdentity, previous: Committed | undefined): Standing | undefined {
    if (previous === undefined) return undefined;
    const standing = this.#standing.get(identityKey(identity));
    if (standing?.committed.digest !== previous.digest) {
      throw new AegisError('AEGIS_HEAD_CONFLICT', `${identity.name} is not built on the head that was committed last`);
    }
    return standing;
  }

  async #archive(identity: TenantIdentity, { bytes, manifest }: KnownHead): Promise<void> {
    if (bytes === undefined || manifest === undefined) return;
    const digest = manifestDigest(bytes.manifest, this.#options.crypto);
    await this.#heads.archive(identity, bytes, { sequence: manifest.sequence, digest });
  }

  /** The head that nobody can read has followed the newest archived one. */
  async #above(identity: TenantIdentity, manifest: Manifest | undefined): Promise<number> {
    if (manifest !== undefined) return manifest.sequence + 1;
    const archived = (await this.#heads.archived(identity)).map((stored) => manifestOf(stored)?.sequence ?? 0);
    return Math.max(0, ...archived) + 2;
  }

  #checkSequence({ identity, sequence }: Publication, least: number): void {
    const above = Math.max(least, (this.#shown.get(identity)?.sequence ?? 0) + 1);
    if (sequence >= above) return;
    throw new AegisError('AEGIS_BUNDLE_INPUT', `the next sequence of ${identity.name} is ${above} at least`);
  }

  /** Later than the head before, also where the clock was set back. */
  #issuedAt(before: Manifest | undefined): number {
    const now = Math.floor(this.#options.clock.now());
    return before === undefined ? now : Math.max(now, Date.parse(before.issuedAt) + 1);
  }

  #revocations(identity: TenantIdentity, before: Manifest | undefined, approvals: readonly string[] = []): Revocations {
    const { keys } = this.#options;
    const known = mergeRevocations(before?.revocations, this.#shown.get(identity)?.revocations);
    const all = mergeRevocations(known, { keys: keys.revoked(), approvals });
    if (!all.keys.includes(keys.active().keyId)) return all;
    throw new AegisError('AEGIS_SIGNING_KEY_REVOKED', `the active key is revoked for the tenant ${identity.name}`);
  }
}
