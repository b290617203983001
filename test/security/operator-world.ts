/** The leader's loop of the operator over an API server in memory: resources by hand, bundles committed for real. */

import { CommittedBundles } from '../../operator/bundles/committed-bundles.ts';
import { headName } from '../../operator/bundles/head-config-map.ts';
import type { PublisherOptions } from '../../operator/bundles/publisher.ts';
import { readCommit } from '../../operator/bundles/read-commit.ts';
import { ShardStore } from '../../operator/bundles/shard-store.ts';
import type { ConfigMap } from '../../operator/bundles/trusted-keys.ts';
import { AcceptedRegistrations, type RegistrationObject } from '../../operator/controllers/accepted-registrations.ts';
import { Directory } from '../../operator/controllers/directory.ts';
import { Documents, type FollowedDocument } from '../../operator/controllers/documents.ts';
import { Intake } from '../../operator/controllers/intake.ts';
import { TenantController } from '../../operator/controllers/tenant-controller.ts';
import type { TenantRecord } from '../../operator/controllers/tenant-record.ts';
import { Tenants } from '../../operator/controllers/tenants.ts';
import { TombstoneBook } from '../../operator/controllers/tombstone-book.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import type { Committed } from '../../operator/model/committed.ts';
import { CONFIG_MAP } from '../../operator/model/resource-types.ts';
import type { Resource } from '../../policy/resources/resource.ts';
import { type Clock, systemClock } from '../../runtime/time/clock.ts';
import { waitFor } from '../apiserver/wait-for.ts';
import { crypto, newWorld, type World as Publishing, TestLog } from '../operator/bundles/world.ts';
import { HandStore, PLATFORM, sampleObjects } from '../operator/planning/world.ts';
import { FakeKube } from '../operator/support/fake-kube.ts';

/** Goes as fast as the real one, from where a test wants it to be. */
class ShiftedClock implements Clock {
  offset = 0;
  now = (): number => systemClock.now() + this.offset;
  monotonic = (): number => systemClock.monotonic();
  sleep = (ms: number, signal: AbortSignal): Promise<void> => systemClock.sleep(ms, signal);
}

export class Cluster {
  readonly kube = new FakeKube();
  readonly clock = new ShiftedClock();
  readonly stores = {
    AgentPolicy: new HandStore(),
    AgentRegistration: new HandStore(),
    AgentTool: new HandStore(),
    AgentTenant: new HandStore(),
  };
  readonly namespaces = new HandStore();
  follow: (namespace: string, name: string) => FollowedDocument = () => ({
    store: new HandStore(),
    stop: () => undefined,
  });
  #uids = 0;
  #created = 0;

  namespace(name: string): void {
    const metadata = { name, uid: `ns-${name}` };
    this.namespaces.set(name, { apiVersion: 'v1', kind: 'Namespace', metadata } as KubeObject);
  }

