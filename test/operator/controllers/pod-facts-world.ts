/** PodFacts of one replica, with what it reads filled in by hand. */
import { AcceptedRegistrations } from '../../../operator/controllers/accepted-registrations.ts';
import { AcceptedTools } from '../../../operator/controllers/accepted-tools.ts';
import { Directory } from '../../../operator/controllers/directory.ts';
import { Documents } from '../../../operator/controllers/documents.ts';
import { PodFacts, type PodFactsOptions } from '../../../operator/controllers/pod-facts.ts';
import { Tenants } from '../../../operator/controllers/tenants.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import type { TenantIdentity } from '../../../operator/model/tenant-identity.ts';
import { INJECT_LABEL } from '../../../policy/wire/pod-contract.ts';
import { FakeClock } from '../../gateway/bundles/fake-clock.ts';
import { HandStore, PLATFORM, START, World } from '../planning/world.ts';

export class PodFactsWorld {
  readonly world = new World();
  readonly clock = new FakeClock(START);
  readonly namespaces = new HandStore();
  readonly sequences = new Map<string, number>();
  readonly registrations = new AcceptedRegistrations(this.world.intake);
  readonly tools = new AcceptedTools(this.world.intake);
  bundlesReady = true;
  knowsRegistrations = true;
  pinned: string[] = ['key-b', 'key-a'];
  readonly facts: PodFacts;
  readonly #listeners = new Set<(identity: TenantIdentity) => void>();

  constructor() {
    const { intake } = this.world;
    const { namespaces, registrations, tools, clock } = this;
    const documents = new Documents(() => ({ store: new HandStore(), stop: () => undefined }));
    const tenants = new Tenants({ intake, namespaces, documents, platformNamespace: PLATFORM });
    const directory = new Directory({ tenants, registrations, tombstones: () => [] });
    const here = this;
    const options: PodFactsOptions = {
      ...{ intake, tenants, registrations, tools, directory, namespaces, clock },
      pods: {
        get knowsRegistrations() {
          return here.knowsRegistrations;
        },
        registrationsIn: (namespace) =>
          [...registrations.values()].filter(({ metadata }) => metadata.namespace === namespace),
      },
      bundles: {
        get ready() {
          return here.bundlesReady;
        },
        tenant: (_name: string, uid = '') => {
          const sequence = here.sequences.get(uid);
          return (sequence === undefined ? undefined : { manifest: { sequence } }) as never;
        },
        subscribe: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      keys: { pinned: () => here.pinned },
      certificate: { current: () => ({ cert: '', key: '', caBundle: 'the CA' }) },
    };
    this.facts = new PodFacts(options);
    for (const name of ['shop', 'pay', PLATFORM]) this.namespace(name);
  }

  namespace(name: string, labels: Record<string, string> = { [INJECT_LABEL]: 'enabled' }): void {
    this.namespaces.set(name, { metadata: { name, uid: `ns-${name}`, labels } } as KubeObject);
  }

  registration(name: string, spec: Record<string, unknown> = {}, namespace = 'shop'): void {
    const workload = { selector: { matchLabels: { app: name } }, serviceAccountName: name };
    this.#apply('AgentRegistration', namespace, name, { owner: 'team@example.com', workload, ...spec });
  }

  /** @param upstream beside the URL. */
  tool(name: string, upstream: Record<string, unknown> = {}, namespace = 'shop', spec: Record<string, unknown> = {}) {
    const actions = [{ name: 'get', effect: 'read', match: { method: 'GET', path: '/' } }];
    const url = `https://${name}.example.com`;
    this.#apply('AgentTool', namespace, name, { protocol: 'HTTP', upstream: { url, ...upstream }, actions, ...spec });
  }

  /** The tenant's bundle moves; undefined: it is served no more. */
  commit(identity: TenantIdentity, sequence: number | undefined): void {
    if (sequence === undefined) this.sequences.delete(identity.uid);
    else this.sequences.set(identity.uid, sequence);
    for (const listener of this.#listeners) listener(identity);
  }

  toolsOf(name = 'agent') {
    return this.facts.facts('shop', name)?.registration.tools;
  }

  #apply(kind: string, namespace: string, name: string, spec: Record<string, unknown>): void {
    this.world.apply({ apiVersion: 'aegis.dev/v1alpha1', kind, metadata: { name, namespace }, spec } as never);
  }
}
