/** What is known of one resource, put together for its status at the moment when it is written. */
import { actionContracts } from '../../policy/compiler/action-contract.ts';
import type { AgentPolicy, AgentRegistration, AgentTenant, AgentTool } from '../../policy/resources/types.generated.ts';
import type { KubeObject, ResourceType } from '../kube/types.ts';
import type { Committed, StateEntry } from '../model/committed.ts';
import type { Intaken } from '../model/intaken.ts';
import { AGENT_POLICY, AGENT_REGISTRATION, AGENT_TENANT, AGENT_TOOL } from '../model/resource-types.ts';
import type { ResourceResult } from '../planning/resource-result.ts';
import { agentsInScope } from '../planning/rollouts.ts';
import type { ObservedEgress } from '../status/observed-egress.ts';
import { policyStatus } from '../status/policy-status.ts';
import { registrationStatus } from '../status/registration-status.ts';
import { tenantStatus } from '../status/tenant-status.ts';
import { toolStatus } from '../status/tool-status.ts';
import type { Missing } from '../status/views.ts';
import { type Timed, wakeAt } from '../status/wake-at.ts';
import { injectionView } from './injection-view.ts';
import type { Intake } from './intake.ts';
import type { ScopedPods } from './scoped-pods.ts';
import type { TenantRecord } from './tenant-record.ts';
import type { Tenants } from './tenants.ts';
import { hasOwnTool, usersOf } from './tool-users.ts';

export interface StatusViewsOptions {
  intake: Intake;
  tenants: Tenants;
  /** After its last pass. */
  recordOf(namespace: string): TenantRecord | undefined;
  tenantRecord(name: string): TenantRecord | undefined;
  scoped: ScopedPods;
  /** An AgentTenant that makes no tenant was never valid. */
  tenantsKnown(): boolean;
  /** Gateways may not have spoken to this leader yet: fewer than before says nothing. */
  settling(): boolean;
  /** Pods may not have been read yet, and none of them was seen for long: fewer than before says nothing either. */
  starting(): boolean;
  platformNamespace: string;
  /** undefined where the namespace is not known (yet). */
  namespaceLabels(name: string): Readonly<Record<string, string>> | undefined;
  /** `template` of the stamp that a new pod of a registration would get. */
  podTemplate?(namespace: string, registration: string): string | undefined;
  /** What left the pods of a registration (`namespace/name`) for no tool, as its gateways report it. */
  egressOf?(registrationKey: string): readonly ObservedEgress[] | undefined;
  /** ms since the epoch. */
  now(): number;
}

export interface DesiredStatus {
  type: ResourceType;
  object: KubeObject;
  status: unknown;
  wakeAt?: number;
}

/** ms after which counts of a leader before this one are looked at again. */
const LOOK_AGAIN = 30_000;

interface Counted {
  pods?: { settling?: boolean };
}

export class StatusViews {
  readonly #options: StatusViewsOptions;
  readonly #scoped: ScopedPods;
  readonly #missing = new Map<string, Missing>();

  constructor(options: StatusViewsOptions) {
    this.#options = options;
    this.#scoped = options.scoped;
  }

  /** By `Kind namespace/name`. undefined: it is gone, or was not looked at in this generation yet. */
  desired(key: string): DesiredStatus | undefined {
    const item = this.#options.intake.get(key);
    if (item === undefined) {
      this.#missing.delete(key);
      return undefined;
    }
    const { kind, object } = item;
    const { tenantsKnown } = this.#options;
    const record =
      kind === 'AgentTenant'
        ? this.#options.tenantRecord(object.metadata.name)
        : this.#options.recordOf(object.metadata.namespace ?? 'default');
    const result = record?.outcome.plan.results.get(key);
    if (kind === 'AgentTenant' && !item.valid && tenantsKnown() && !this.#speaks(item)) return this.#stranger(item);
    if (record === undefined || result === undefined || result.current.loaded !== item.loaded) return undefined;
    return this.#make(item, record, result);
  }

  #make(item: Intaken, record: TenantRecord, result: ResourceResult): DesiredStatus | undefined {
    switch (item.kind) {
      case 'AgentPolicy':
        return this.#policy(item, record, result);
      case 'AgentRegistration':
        return this.#registration(item, record, result);
      case 'AgentTool':
        return this.#tool(item, record, result);
      case 'AgentTenant':
        return this.#tenant(item, record, result);
    }
  }