  /** As the API server would keep it: uid, generation, time. */
  apply(object: Resource, metadata: Record<string, unknown> = {}): void {
    const { kind } = object;
    const { name, namespace } = object.metadata;
    const store = this.stores[kind as keyof Cluster['stores']];
    const key = namespace === undefined ? name : `${namespace}/${name}`;
    const before = store.get(key);
    const same =
      before !== undefined && JSON.stringify((before as { spec?: unknown }).spec) === JSON.stringify(object.spec);
    const meta = before?.metadata ?? {
      uid: `uid-${++this.#uids}`,
      creationTimestamp: new Date(1_700_000_000_000 + 1000 * this.#created++).toISOString(),
    };
    const generation = (before?.metadata.generation ?? 0) + (same ? 0 : 1);
    store.set(key, { ...object, metadata: { ...object.metadata, ...meta, generation, ...metadata } } as KubeObject);
  }

  edit<T = Record<string, unknown>>(kind: keyof Cluster['stores'], key: string, change: (spec: T) => unknown): void {
    const object = structuredClone(this.stores[kind].get(key)) as unknown as Resource;
    change(object.spec as T);
    this.apply(object);
  }

  sample(name = 'fintech'): void {
    for (const object of sampleObjects(name)) this.apply(object);
    this.namespace(name);
  }
}

/** One process that leads, from its start to its end. */
export class Leading {
  readonly cluster: Cluster;
  readonly log = new TestLog();
  readonly records: TenantRecord[] = [];
  readonly tenants: Tenants;
  readonly registrations: AcceptedRegistrations;
  readonly tombstones = new TombstoneBook();
  readonly directory: Directory;
  readonly controller: TenantController;
  readonly publishing: Publishing;
  readonly bundles: CommittedBundles;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  static async start(cluster: Cluster): Promise<Leading> {
    const { kube: client, clock } = cluster;
    const onCommitted: PublisherOptions['onCommitted'] = (identity, bundle) => bundles.adopt(identity, bundle);
    const publishing = await newWorld(client, { clock, onCommitted });
    const { keys, log } = publishing;
    const options = { client, namespace: PLATFORM, clock, random: Math.random, crypto, keys, log };
    const bundles = new CommittedBundles(options);
    return new Leading(cluster, publishing, bundles);
  }

  private constructor(cluster: Cluster, publishing: Publishing, bundles: CommittedBundles) {
    this.bundles = bundles;
    this.cluster = cluster;
    this.publishing = publishing;
    const intake = new Intake(cluster.stores);
    const documents = new Documents(cluster.follow);
    this.tenants = new Tenants({ intake, namespaces: cluster.namespaces, documents, platformNamespace: PLATFORM });
    this.registrations = new AcceptedRegistrations(intake);
    const { tenants, registrations, tombstones } = this;
    this.directory = new Directory({ tenants, registrations, tombstones: (of) => tombstones.of(of) });
    this.controller = new TenantController({
      tenants,
      publisher: publishing.publisher,
      crypto,
      platformNamespace: PLATFORM,
      clock: cluster.clock,
      random: Math.random,
      log: this.log,
      workers: 4,
      debounce: 5,
      maxDelay: 20,
      headLifetime: 24 * 3_600_000,
      maxStaleness: 72 * 3_600_000,
      retention: 10,
      evidence: () => ({ decisions: 0, agents: 0, wouldDeny: 0, wouldAllow: 0, errors: 0 }),
      served: () => undefined,
      onStarted: () => undefined,
      onLoaded: (entries) => {
        for (const [key, { accepted, tombstone }] of entries) {
          if (key.startsWith('AgentRegistration ') && tombstone === undefined) {
            registrations.seed(accepted as RegistrationObject);
          }
        }
      },
      onPass: (record) => {
        this.records.push(record);
        const { committed } = record.outcome;
        if (committed !== undefined) tombstones.update(committed.identity, committed.entries);
      },
    });
    this.#running = this.controller.run(this.#stop.signal);
    this.#running.catch(() => undefined);
  }

  committed(name = 'fintech'): Committed | undefined {
    const scope = this.tenants.tenancy.scopes.get(name);
    return scope && this.controller.record(scope.identity)?.outcome.committed;
  }

  /** Files of the bundle that is committed, as the API server has it. */
  async files(name = 'fintech'): Promise<ReadonlyMap<string, { bytes: Uint8Array }>> {
    const { kube: client, clock } = this.cluster;
    const { identity } = this.committed(name) ?? { identity: { name, uid: '' } };
    const stored = await client.get<ConfigMap>(CONFIG_MAP, { namespace: PLATFORM, name: headName(identity, crypto) });
    const store = new ShardStore({ client, namespace: PLATFORM, clock, crypto });
    return (await readCommit(stored as ConfigMap, identity, { keys: this.publishing.keys, crypto, store })).bundle
      .files;
  }

  until<T>(test: () => T | undefined | false | Promise<T | undefined | false>, what: string, ms = 5_000): Promise<T> {
    return waitFor(async () => (await test()) || undefined, ms, what) as Promise<T>;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
