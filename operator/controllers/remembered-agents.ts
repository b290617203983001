/**
 * What the state entries of a commit say of what no current object speaks for: registrations that were deleted, and last
 * good versions of what is invalid now. The leader knows registrations by itself; a replica that follows reads them, and
 * only where a bundle has an agent that it cannot tell by what there is, or where a tool is invalid.
 */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { AgentTenant } from '../../policy/resources/types.generated.ts';
import { errorName, type Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { CommittedBundles } from '../bundles/committed-bundles.ts';
import { headName } from '../bundles/head-config-map.ts';
import { type ReadCommit, readCommit } from '../bundles/read-commit.ts';
import { ShardStore } from '../bundles/shard-store.ts';
import type { SigningKeys } from '../bundles/signing-keys.ts';
import type { ConfigMap } from '../bundles/trusted-keys.ts';
import type { KubeClient } from '../kube/types.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import { CONFIG_MAP } from '../model/resource-types.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { AcceptedRegistrations, RegistrationObject } from './accepted-registrations.ts';
import type { AcceptedTools, ToolObject } from './accepted-tools.ts';
import type { Intake } from './intake.ts';
import type { Tenants } from './tenants.ts';
import type { TombstoneBook } from './tombstone-book.ts';

export interface RememberedAgentsOptions {
  client: KubeClient;
  namespace: string;
  clock: Clock;
  random(): number;
  crypto: CryptoProvider;
  keys: Pick<SigningKeys, 'storedRing'>;
  bundles: Pick<CommittedBundles, 'ready' | 'tenant' | 'values' | 'subscribe'>;
  intake: Intake;
  tenants: Tenants;
  registrations: AcceptedRegistrations;
  tools: AcceptedTools;
  tombstones: TombstoneBook;
  log: Logger;
}

const WORKERS = 1;
/** ms between looks until everything has been read once. */
const LOOK = 100;
/** ms for the commit that a deletion brings about: the leader, told of it directly, knows without reading. */
const SETTLE = 250;

export class RememberedAgents {
  readonly #options: RememberedAgentsOptions;
  readonly #store: ShardStore;
  readonly #queue: WorkQueue;
  /** Entity tag of the head that was looked behind last, by tenant: it says no more the next time. */
  readonly #read = new Map<string, string>();

  constructor(options: RememberedAgentsOptions) {
    this.#options = options;
    this.#store = new ShardStore(options);
    this.#queue = new WorkQueue(options);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { bundles, intake, tenants, clock, log } = this.#options;
    while (!(tenants.synced && bundles.ready) && !signal.aborted) await clock.sleep(LOOK, signal);
    const all = (): void => {
      for (const { identity } of bundles.values()) this.#look(identity);
    };
    const ends = [
      bundles.subscribe((identity) => this.#look(identity)),
      intake.subscribe((now, before) => {
        const item = now ?? before;
        if (now?.valid === true && !now.deleting) return;
        if (item?.kind === 'AgentTenant') {
          // as with tools: the version that this replica took for the last good one may never have been committed
          const { name, uid = '' } = item.object.metadata;
          this.#read.delete(JSON.stringify({ name, uid }));
          all();
        }
        const named = item?.kind === 'AgentRegistration' || item?.kind === 'AgentTool';
        const owner = named && tenants.scopeOf(item.object.metadata.namespace ?? 'default');
        if (!owner) return;
        const { name, uid } = owner.identity;
        if (item.kind === 'AgentTool') this.#read.delete(JSON.stringify({ name, uid }));
        this.#look(owner.identity);
      }),
    ];
    all();
    const onError = (key: string, error: unknown): void =>
      log.warn('entries.unread', { tenant: identityOf(key).name, error: errorName(error) });
    const handler = (key: string) => this.#handle(identityOf(key));
    await this.#queue.run({ workers: WORKERS, handler, onError }, signal);
    for (const end of ends) end();
  }

  #look({ name, uid }: TenantIdentity): void {
    this.#queue.addAfter(JSON.stringify([name, uid]), SETTLE);
  }

  async #handle(identity: TenantIdentity): Promise<undefined> {
    const { bundles, registrations, tenants, tools, tombstones } = this.#options;
    const bundle = bundles.tenant(identity.name, identity.uid);
    if (bundle === undefined || !this.#isPuzzled(identity, bundle.agents)) return;
    const key = JSON.stringify(identity);
    if (this.#read.get(key) === bundle.etag) return;
    const commit = await this.#commit(identity);
    if (commit === undefined) return;
    this.#read.set(key, bundle.etag);
    tombstones.update(identity, commit.entries);
    const owned = new Set(tenants.scope(identity)?.namespaces);
    const owns = ({ metadata }: ToolObject): boolean => owned.has(metadata.namespace ?? 'default');
    for (const [name, { accepted, tombstone }] of commit.entries) {
      if (tombstone !== undefined) continue;
      if (name.startsWith('AgentRegistration ')) registrations.seed(accepted as RegistrationObject);
      // what a tenant has of the platform's is not what the platform's own commit says
      if (name.startsWith('AgentTool ') && owns(accepted as ToolObject)) tools.seed(name, accepted as ToolObject);
      if (name.startsWith('AgentTenant ')) tenants.seed(accepted as AgentTenant);
    }
  }

  /** An agent of the bundle that is neither registered nor known to be refused, or a tenant or tool in doubt. */
  #isPuzzled(identity: TenantIdentity, agents: ReadonlySet<string>): boolean {
    const { registrations, tenants, tools, tombstones } = this.#options;
    if (tenants.isInDoubt(identity)) return true;
    const own = new Set(tenants.scope(identity)?.namespaces ?? []);
    if (tools.inDoubt(own)) return true;
    const refused = tombstones.agentsOf(identity);
    for (const agent of agents) {
      if (refused.has(agent)) continue;
      const claims = [...registrations.claiming(agent)];
      if (!claims.some(({ metadata }) => own.has(metadata.namespace ?? 'default'))) return true;
    }
    return false;
  }

  async #commit(identity: TenantIdentity): Promise<ReadCommit | undefined> {
    const { client, namespace, crypto, keys } = this.#options;
    const name = headName(identity, crypto);
    const stored = await client.get<ConfigMap>(CONFIG_MAP, { namespace, name });
    return stored && readCommit(stored, identity, { keys, crypto, store: this.#store });
  }
}

function identityOf(key: string): TenantIdentity {
  const [name, uid] = JSON.parse(key) as [string, string];
  return { name, uid };
}