  /** Some version of the AgentTenant makes a tenant. */
  #speaks({ object: { metadata } }: Intaken): boolean {
    return this.#options.tenants.tenancy.scopes.get(metadata.name)?.tenant?.metadata.uid === metadata.uid;
  }

  /** An AgentTenant that was never valid: nothing speaks for it but what is wrong with it. */
  #stranger(item: Intaken): DesiredStatus {
    const view = {
      generation: item.object.metadata.generation ?? 0,
      findings: item.findings,
      takesPart: 'none' as const,
      namespaces: [],
      agents: 0,
      policies: 0,
      pending: true,
      frozen: false,
      deleting: item.deleting,
    };
    const previous = (item.object as unknown as AgentTenant).status;
    return this.#desired(AGENT_TENANT, item, tenantStatus(view, previous, this.#options.now()), {});
  }

  #policy(item: Intaken, record: TenantRecord, result: ResourceResult): DesiredStatus {
    const policy = item.loaded.object as AgentPolicy;
    const previous = (item.object as unknown as AgentPolicy).status;
    const entry = committedEntry(record, item.key);
    const published = publishedAs(record, entry, item);
    const agents = agentsInScope(policy, this.#scoped.agents(record));
    const view = {
      ...this.#common(item, record, result),
      suspended: policy.spec.suspend === true,
      targetStage: result.plan?.targetStage ?? ('Enforce' as const),
      ...rolloutOf(result, record.problem === undefined ? record.outcome.plan.entries.get(item.key) : entry),
      ...(published !== undefined && { published }),
      pods: this.#settled(this.#scoped.count(record, agents, sequenceOf(entry)), previous?.agents),
      deleting: item.deleting,
    };
    return this.#desired(AGENT_POLICY, item, policyStatus(view, previous, this.#options.now()), view);
  }

  #registration(item: Intaken, record: TenantRecord, result: ResourceResult): DesiredStatus {
    const registration = item.loaded.object as AgentRegistration;
    const { spec, metadata } = registration;
    const previous = (item.object as unknown as AgentRegistration).status;
    const entry = committedEntry(record, item.key);
    const published = publishedAs(record, entry, item);
    const namespace = metadata.namespace ?? 'default';
    const storeKey = `${namespace}/${metadata.name}`;
    const pods = this.#scoped.ofRegistration(record, storeKey, sequenceOf(entry));
    const known = {
      pods,
      labels: this.#options.namespaceLabels(namespace),
      template: this.#options.podTemplate?.(namespace, metadata.name),
      egress: this.#options.egressOf?.(storeKey),
      settling: this.#options.settling(),
    };
    const view = {
      ...this.#common(item, record, result),
      ...conflictOf(result),
      agentId: spec.agentId ?? metadata.name,
      tenant: record.scope.identity.name,
      ...(published !== undefined && {
        published: { sequence: published.sequence },
        configMapName: `aegis-bootstrap-${metadata.name}`,
      }),
      pods: this.#settled(pods.counts, previous?.pods),
      suspended: spec.suspended === true,
      ...injectionView(registration, known),
    };
    return this.#desired(AGENT_REGISTRATION, item, registrationStatus(view, previous, this.#options.now()), view);
  }

  #tool(item: Intaken, record: TenantRecord, result: ResourceResult): DesiredStatus | undefined {
    const tool = item.loaded.object as AgentTool;
    const { metadata, spec } = tool;
    const entry = committedEntry(record, item.key);
    const shared = metadata.namespace === this.#options.platformNamespace;
    const toolId = spec.toolId ?? metadata.name;
    const usedBy = this.#usedBy(record, toolId, shared);
    if (usedBy === undefined) return undefined;
    const view = {
      ...this.#common(item, record, result),
      ...conflictOf(result),
      toolId,
      ...(!shared && { tenant: record.scope.identity.name }),
      actions: item.valid ? actionContracts(tool).size : (spec.actions ?? []).length,
      published: publishedAs(record, entry, item) !== undefined,
      usedBy,
    };
    const previous = (item.object as unknown as AgentTool).status;
    return this.#desired(AGENT_TOOL, item, toolStatus(view, previous, this.#options.now()), view);
  }

  #tenant(item: Intaken, record: TenantRecord, result: ResourceResult): DesiredStatus {
    const { committed, plan } = record.outcome;
    const conflict = this.#options.tenants.tenancy.conflicts.get(item.object.metadata.name);
    const view = {
      ...this.#common(item, record, result),
      namespaces: record.scope.namespaces,
      agents: plan.agents,
      policies: plan.policies,
      ...(publishedAs(record, committedEntry(record, item.key), item) === undefined && { pending: true }),
      frozen: committed !== undefined && committed.manifest.freeze.mode !== 'None',
      ...(committed !== undefined && { bundle: bundleOf(committed) }),
      ...(conflict !== undefined && { conflict }),
      deleting: item.deleting,
    };
    const previous = (item.object as unknown as AgentTenant).status;
    return this.#desired(AGENT_TENANT, item, tenantStatus(view, previous, this.#options.now()), {});
  }

  #settled<T extends { matched: number; acknowledged: number }>(
    counts: T,
    before: { matched?: number; acknowledged?: number } | undefined,
  ): T & { settling?: boolean } {
    const fewer = counts.acknowledged < (before?.acknowledged ?? 0);
    const { settling, starting } = this.#options;
    const unseen = counts.matched < (before?.matched ?? 0) && starting();
    return unseen || (fewer && settling()) ? { ...counts, settling: true } : counts;
  }

  #common(item: Intaken, record: TenantRecord, result: ResourceResult) {
    const missing = this.#missingOf(item, result);
    const { findings, takesPart } = result;
    return {
      generation: item.object.metadata.generation ?? 0,
      findings,
      takesPart,
      ...(record.problem !== undefined && { problem: record.problem }),
      ...(missing !== undefined && { missing }),
    };
  }

  #missingOf({ key, object }: Intaken, { missing }: ResourceResult): Missing | undefined {
    const [first] = missing;
    if (first === undefined) {
      this.#missing.delete(key);
      return undefined;
    }
    const more = missing.length > 1 ? ` (and ${missing.length - 1} more)` : '';
    const known = this.#missing.get(key);
    const now = this.#options.now();
    // a clock that was set back must not make it last longer
    const since = Math.min(known?.since ?? toldSince(object) ?? now, now);
    const next = { since, what: `${first.message}${more}` };
    this.#missing.set(key, next);
    return next;
  }

  /** Registrations that name it, of everybody without a tool of his own by this id; undefined: not all are known yet. */
  #usedBy(record: TenantRecord, toolId: string, shared: boolean): number | undefined {
    if (!shared) return usersOf(record, toolId);
    let used = 0;
    for (const { identity } of this.#options.tenants.populated()) {
      const each = this.#options.tenantRecord(identity.name);
      if (each === undefined) return undefined;
      if (each === record || !hasOwnTool(each, toolId)) used += usersOf(each, toolId);
    }
    return used;
  }

  #desired(type: ResourceType, item: Intaken, status: unknown, view: Timed & Counted): DesiredStatus {
    const { now } = this.#options;
    const soon = view.pods?.settling === true ? now() + LOOK_AGAIN : undefined;
    const at = Math.min(...[wakeAt(view, now()), soon].filter((each) => each !== undefined));
    return { type, object: item.object, status, ...(Number.isFinite(at) && { wakeAt: at }) };
  }
}

