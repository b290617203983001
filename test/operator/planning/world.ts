/** Resources as the API server would have them, and one tenant planned over and over as the leader does. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Intake } from '../../../operator/controllers/intake.ts';
import type { KubeObject, Store } from '../../../operator/kube/types.ts';
import type { StateEntries } from '../../../operator/model/committed.ts';
import type { EvidenceQuestion } from '../../../operator/model/evidence-question.ts';
import { numbered } from '../../../operator/planning/entries.ts';
import { type TenantPlan, TenantPlanner } from '../../../operator/planning/plan-tenant.ts';
import { type TenantScope, tenancyOf } from '../../../operator/planning/tenancy.ts';
import type { Resource } from '../../../policy/resources/resource.ts';
import type { AgentTenant } from '../../../policy/resources/types.generated.ts';
import type { Evidence } from '../../../policy/rollout/evidence.ts';
import { NO_EVIDENCE } from '../../../policy/rollout/evidence.ts';
import { loadSource } from '../../../policy/source/load-json.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';

const root = join(__dirname, '..', '..', '..');
export const PLATFORM = 'aegis-system';
export const START = Date.parse('2026-11-22T08:00:00Z');

type Listener = (key: string, now: KubeObject | undefined, before: KubeObject | undefined) => void;

/** A store that a test fills by hand. */
export class HandStore implements Store<KubeObject> {
  synced = true;
  readonly #objects = new Map<string, KubeObject>();
  readonly #listeners = new Set<Listener>();

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): KubeObject | undefined {
    return this.#objects.get(key);
  }

  values(): Iterable<KubeObject> {
    return this.#objects.values();
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  set(key: string, object: KubeObject | undefined): void {
    const before = this.#objects.get(key);
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    for (const listener of this.#listeners) listener(key, object, before);
  }
}

/** Resources of the sample, as parsed. */
export function sampleObjects(name: string): Resource[] {
  const folder = join(root, 'config/samples', name);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .flatMap((file) => loadSource(readFileSync(join(folder, file), 'utf8'), file).resources)
    .map(({ object }) => JSON.parse(JSON.stringify(object)) as Resource)
    .filter(({ kind }) => kind !== 'TestSuite');
}

let uids = 0;

/** A cluster with the kinds of Aegis and nothing else: gives uids, counts generations. */
export class World {
  readonly stores = {
    AgentPolicy: new HandStore(),
    AgentRegistration: new HandStore(),
    AgentTool: new HandStore(),
    AgentTenant: new HandStore(),
  };
  readonly intake = new Intake(this.stores);
  now = START;
  evidence: (question: EvidenceQuestion) => Evidence = () => NO_EVIDENCE;
  planner = this.#newPlanner();
  entries: StateEntries = new Map();
  sequence = 0;

  #newPlanner(): TenantPlanner {
    const digest = (text: string): string => Buffer.from(nodeCrypto.sha256(Buffer.from(text))).toString('hex');
    return new TenantPlanner({ digest, platformNamespace: PLATFORM });
  }

  apply(object: Resource): void {
    const { kind, metadata } = object;
    const store = this.stores[kind as keyof typeof this.stores];
    const key = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
    const before = store.get(key);
    const same =
      before !== undefined && JSON.stringify((before as unknown as Resource).spec) === JSON.stringify(object.spec);
    const meta = before?.metadata ?? { uid: `uid-${++uids}`, creationTimestamp: new Date(this.now).toISOString() };
    const generation = (before?.metadata.generation ?? 0) + (same ? 0 : 1);
    store.set(key, { ...object, metadata: { ...metadata, ...meta, generation } } as KubeObject);
  }

  edit(kind: keyof World['stores'], key: string, change: (spec: never) => unknown): void {
    const object = JSON.parse(JSON.stringify(this.stores[kind].get(key))) as Resource;
    change(object.spec as never);
    this.apply(object);
  }

  delete(kind: keyof World['stores'], key: string): void {
    this.stores[kind].set(key, undefined);
  }

  scope(namespace: string): TenantScope {
    const tenants = [...this.stores.AgentTenant.values()] as unknown as AgentTenant[];
    const names = [...this.intake.namespaces(), namespace, PLATFORM];
    const { scopes, ownerOf } = tenancyOf({ tenants, namespaces: new Map(names.map((name) => [name, `ns-${name}`])) });
    return scopes.get(ownerOf.get(namespace) ?? namespace) as TenantScope;
  }

  /** One pass without committing it. */
  plan(namespace = 'fintech', platformEntries?: StateEntries): TenantPlan {
    const scope = this.scope(namespace);
    const tenant = this.intake.get(`AgentTenant ${scope.identity.name}`);
    const shared = scope.namespaces.includes(PLATFORM) ? [] : [...this.intake.inNamespace(PLATFORM)];
    return this.planner.plan({
      scope,
      ...(tenant !== undefined && { tenant }),
      own: scope.namespaces.flatMap((name) => [...this.intake.inNamespace(name)]),
      platform: shared.filter(({ kind }) => kind === 'AgentPolicy' || kind === 'AgentTool'),
      documents: [],
      entries: this.entries,
      ...(platformEntries !== undefined && { platformEntries }),
      evidence: this.evidence,
      now: this.now,
      maxStaleness: 72 * 3_600_000,
    });
  }

  /** One pass, committed. */
  pass(namespace = 'fintech'): TenantPlan {
    const plan = this.plan(namespace);
    if (plan.held.length === 0) this.entries = numbered(plan.entries, ++this.sequence);
    return plan;
  }

  /** A new leader: nothing in memory, entries as they come out of the store. */
  restart(): void {
    this.planner = this.#newPlanner();
    this.entries = new Map(JSON.parse(JSON.stringify([...this.entries])));
  }
}

export function textOf(bytes: Uint8Array | undefined): string {
  return bytes === undefined ? '' : Buffer.from(bytes).toString('utf8');
}
