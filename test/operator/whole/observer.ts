/** Looks at every write as it happens, and tells what must never be. */
import {
  ARCHIVE_COMPONENT,
  COMPONENT,
  HEAD_COMPONENT,
  headBytes,
  headIdentity,
  removedAt,
} from '../../../operator/bundles/head-config-map.ts';
import { type ReadCommit, readCommit } from '../../../operator/bundles/read-commit.ts';
import { ShardStore } from '../../../operator/bundles/shard-store.ts';
import { readKeySet, type Secret, SIGNING_SECRET, storedRingOf } from '../../../operator/bundles/signing-secret.ts';
import type { ConfigMap } from '../../../operator/bundles/trusted-keys.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { CONFIG_MAP, SECRET } from '../../../operator/model/resource-types.ts';
import type { TenantIdentity } from '../../../operator/model/tenant-identity.ts';
import { STATUS_MANAGER } from '../../../operator/status/status-writer.ts';
import { agentFile } from '../../../policy/bundle/file-names.ts';
import type { KeyRing } from '../../../policy/bundle/key-ring.ts';
import { manifestDigest } from '../../../policy/bundle/manifest.ts';
import { AegisError } from '../../../policy/errors.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import type { Clock } from '../../../runtime/time/clock.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import type { FakeKube, WriteOptions } from '../support/fake-kube.ts';
import { NAMESPACE } from './names.ts';
import { RESOURCES } from './resources.ts';
import { type Write, writeOf } from './write.ts';

interface Status {
  observedGeneration?: number;
  conditions?: { type: string; status: string; observedGeneration?: number }[];
}

type WithStatus = KubeObject & { status?: Status };

/** What one tenant has committed so far. */
interface Line {
  sequence: number;
  issuedAt: string;
  /** Of the heads of the sequence in force. */
  digests: Set<string>;
  generations: Map<string, { uid: string; generation: number }>;
  /** `Kind namespace/name uid` of what took part once, and was deleted when it did no more. */
  gone: Set<string>;
  /** Heads were changed by hand: the chain may have a gap. */
  torn: boolean;
}

/** Field managers of those who are no operator. */
export const USER = 'user';
export const BY_HAND = 'by-hand';
const TENANT_UID = 'aegis.dev/tenant-uid';
const KINDS = [...new Set(RESOURCES.map(({ type }) => type))];

export class Observer {
  readonly violations: string[] = [];
  /** Digests of all heads that were ever committed. */
  readonly committed = new Set<string>();
  /** The newest commit of each head, by name of its ConfigMap. */
  readonly heads = new Map<string, ReadCommit>();
  /** ConfigMaps that somebody changed by hand and nobody has put right yet. */
  readonly tampered = new Set<string>();
  /** Heads of which nothing whole was left once, neither themselves nor what they replaced: by name of the ConfigMap. */
  readonly forgotten = new Set<string>();
  /** What operators wrote, the Lease left out. */
  writes: Write[] = [];
  commits = 0;
  readonly #kube: FakeKube;
  readonly #store: ShardStore;
  readonly #lines = new Map<string, Line>();
  /** `Kind namespace/name uid generation` that some commit held. */
  readonly #held = new Set<string>();
  /** uids of objects whose status somebody else has written. */
  readonly #lies = new Set<string>();
  #claims: { what: string; held: string }[] = [];
  #looks: Promise<void>[] = [];
  /** A commit could not be read because of what somebody did to it. */
  #unread = false;

  constructor(kube: FakeKube, clock: Clock) {
    this.#kube = kube;
    this.#store = new ShardStore({ client: kube.client(), namespace: NAMESPACE, clock, crypto: nodeCrypto });
  }

  violation(what: string): void {
    if (this.violations.length < 20) this.violations.push(what);
  }

  stored(object: KubeObject | undefined, before: KubeObject | undefined, options: WriteOptions): void {
    const { kind, metadata } = (object ?? before) as KubeObject;
    const byOperator = options.fieldManager !== USER && options.fieldManager !== BY_HAND;
    // clearing away what nothing refers to goes on long after
    if (kind !== 'Lease' && byOperator && object !== undefined) this.writes.push(writeOf(object, before));
    if (kind === 'ConfigMap' && metadata.namespace === NAMESPACE) {
      if (!byOperator) this.#tampered(metadata.name);
      else if (object !== undefined) {
        this.tampered.delete(metadata.name);
        if (isHead(object)) this.#looks.push(this.#look(object as ConfigMap));
      }
    }
    if (options.subresource === 'status' && options.fieldManager === STATUS_MANAGER && object !== undefined) {
      this.#status(object);
    } else if (options.subresource === 'status' && !byOperator) this.#lies.add(metadata.uid ?? '');
  }