function committedEntry({ outcome }: TenantRecord, key: string): StateEntry | undefined {
  return outcome.committed?.entries.get(key);
}

/** What is committed, or about to be; with the counts of the gate, which never are. */
function rolloutOf({ plan }: ResourceResult, planned: StateEntry | undefined) {
  const { rollout } = planned ?? {};
  if (rollout === undefined) return {};
  const same = plan?.state.revision === rollout.revision && plan.state.stageEnteredAt === rollout.stageEnteredAt;
  return { rollout: same ? plan.state : rollout, ...(plan !== undefined && { wait: plan.wait }) };
}

/** Only a commit that holds this very generation counts. */
function publishedAs({ outcome: { committed } }: TenantRecord, entry: StateEntry | undefined, item: Intaken) {
  const { uid, generation } = item.object.metadata;
  if (committed === undefined || entry === undefined || entry.tombstone !== undefined) return undefined;
  if (entry.uid !== uid || entry.generation !== generation) return undefined;
  const { manifest, digest, configMapName } = committed;
  return { sequence: entry.sequence, digest, keyId: manifest.keyId, configMapName, expiresAt: manifest.expiresAt };
}

/** First sequence in which it takes part as it does now; none that anybody could hold where it never did. */
function sequenceOf(entry: StateEntry | undefined): number {
  return entry === undefined ? Number.MAX_SAFE_INTEGER : entry.sequence;
}

/** Since when a leader before this one has said of this generation that something is missing, ms since the epoch. */
function toldSince({ metadata, ...rest }: KubeObject): number | undefined {
  const { status } = rest as Pick<AgentPolicy, 'status'>;
  if (status?.observedGeneration !== metadata.generation) return undefined;
  const told = status?.conditions?.find(({ type }) => type === 'Accepted');
  if (told?.status !== 'False') return undefined;
  const since = Date.parse(told.lastTransitionTime);
  return Number.isNaN(since) ? undefined : since;
}

function bundleOf({ manifest, digest }: Committed) {
  const { sequence, keyId, issuedAt, expiresAt } = manifest;
  return { digest, sequence, keyId, issuedAt, expiresAt };
}

function conflictOf({ findings }: ResourceResult): { conflict?: string } {
  const found = findings.find(({ code }) => code === 'AEGIS_DUPLICATE_ID');
  return found === undefined ? {} : { conflict: found.message };
}
