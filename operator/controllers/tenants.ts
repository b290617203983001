import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { AgentTenant, AgentTool } from '../../policy/resources/types.generated.ts';
import type { KubeObject, Store } from '../kube/types.ts';
import type { Intaken } from '../model/intaken.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import { type Tenancy, type TenantScope, tenancyOf } from '../planning/tenancy.ts';
import type { Documents } from './documents.ts';
import type { Intake } from './intake.ts';

export interface TenantsOptions {
  intake: Intake;
  namespaces: Store<KubeObject>;
  documents: Documents;
  /** Its policies and tools are everybody's. */
  platformNamespace: string;
}

/** What one tenant is made of now. */
export interface TenantParts {
  tenant?: Intaken;
  own: readonly Intaken[];
  platform: readonly Intaken[];
  documents: readonly KubeObject[];
}

export type TenantListener = (changed: TenantIdentity) => void;

/** Every tenant of the cluster and what belongs to it, on every replica; tells which ones a change may concern. */
export class Tenants {
  readonly #options: TenantsOptions;
  readonly #listeners = new Set<TenantListener>();
  /** Last valid version of every AgentTenant, by key. */
  readonly #valid = new Map<string, AgentTenant>();
  #tenancy: Tenancy | undefined;

  constructor(options: TenantsOptions) {
    this.#options = options;
    const { intake, namespaces, documents } = options;
    for (const item of intake.values()) this.#remember(item);
    intake.subscribe((now, before) => this.#changed(now, before));
    namespaces.subscribe((_name, now, before) => {
      if (now?.metadata.uid === before?.metadata.uid) return;
      this.#reshape();
    });
    documents.subscribe((namespace) => this.#tellNamespace(namespace));
  }

  /** Everything has been read but the documents of tools; nothing may be concluded from absence before. */
  get synced(): boolean {
    const { intake, namespaces } = this.#options;
    return intake.synced && namespaces.synced;
  }

  /** The documents that tools of the tenant name have been read as well: whoever names more of them holds up no other. */
  knowsDocumentsOf({ namespaces }: TenantScope): boolean {
    return this.#options.documents.knows(new Set([...namespaces, this.#options.platformNamespace]));
  }

  get tenancy(): Tenancy {
    if (this.#tenancy === undefined) {
      const uids = new Map<string, string>();
      for (const { metadata } of this.#options.namespaces.values()) uids.set(metadata.name, metadata.uid ?? '');
      this.#tenancy = tenancyOf({ tenants: [...this.#valid.values()], namespaces: uids });
    }
    return this.#tenancy;
  }

  scopeOf(namespace: string): TenantScope | undefined {
    const { ownerOf, scopes } = this.tenancy;
    const owner = ownerOf.get(namespace);
    return owner === undefined ? undefined : scopes.get(owner);
  }

  /** Exactly this one, not another of the same name. */
  scope({ name, uid }: TenantIdentity): TenantScope | undefined {
    const scope = this.tenancy.scopes.get(name);
    return scope?.identity.uid === uid ? scope : undefined;
  }

  /** Tenants that have any resource, or an AgentTenant. Most namespaces of a cluster have neither. */
  *populated(): Iterable<TenantScope> {
    const names = new Set<string>();
    for (const namespace of this.#options.intake.namespaces()) {
      const owner = this.tenancy.ownerOf.get(namespace);
      if (owner !== undefined) names.add(owner);
    }
    for (const [name, { tenant }] of this.tenancy.scopes) if (tenant !== undefined) names.add(name);
    for (const name of names) yield this.tenancy.scopes.get(name) as TenantScope;
  }

  /** Whose policies and tools hold for the tenant beside its own. */
  platformOf({ namespaces }: TenantScope): readonly string[] {
    const { platformNamespace } = this.#options;
    return namespaces.includes(platformNamespace) ? [] : [platformNamespace];
  }

  parts(scope: TenantScope): TenantParts {
    const { identity, namespaces, tenant } = scope;
    const { intake, documents, platformNamespace } = this.#options;
    const own = namespaces.flatMap((namespace) => [...intake.inNamespace(namespace)]);
    const shared = this.platformOf(scope).flatMap((namespace) => [...intake.inNamespace(namespace)]);
    const current = tenant === undefined ? undefined : intake.get(`AgentTenant ${identity.name}`);
    return {
      ...(current !== undefined && { tenant: current }),
      own,
      platform: shared.filter(({ kind }) => kind === 'AgentPolicy' || kind === 'AgentTool'),
      documents: [...new Set([...namespaces, platformNamespace])].flatMap((name) => documents.inNamespace(name)),
    };
  }

  /** Its AgentTenant is there and invalid: the version that was committed last says what belongs to it. */
  isInDoubt({ name, uid }: TenantIdentity): boolean {
    const current = this.#options.intake.get(`AgentTenant ${name}`);
    return current?.object.metadata.uid === uid && !current.deleting && !current.valid;
  }

  inDoubt(): TenantIdentity[] {
    const all = this.#options.intake.tenants().map(({ object: { metadata } }) => metadata);
    return all.map(({ name, uid = '' }) => ({ name, uid })).filter((identity) => this.isInDoubt(identity));
  }

  /**
   * The version that was committed last: it counts until the current one is valid, whatever this replica has seen, or
   * missed, of others.
   * @param last false: an older commit says so, which counts where nothing else is known.
   */
  seed(tenant: AgentTenant, last = true): void {
    const { name, uid = '', generation } = tenant.metadata;
    if (!this.isInDoubt({ name, uid })) return;
    const key = `AgentTenant ${name}`;
    const known = this.#valid.get(key);
    if (known !== undefined && (!last || known.metadata.generation === generation)) return;
    this.#valid.set(key, tenant);
    this.#reshape();
  }

  /** Valid AgentTenants. */
  allTenants(): readonly LoadedResource[] {
    return this.#options.intake.tenants().flatMap(({ valid, loaded }) => (valid ? [loaded] : []));
  }

  subscribe(listener: TenantListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #remember(item: Intaken): void {
    if (item.kind === 'AgentTenant' && item.valid) this.#valid.set(item.key, item.loaded.object as AgentTenant);
    if (item.kind === 'AgentTool') this.#options.documents.update(item.key, item.loaded.object as AgentTool);
  }

  #changed(now: Intaken | undefined, before: Intaken | undefined): void {
    const item = now ?? before;
    if (item === undefined) return;
    if (now !== undefined) this.#remember(now);
    else if (item.kind === 'AgentTool') this.#options.documents.update(item.key, undefined);
    if (item.kind === 'AgentTenant') {
      const gone = now === undefined || now.deleting || now.object.metadata.uid !== before?.object.metadata.uid;
      if (gone && (now === undefined || now.deleting || !now.valid)) this.#valid.delete(item.key);
      this.#reshape();
      // of a version that changes nothing there is something to say as well
      const scope = this.tenancy.scopes.get(item.object.metadata.name);
      if (scope?.tenant !== undefined) this.#tell(scope.identity);
      return;
    }
    this.#tellNamespace(item.object.metadata.namespace ?? 'default');
  }

  /** Who owns what may have changed: whoever was there before, or is now, is told. */
  #reshape(): void {
    const before = this.#tenancy;
    this.#tenancy = undefined;
    if (this.#listeners.size === 0) return;
    const identities = new Map<string, TenantIdentity>();
    for (const tenancy of [before, this.tenancy]) {
      for (const [name, { identity, namespaces, tenant }] of tenancy?.scopes ?? []) {
        const other = (tenancy === before ? this.tenancy : before)?.scopes.get(name);
        const same = other?.identity.uid === identity.uid && other.tenant === tenant;
        if (!same || other.namespaces.join() !== namespaces.join()) identities.set(`${name} ${identity.uid}`, identity);
      }
    }
    for (const identity of identities.values()) this.#tell(identity);
  }

  #tellNamespace(namespace: string): void {
    if (namespace === this.#options.platformNamespace) {
      for (const { identity } of this.populated()) this.#tell(identity);
    }
    // also where its last resource has gone, and nothing of it is left
    const scope = this.scopeOf(namespace);
    if (scope !== undefined) this.#tell(scope.identity);
  }

  #tell(identity: TenantIdentity): void {
    for (const listener of this.#listeners) listener(identity);
  }
}
