/** A cluster in memory with two operator processes, their users and their gateways. All of it follows from the seed. */
import type { ConfigMap } from '../../../operator/bundles/trusted-keys.ts';
import { LEASE } from '../../../operator/kube/lease-record.ts';
import type { KubeObject, ObjectKey, ResourceType } from '../../../operator/kube/types.ts';
import { CONFIG_MAP, NAMESPACE as NAMESPACE_TYPE, POD } from '../../../operator/model/resource-types.ts';
import { FakeClock, settle } from '../kube/fake-clock.ts';
import { FakeKube } from '../support/fake-kube.ts';
import { ApiRules } from './api-rules.ts';
import { NAMESPACE } from './names.ts';
import { BY_HAND, Observer, USER } from './observer.ts';
import { NAMESPACES, objectOf, RESOURCES, type Resource, type Variant } from './resources.ts';
import { SimGateway } from './sim-gateway.ts';
import { SimProcess } from './sim-process.ts';

const BY_USER = { fieldManager: USER };
const ADMIN = { fieldManager: BY_HAND };

/** Small and good enough: mulberry32. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export class SimWorld {
  readonly clock = new FakeClock();
  readonly kube = new FakeKube();
  readonly observer: Observer;
  readonly processes: SimProcess[] = [];
  readonly gateways = new Map<string, SimGateway>();
  readonly log: string[] = [];
  starts = 0;
  /** The wall clock at its highest. */
  latest = 0;
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomOf(seed);
    this.kube.now = () => this.clock.now();
    this.observer = new Observer(this.kube, this.clock);
    this.kube.rules = new ApiRules({ stored: (...change) => this.observer.stored(...change) });
  }

  /** The cluster with everything in it, and two processes. */
  static async open(seed: number): Promise<SimWorld> {
    const world = new SimWorld(seed);
    for (const name of NAMESPACES) await world.#namespace(name);
    for (const resource of RESOURCES) if (resource.name !== 'rival') await world.write(resource, 'good', 0);
    world.restart(0);
    world.restart(1);
    await world.tick(3_000);
    return world;
  }

  get replicas() {
    return this.processes.flatMap(({ replica, ended }) => (replica === undefined || ended ? [] : [replica]));
  }

  restart(index: number): void {
    this.processes[index]?.kill();
    this.processes[index] = new SimProcess({
      name: `operator-${index}.${++this.starts}`,
      kube: this.kube,
      clock: this.clock,
      random: this.#random,
      randomBytes: (size) => Uint8Array.from({ length: size }, () => Math.floor(this.#random() * 256)),
      violation: (what) => this.observer.violation(what),
      log: (line) => this.say(line),
    });
  }

  say(line: string): void {
    this.log.push(`${((this.clock.monotonic() - 1_000) / 1_000).toFixed(1)} ${line}`);
  }

  /** Time goes on; whoever has ended is started again, and gateways ask now and then. */
  async tick(ms: number): Promise<void> {
    const end = this.clock.monotonic() + ms;
    this.latest = Math.max(this.latest, this.clock.now() + 90_000);
    do {
      await this.clock.advance(Math.max(0, Math.min(30_000, end - this.clock.monotonic())));
      await this.collectOwned();
      this.poll();
      await settle();
      for (const [index, { ended }] of this.processes.entries()) if (ended) this.restart(index);
      await settle();
      await this.observer.settled();
    } while (this.clock.monotonic() < end);
  }

  /** Somebody sets it to what it had been at most: heads of the future are refused. */
  settleClock(): void {
    this.clock.setWall(Math.max(this.clock.now(), this.latest));
  }

  poll(): void {
    const { replicas } = this;
    const leaders = this.processes.flatMap(({ leading, replica }) => (leading && replica ? [replica] : []));
    for (const gateway of this.gateways.values()) {
      const asked = replicas[Math.floor(this.#random() * replicas.length)];
      if (asked !== undefined) gateway.poll(asked, leaders.includes(asked) ? leaders : [asked, ...leaders]);
    }
  }

  async write(resource: Resource, variant: Variant, n: number): Promise<void> {
    const { namespace, name, type } = resource;
    if (namespace !== undefined && (await this.kube.get(NAMESPACE_TYPE, { name: namespace })) === undefined) {
      await this.#namespace(namespace);
    }
    const key = { name, ...(namespace !== undefined && { namespace }) };
    const object = objectOf(resource, variant, n);
    const before = await this.kube.get(type, key);
    if (before === undefined) await this.kube.create(type, object, BY_USER);
    else await this.kube.replace(type, { ...object, metadata: { ...before.metadata, ...object.metadata } }, BY_USER);
  }

  async remove(type: ResourceType, key: ObjectKey): Promise<void> {
    await this.kube.delete(type, key, BY_USER);
  }

  async removeNamespace(name: string): Promise<void> {
    for (const { type, namespace, name: own } of RESOURCES) {
      if (namespace === name) await this.remove(type, { namespace, name: own });
    }
    for (const type of [POD, CONFIG_MAP]) {
      for (const { metadata } of this.kube.all(type))
        if (metadata.namespace === name) await this.remove(type, { namespace: name, name: metadata.name });
    }
    await this.remove(NAMESPACE_TYPE, { name });
  }

  /** Somebody with rights that nobody should have. `undefined`: deleted. */
  async tamper(object: ConfigMap, change: (copy: ConfigMap) => ConfigMap | undefined): Promise<void> {
    await this.#byHand(object, change);
    await this.observer.changedByHand();
  }

  async #byHand(object: ConfigMap, change: (copy: ConfigMap) => ConfigMap | undefined): Promise<void> {
    const { namespace = '', name } = object.metadata;
    const next = change(structuredClone(object));
    if (next === undefined || next.immutable === true) await this.kube.delete(CONFIG_MAP, { namespace, name }, ADMIN);
    if (next === undefined) return;
    const { resourceVersion: _, ...metadata } = next.metadata;
    if (next.immutable === true) await this.kube.create(CONFIG_MAP, { ...next, metadata }, ADMIN);
    else await this.kube.replace(CONFIG_MAP, { ...next, metadata }, ADMIN);
  }

  configMaps(component: string): ConfigMap[] {
    return this.kube
      .all<ConfigMap>(CONFIG_MAP)
      .filter(({ metadata }) => metadata.labels?.['aegis.dev/component'] === component)
      .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  }

  async addPod(namespace: string, name: string): Promise<void> {
    const key = { namespace, name };
    if ((await this.kube.get(NAMESPACE_TYPE, { name: namespace })) === undefined) return;
    if ((await this.kube.get(POD, key)) !== undefined) {
      await this.remove(POD, key);
      this.gateways.delete(`${namespace}/${name}`);
      return;
    }
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...key, labels: { app: name } },
      spec: { serviceAccountName: name, containers: [{ name: 'agent' }, { name: 'aegis-gateway' }] },
      status: { phase: 'Running' },
    } as KubeObject;
    const { metadata } = await this.kube.create(POD, pod, BY_USER);
    const { observer, clock } = this;
    const gateway = new SimGateway(
      { ...key, uid: metadata.uid ?? '' },
      {
        now: () => clock.now(),
        violation: (what) => observer.violation(what),
        wasCommitted: (digest) => observer.committed.has(digest),
      },
    );
    this.gateways.set(`${namespace}/${name}`, gateway);
  }

  async deleteLease(): Promise<void> {
    await this.remove(LEASE, { namespace: NAMESPACE, name: 'aegis-operator' });
  }

  /** Children follow their owner, and gateways their pod. */
  async collectOwned(): Promise<void> {
    const uids = new Set(RESOURCES.flatMap(({ type }) => this.kube.all(type)).map(({ metadata }) => metadata.uid));
    for (const { metadata } of this.kube.all(CONFIG_MAP)) {
      const [owner] = metadata.ownerReferences ?? [];
      const { namespace = '', name } = metadata;
      if (owner !== undefined && !uids.has(owner.uid)) await this.remove(CONFIG_MAP, { namespace, name });
    }
    const pods = new Set(this.kube.all(POD).map(({ metadata }) => metadata.uid));
    for (const [key, { pod }] of this.gateways) if (!pods.has(pod.uid)) this.gateways.delete(key);
  }

  async close(): Promise<void> {
    for (const process of this.processes) process.kill();
    await settle();
  }

  async #namespace(name: string): Promise<void> {
    await this.kube.create(NAMESPACE_TYPE, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, BY_USER);
  }
}
