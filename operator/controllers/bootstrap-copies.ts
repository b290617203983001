import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex, utf8 } from '../../policy/bundle/encoding.ts';
import { isContentFile, OPA_MANIFEST_FILE } from '../../policy/bundle/file-names.ts';
import { formatKeyRing, type KeyRing } from '../../policy/bundle/key-ring.ts';
import type { Manifest } from '../../policy/bundle/manifest.ts';
import type { BundleSlice } from '../../policy/bundle/slice-bundle.ts';
import { parseTime } from '../../policy/bundle/time.ts';
import type { Logger } from '../../runtime/telemetry/logger.ts';
import { errorName } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { bootstrapData } from '../bundles/bootstrap-data.ts';
import type { CommittedBundle } from '../bundles/committed-bundle.ts';
import type { CommittedBundles } from '../bundles/committed-bundles.ts';
import { ownerReference } from '../kube/apply.ts';
import { Reflector } from '../kube/reflector.ts';
import { type KubeClient, type KubeObject, keyOf } from '../kube/types.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import { CONFIG_MAP } from '../model/resource-types.ts';
import type { AcceptedRegistrations, RegistrationObject } from './accepted-registrations.ts';
import type { Directory } from './directory.ts';

export interface BootstrapCopiesOptions {
  client: KubeClient;
  clock: Clock;
  random(): number;
  crypto: CryptoProvider;
  bundles: CommittedBundles;
  registrations: AcceptedRegistrations;
  directory: Directory;
  /** What gateways trust. */
  trust(): { ring: KeyRing; caPem: string };
  /** Nobody but the operator can make it of this text; always the same as long as the key is. */
  seal(text: string): string;
  log: Logger;
}

interface CopyObject extends KubeObject {
  data?: Record<string, string>;
  binaryData?: Record<string, string>;
  /** Of the data as the API server has it; set by us, in memory only. */
  digest?: string;
  /** Uids of the objects that it goes with; in memory only. */
  owners?: string[];
}

const SELECTION = { labelSelector: 'app.kubernetes.io/managed-by=aegis-operator,aegis.dev/component=bootstrap' };
const ANNOTATIONS = { facts: 'aegis.dev/facts', issuedAt: 'aegis.dev/issued-at', seal: 'aegis.dev/seal' } as const;
const PREFIX = 'aegis-bootstrap-';
const MAX_ANNOTATION = 256;
const MAX_OWNERS = 16;
const WORKERS = 2;
/** A copy is there to start from; its head need not be the latest, as long as it is valid for long enough. */
const LIFETIME_SHARE = 0.25;
const LOOK_AGAIN = 10 * 60_000;
/** ms until an agent that is in no bundle is looked at again. */
const NOT_YET = 30_000;
/** ms between two writes against somebody who writes the same copy: a leader that does not know yet that it is none. */
const CONTEST = 1000;

export function bootstrapName(registration: string): string {
  return `${PREFIX}${registration}`;
}

/** Key of the registration whose copy it is by its name; labels are anybody's. */
function registrationOf({ metadata: { name, namespace } }: KubeObject): string | undefined {
  return name.startsWith(PREFIX) ? `${namespace}/${name.slice(PREFIX.length)}` : undefined;
}

/**
 * One ConfigMap per registration, in its own namespace, from which a gateway starts while the operator cannot be reached.
 * Written when what the agent may do, what is trusted, or a freeze or revocation changed, and as the head grows old;
 * not with every sequence. What somebody else makes of it is repaired; gateways verify it like any other bundle.
 */
export class BootstrapCopies {
  readonly #options: BootstrapCopiesOptions;
  readonly #queue: WorkQueue;
  readonly #copies: Reflector<CopyObject>;
  /** What this process wrote last, by key of the registration. */
  readonly #written = new Map<string, { resourceVersion: string | undefined; at: number }>();