  /** Everything that was seen has been looked at. */
  async settled(): Promise<void> {
    while (this.#looks.length > 0) await Promise.all(this.#looks.splice(0));
    if (this.#unread && this.tampered.size === 0) {
      this.#unread = false;
      await this.lookAgain(this.#kube.all<ConfigMap>(CONFIG_MAP).filter(isHead));
    }
    for (const { what, held } of this.#claims.splice(0)) {
      if (this.tampered.size === 0 && !this.#unread && !this.#held.has(held))
        this.violation(`${what} is Current, and no commit holds this generation`);
    }
  }

  /** Also what could not be read while it was damaged. */
  async lookAgain(heads: readonly ConfigMap[]): Promise<void> {
    this.tampered.clear();
    for (const head of heads) this.#looks.push(this.#look(head));
    await this.settled();
  }

  /** Somebody has changed or deleted ConfigMaps: what can still be read? */
  async changedByHand(): Promise<void> {
    const ring = this.#ring();
    if (ring === undefined) return;
    const all = this.#kube.all<ConfigMap>(CONFIG_MAP);
    for (const [name, { bundle }] of this.heads) {
      const { tenant: identity } = bundle.manifest;
      const own = all.filter(({ metadata }) => metadata.annotations?.[TENANT_UID] === identity.uid);
      const whole = own.filter((each) => isHead(each) || each.metadata.labels?.[COMPONENT] === ARCHIVE_COMPONENT);
      const reads = whole.map((each) => this.#read(each, identity, ring).catch(() => undefined));
      if ((await Promise.all(reads)).every((read) => read === undefined)) this.forgotten.add(name);
    }
  }

  #read(head: ConfigMap, identity: TenantIdentity, ring: KeyRing): Promise<ReadCommit> {
    return readCommit(head, identity, { keys: { storedRing: () => ring }, crypto: nodeCrypto, store: this.#store });
  }

  #status(object: WithStatus): void {
    const { kind, metadata, status = {} } = object;
    const what = `${kind} ${metadata.namespace ?? ''}/${metadata.name}@${metadata.generation}`;
    const is = (type: string): boolean =>
      (status.conditions ?? []).some((each) => each.type === type && each.status === 'True');
    const both = is('Reconciling') && is('Stalled');
    // what others own is taken away by a second request
    if (both && !this.#lies.has(metadata.uid ?? '')) this.violation(`${what} is Reconciling and Stalled`);
    if (!both) this.#lies.delete(metadata.uid ?? '');
    if ((status.observedGeneration ?? 0) > (metadata.generation ?? 0)) this.violation(`${what}: a future generation`);
    for (const { type, observedGeneration } of status.conditions ?? []) {
      if (observedGeneration !== undefined && observedGeneration > (metadata.generation ?? 0)) {
        this.violation(`${what}: ${type} of a future generation`);
      }
    }
    if (metadata.deletionTimestamp !== undefined || kstatusOf(object) !== 'Current') return;
    if (status.observedGeneration !== metadata.generation) this.violation(`${what} is Current unseen`);
    const key = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
    this.#claims.push({ what, held: `${kind} ${key} ${metadata.uid} ${metadata.generation}` });
  }

  async #look(head: ConfigMap): Promise<void> {
    const identity = headIdentity(head, nodeCrypto);
    if (identity === undefined) return this.violation(`${head.metadata.name} does not say whose it is`);
    if (removedAt(head) !== undefined) return;
    const ring = this.#ring();
    if (ring === undefined) return;
    this.committed.add(manifestDigest(headBytes(head)?.manifest ?? new Uint8Array(), nodeCrypto));
    // what is put right while it is being read was missing all the same
    const tampered = [...this.tampered];
    try {
      this.#take(head.metadata.name, await this.#read(head, identity, ring));
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      if ([...tampered, ...this.tampered].some((name) => error.message.includes(name))) {
        this.#unread = true;
        return;
      }
      this.violation(`${head.metadata.name} was committed and cannot be read: ${error.code} ${error.message}`);
    }
  }

  #ring() {
    const secret = this.#kube.all<Secret>(SECRET).find(({ metadata }) => metadata.name === SIGNING_SECRET);
    return secret && storedRingOf(readKeySet(secret, nodeCrypto));
  }

  #take(name: string, read: ReadCommit): void {
    const { sequence, issuedAt } = read.bundle.manifest;
    const line = this.#lines.get(name);
    this.commits++;
    if (line !== undefined) this.#follows(name, read, line);
    this.#refusesTheGone(name, read);
    this.heads.set(name, read);
    const next: Line =
      line === undefined || sequence > line.sequence
        ? {
            sequence,
            issuedAt,
            digests: new Set(),
            generations: new Map(),
            gone: new Set(),
            torn: this.tampered.size > 0,
          }
        : line;
    this.#bringsNothingBack(name, read, line, next);
    next.digests.add(read.digest);
    next.issuedAt = issuedAt;
    for (const [key, { uid, generation }] of read.entries) {
      const known = line?.generations.get(key);
      const built = line?.torn === true || this.tampered.size > 0;
      if (!built && known?.uid === uid && known.generation > generation) {
        this.violation(`${name}: the accepted version of ${key} went back from ${known.generation} to ${generation}`);
      }
      next.generations.set(key, { uid, generation });
      this.#held.add(`${key} ${uid} ${generation}`);
    }
    this.#lines.set(name, next);
  }

  #follows(name: string, { bundle: { manifest }, digest }: ReadCommit, line: Line): void {
    const { sequence, issuedAt, previousManifestDigest, contentRoot } = manifest;
    // an older head that somebody has put there is all that a leader knows who comes after it
    if (sequence < line.sequence && !line.torn)
      this.violation(`${name} went back from ${line.sequence} to ${sequence}`);
    if (sequence === line.sequence && !line.digests.has(digest)) {
      const before = this.heads.get(name)?.bundle.manifest;
      if (before?.contentRoot !== contentRoot && !line.torn) this.violation(`${name}: ${sequence} has two contents`);
      // of a head that somebody has put an older one in place of, nobody knows when it was issued
      if (issuedAt < line.issuedAt && !line.torn) this.violation(`${name}: ${sequence} was issued before itself`);
    }
    if (sequence <= line.sequence || line.torn) return;
    if (previousManifestDigest === null || !line.digests.has(previousManifestDigest)) {
      this.violation(`${name}: ${sequence} does not follow ${line.sequence}`);
    }
  }

  /** What was deleted, and committed as such, is not taken for something that is there by whoever leads next. */
  #bringsNothingBack(name: string, { entries }: ReadCommit, before: Line | undefined, next: Line): void {
    if (before === undefined) return;
    for (const each of before.gone) next.gone.add(each);
    for (const [key, { uid }] of before.generations) {
      const entry = entries.get(key);
      // what is somebody else's now may come back, and may be deleted before anybody has heard of it
      const left = entry?.uid !== uid || entry.tombstone !== undefined;
      if (left && !this.#exists(uid)) next.gone.add(`${key} ${uid}`);
    }
    if (this.tampered.size > 0) return;
    for (const [key, { uid, tombstone }] of entries) {
      const came = tombstone === undefined && next.gone.delete(`${key} ${uid}`);
      if (came && !this.#exists(uid)) this.violation(`${name}: ${key}, which is gone, is there again`);
    }
  }

  #exists(uid: string): boolean {
    return KINDS.some((type) => this.#kube.all(type).some(({ metadata }) => metadata.uid === uid));
  }

  #refusesTheGone(name: string, { entries, bundle: { files, manifest } }: ReadCommit): void {
    for (const [key, { tombstone, accepted }] of entries) {
      const { metadata, spec } = accepted as KubeObject & { spec?: { agentId?: string } };
      if (tombstone === undefined || files.has(agentFile(spec?.agentId ?? metadata.name))) continue;
      this.violation(`${name}: ${manifest.sequence} lacks ${key}, whose gateways would keep what they have`);
    }
  }

  /** What was committed may be built anew, without all that was before. */
  #tampered(name: string): void {
    this.tampered.add(name);
    for (const line of this.#lines.values()) {
      line.torn = true;
      line.generations.clear();
      line.gone.clear();
    }
  }
}

function isHead({ metadata }: KubeObject): boolean {
  return metadata.labels?.[COMPONENT] === HEAD_COMPONENT;
}
