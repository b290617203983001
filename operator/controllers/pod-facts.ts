import { toolIdOf } from '../../policy/compiler/action-contract.ts';
import type { AgentRegistration, AgentTool } from '../../policy/resources/types.generated.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { CommittedBundles } from '../bundles/committed-bundles.ts';
import type { CertificateSource } from '../certificates/certificate-source.ts';
import type { InjectionFacts, NamespaceFacts, ToolFacts } from '../injection/types.ts';
import type { KubeObject, Store } from '../kube/types.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { RegistrationLike } from '../workloads/match-pods.ts';
import { namespaceFacts } from '../workloads/namespace-facts.ts';
import type { PodIndex } from '../workloads/pod-index.ts';
import type { AcceptedRegistrations } from './accepted-registrations.ts';
import type { AcceptedTools } from './accepted-tools.ts';
import { comesBefore, type Directory } from './directory.ts';
import type { Intake } from './intake.ts';
import type { Tenants } from './tenants.ts';

export interface PodFactsOptions {
  intake: Intake;
  tenants: Tenants;
  registrations: AcceptedRegistrations;
  tools: AcceptedTools;
  directory: Directory;
  namespaces: Store<KubeObject>;
  pods: Pick<PodIndex, 'registrationsIn' | 'knowsRegistrations'>;
  bundles: Pick<CommittedBundles, 'ready' | 'tenant' | 'subscribe'>;
  keys: { pinned(): readonly string[] };
  certificate: Pick<CertificateSource, 'current'>;
  clock: Clock;
}

/** ms for which a pod may be on its way between two calls of the webhook: 30 s is all that the API server gives them. */
const ON_ITS_WAY = 60_000;

/** What a pod that is being admitted has to know of its agent, from what this replica has read. */
export class PodFacts {
  readonly #options: PodFactsOptions;
  /** Sequences that were committed a moment ago, by uid of the tenant: lowest first. */
  readonly #recent = new Map<string, { sequence: number; until: number }[]>();
  readonly #current = new Map<string, number>();

  constructor(options: PodFactsOptions) {
    this.#options = options;
    options.bundles.subscribe((identity) => this.#moved(identity));
  }

  /** Everything has been read: absence means that there is none. */
  get ready(): boolean {
    const { directory, bundles, pods } = this.#options;
    return directory.ready && bundles.ready && pods.knowsRegistrations;
  }

  /** Undefined where the namespace is too new to be known. */
  namespace(name: string): NamespaceFacts | undefined {
    const namespace = this.#options.namespaces.get(name);
    return namespace && namespaceFacts(namespace);
  }

  /** In the versions that count. */
  registrations(namespace: string): readonly RegistrationLike[] {
    return [...this.#options.pods.registrationsIn(namespace)];
  }

  /** Of which no version was ever valid, as far as they say which pods they are about. */
  unusable(namespace: string): readonly RegistrationLike[] {
    const { intake, registrations } = this.#options;
    const found: RegistrationLike[] = [];
    for (const { kind, object } of intake.inNamespace(namespace)) {
      if (kind !== 'AgentRegistration') continue;
      if (registrations.get(`${namespace}/${object.metadata.name}`) === undefined && hasWorkload(object)) {
        found.push(object);
      }
    }
    return found;
  }

  /** Events are about this object. */
  registration(namespace: string, name: string): KubeObject | undefined {
    return this.#options.registrations.get(`${namespace}/${name}`);
  }

  /** Undefined where its agent id is another registration's. */
  facts(namespace: string, name: string): InjectionFacts | undefined {
    const { directory, registrations, bundles, keys, certificate } = this.#options;
    const key = `${namespace}/${name}`;
    const registration = registrations.get(key);
    const agent = directory.registration(key);
    if (registration === undefined || agent === undefined) return undefined;
    const { name: tenant, uid } = agent.tenant;
    const { spec } = registration;
    return {
      registration: {
        name,
        namespace,
        agentId: agent.agentId,
        egressGuard: spec.egressGuard ?? 'Off',
        egressAllow: spec.egress?.allow ?? [],
        tools: this.#tools(registration, agent.tenant),
      },
      tenant: { name: tenant, uid },
      pinnedKeys: [...keys.pinned()].sort(),
      caPem: certificate.current().caBundle,
      minSequence: bundles.tenant(tenant, uid)?.manifest.sequence ?? 1,
    };
  }

  /** What a pod may have been rendered from that is checked now: the newest first. */
  expected(namespace: string, name: string): readonly InjectionFacts[] {
    const facts = this.facts(namespace, name);
    if (facts === undefined) return [];
    const now = this.#options.clock.monotonic();
    const lowest = this.#recent.get(facts.tenant.uid)?.find(({ until }) => until > now)?.sequence;
    return lowest === undefined || lowest >= facts.minSequence ? [facts] : [facts, { ...facts, minSequence: lowest }];
  }

  #moved({ name, uid }: TenantIdentity): void {
    const { bundles, clock } = this.#options;
    const now = clock.monotonic();
    const before = this.#current.get(uid) ?? 1;
    const sequence = bundles.tenant(name, uid)?.manifest.sequence;
    if (sequence === undefined) {
      this.#current.delete(uid);
      this.#recent.delete(uid);
      return;
    }
    if (sequence === before) return;
    this.#current.set(uid, sequence);
    const kept = (this.#recent.get(uid) ?? []).filter(({ until }) => until > now);
    this.#recent.set(uid, [...kept, { sequence: before, until: now + ON_ITS_WAY }]);
  }

  #tools({ spec }: AgentRegistration, tenant: TenantIdentity): ToolFacts[] {
    const { tenants, tools } = this.#options;
    const scope = tenants.scope(tenant);
    const namespaces = scope === undefined ? [] : [tenants.platformOf(scope), scope.namespaces];
    const known = new Map<string, AgentTool>();
    // a tenant cannot redefine what the platform has; of two of the same id the older one counts
    for (const names of namespaces) {
      const found = names.flatMap((name) => [...tools.inNamespace(name)]).sort((a, b) => (comesBefore(a, b) ? -1 : 1));
      for (const tool of found) if (!known.has(toolIdOf(tool))) known.set(toolIdOf(tool), tool);
    }
    const ids = [...new Set((spec.tools ?? []).map(({ toolId }) => toolId))].sort();
    return ids.map((toolId) => toolFacts(toolId, known.get(toolId)));
  }
}

function toolFacts(toolId: string, tool: AgentTool | undefined): ToolFacts {
  const { credentialRef, tls } = tool?.spec.upstream ?? {};
  const caRef = tls?.caRef;
  return {
    toolId,
    ...(credentialRef && { credential: { secret: credentialRef.name, key: credentialRef.key ?? 'token' } }),
    ...(caRef && { ca: { kind: caRef.kind ?? 'ConfigMap', name: caRef.name, key: caRef.key ?? 'ca.crt' } }),
  };
}

function hasWorkload(object: KubeObject): object is RegistrationLike {
  const { workload } = (object as { spec?: { workload?: unknown } }).spec ?? {};
  const { selector, serviceAccountName } = (workload ?? {}) as { selector?: unknown; serviceAccountName?: unknown };
  return typeof selector === 'object' && selector !== null && typeof serviceAccountName === 'string';
}