  constructor(options: BootstrapCopiesOptions) {
    this.#options = options;
    const { client, clock, random } = options;
    this.#queue = new WorkQueue({ clock, random });
    this.#copies = new Reflector<CopyObject>({
      client,
      type: CONFIG_MAP,
      selection: SELECTION,
      clock,
      random,
      transform: (copy) => this.#slim(copy),
    });
  }

  stats() {
    return this.#queue.stats();
  }

  /** Every copy is as it should be, as far as is known. */
  get settled(): boolean {
    const { depth, inFlight } = this.#queue.stats();
    return depth === 0 && inFlight === 0;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { bundles, registrations, directory, log } = this.#options;
    const watching = this.#copies.run(signal);
    const ends = [
      registrations.subscribe((key) => this.#queue.add(key)),
      bundles.subscribe(({ name, uid }) => {
        for (const registration of registrations.values()) {
          const tenant = directory.tenantOf(registration.metadata.namespace ?? 'default');
          if (tenant?.name === name && tenant.uid === uid) this.#queue.add(keyOf(registration));
        }
      }),
      this.#copies.subscribe((key, now, before) => {
        const copy = now ?? before;
        const registration = copy && registrationOf(copy);
        if (registration !== undefined) this.#queue.add(registration);
        else log.debug('bootstrap.foreign', { resource: `ConfigMap ${key}` });
      }),
    ];
    try {
      if (!(await synced(this.#copies, signal))) return;
      for (const registration of registrations.values()) this.#queue.add(keyOf(registration));
      await this.#queue.run(
        {
          workers: WORKERS,
          handler: (key) => this.#handle(key),
          onError: (key, error) =>
            log.warn('bootstrap.failed', { resource: `AgentRegistration ${key}`, error: errorName(error) }),
        },
        signal,
      );
    } finally {
      for (const end of ends) end();
      await watching;
    }
  }

  /** Everything is looked at anew: what is trusted has changed. */
  refresh(): void {
    for (const registration of this.#options.registrations.values()) this.#queue.add(keyOf(registration));
  }

  async #handle(key: string): Promise<{ requeueAfter: number } | undefined> {
    const { registrations, directory, bundles, client, clock } = this.#options;
    const registration = registrations.get(key);
    const agent = directory.registration(key);
    if (registration === undefined) {
      this.#written.delete(key);
      return undefined;
    }
    const bundle = agent && bundles.tenant(agent.tenant.name, agent.tenant.uid);
    const slice = bundle?.slice(agent?.agentId ?? '');
    // whose agent it is may change with no other bundle
    if (bundle === undefined || slice === undefined) return { requeueAfter: NOT_YET };
    const wanted = this.#facts(bundle, slice);
    const live = this.#copies.get(`${registration.metadata.namespace}/${bootstrapName(registration.metadata.name)}`);
    if (live !== undefined && this.#isGood(live, registration, wanted, bundle.manifest)) {
      return { requeueAfter: LOOK_AGAIN };
    }
    const contest = this.#contest(key, live);
    if (contest > 0) return { requeueAfter: contest };
    const copy = this.#copyOf(registration, bundle, slice, wanted);
    const stored = await client.apply(CONFIG_MAP, copy, { fieldManager: 'aegis-operator', force: true });
    this.#written.set(key, { resourceVersion: stored.metadata.resourceVersion, at: clock.monotonic() });
    return { requeueAfter: LOOK_AGAIN };
  }

  /** ms to wait before what somebody else has made of the last write is written over. */
  #contest(key: string, live: CopyObject | undefined): number {
    const written = this.#written.get(key);
    if (written === undefined || written.resourceVersion === live?.metadata.resourceVersion) return 0;
    return Math.max(0, written.at + CONTEST - this.#options.clock.monotonic());
  }

  /** Whoever can write there can write annotations as well: they count where they are sealed together with the data. */
  #isGood(live: CopyObject, { metadata }: RegistrationObject, wanted: string, manifest: Manifest): boolean {
    const { annotations = {} } = live.metadata;
    const { [ANNOTATIONS.facts]: facts, [ANNOTATIONS.issuedAt]: issuedAt = '', [ANNOTATIONS.seal]: seal } = annotations;
    if (facts !== wanted || seal !== this.#sealOf(live, facts, issuedAt, live.digest)) return false;
    if (live.owners?.includes(metadata.uid ?? '') !== true) return false;
    const issued = parseTime(issuedAt) ?? 0;
    const lifetime = (parseTime(manifest.expiresAt) ?? 0) - (parseTime(manifest.issuedAt) ?? 0);
    return this.#options.clock.now() < issued + lifetime * LIFETIME_SHARE;
  }

  #sealOf({ metadata: { namespace, name } }: CopyObject, facts: string, issuedAt: string, digest = ''): string {
    return this.#options.seal(JSON.stringify([namespace, name, facts, issuedAt, digest]));
  }

  /** All that a gateway should not have to wait for. */
  #facts({ manifest }: CommittedBundle, slice: BundleSlice): string {
    const { freeze, revocations, keyId } = manifest;
    // the OPA manifest tells the sequence, and the proof is another one with each of them
    const content = [...slice.files]
      .filter(([name]) => isContentFile(name) && name !== OPA_MANIFEST_FILE)
      .map(([name, { sha256 }]) => [name, sha256]);
    const { ring, caPem } = this.#options.trust();
    return this.#digest(JSON.stringify([content, keyId, freeze, revocations, formatKeyRing(ring), caPem]));
  }

  #copyOf(registration: RegistrationObject, bundle: CommittedBundle, slice: BundleSlice, facts: string): CopyObject {
    const { data, binaryData } = bootstrapData(bundle, slice.agentId, this.#options.trust(), this.#options.crypto);
    const { name, namespace = 'default' } = registration.metadata;
    const { issuedAt } = bundle.manifest;
    const place = { name: bootstrapName(name), namespace };
    const seal = this.#sealOf({ metadata: place } as CopyObject, facts, issuedAt, this.#dataDigest(data, binaryData));
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: {
        ...place,
        labels: {
          'app.kubernetes.io/managed-by': 'aegis-operator',
          'aegis.dev/component': 'bootstrap',
          'aegis.dev/tenant': bundle.identity.name,
          'aegis.dev/registration': name,
        },
        annotations: {
          [ANNOTATIONS.facts]: facts,
          [ANNOTATIONS.issuedAt]: issuedAt,
          [ANNOTATIONS.seal]: seal,
        },
        ownerReferences: [ownerReference(registration)],
      },
      data,
      binaryData,
    };
  }

  /** Anybody may put our labels on any number of ConfigMaps, and annotations of any size on them. */
  #slim({ data, binaryData, apiVersion, kind, metadata }: CopyObject): CopyObject {
    const { name, namespace, uid, resourceVersion, annotations = {}, ownerReferences = [] } = metadata;
    const slim = { apiVersion, kind, metadata: { name, namespace, uid, resourceVersion } as KubeObject['metadata'] };
    if (registrationOf(slim) === undefined) return slim;
    const own = Object.values(ANNOTATIONS).flatMap((key): [string, string][] => {
      const { [key]: value = '' } = annotations;
      return value === '' || value.length > MAX_ANNOTATION ? [] : [[key, value]];
    });
    slim.metadata.annotations = Object.fromEntries(own);
    const owners = ownerReferences.slice(0, MAX_OWNERS).map((owner) => owner.uid);
    return { ...slim, owners, digest: this.#dataDigest(data, binaryData) };
  }

  #dataDigest(data: Record<string, string> = {}, binaryData: Record<string, string> = {}): string {
    const sorted = (entries: Record<string, string>): [string, string][] =>
      Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1));
    return this.#digest(JSON.stringify([sorted(data), sorted(binaryData)]));
  }

  #digest(text: string): string {
    return toHex(this.#options.crypto.sha256(utf8(text))).slice(0, 32);
  }
}

/** False: the signal was aborted before. */
async function synced(copies: Reflector<CopyObject>, signal: AbortSignal): Promise<boolean> {
  try {
    await copies.whenSynced(signal);
    return true;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
