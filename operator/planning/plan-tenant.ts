/**
 * One tenant, from resources as they are now and what was committed before, to what should be in force: compiled
 * content, entries to commit, and per resource what there is to say of it. Pure but for what the compiler remembers.
 */
import type { Compilation, CompiledTenant } from '../../policy/compiler/compile.ts';
import { compile } from '../../policy/compiler/compile.ts';
import { CompileCache } from '../../policy/compiler/compile-cache.ts';
import type { CompileOptions } from '../../policy/compiler/compile-options.ts';
import { agentIdOf, sortResources } from '../../policy/compiler/tenant-resources.ts';
import type { Finding } from '../../policy/errors.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { AgentPolicy, AgentRegistration, AgentTenant, AgentTool } from '../../policy/resources/types.generated.ts';
import type { Evidence } from '../../policy/rollout/evidence.ts';
import type { RolloutState } from '../../policy/rollout/rollout-state.ts';
import type { KubeObject } from '../kube/types.ts';
import type { StateEntries, StateEntry } from '../model/committed.ts';
import type { EvidenceQuestion } from '../model/evidence-question.ts';
import type { Intaken } from '../model/intaken.ts';
import { loadedObject } from '../model/loaded-object.ts';
import { Acceptance, type Choice } from './acceptance.ts';
import { closedTools } from './closed-tools.ts';
import { enforcedPairs, everEnforcedPairs } from './enforced-pairs.ts';
import { nextEntries } from './entries.ts';
import type { ResourceResult } from './resource-result.ts';
import { type PlannedPolicy, type PolicyPlan, planRollouts, RolloutMemory } from './rollouts.ts';
import { tombstoneOf, tombstones } from './stand-ins.ts';
import type { TenantScope } from './tenancy.ts';
import { toolIdOf, toolsNamed } from './tools-in-scope.ts';

export interface TenantInput {
  scope: TenantScope;
  /** The AgentTenant as it is now, where there is one. */
  tenant?: Intaken;
  /** Everything in the tenant's namespaces. */
  own: readonly Intaken[];
  /** Policies and tools of the platform; empty where the platform's namespace is among the tenant's. */
  platform: readonly Intaken[];
  /** ConfigMaps that its tools name. */
  documents: readonly KubeObject[];
  /** As committed last. */
  entries: StateEntries;
  /** What the platform's own tenant has committed: its policies go on here as they stand there. */
  platformEntries?: StateEntries;
  evidence(question: EvidenceQuestion): Evidence;
  /** What was committed last could not be read: status is the only witness of what has enforced since `entries`. */
  lost?: boolean;
  /** Nothing moves on: only what is committed takes part, less what was taken away. */
  hold?: boolean;
  /** ms since the epoch. */
  now: number;
  /** ms; gateways stop by themselves after it. */
  maxStaleness: number;
}

export interface TenantPlan {
  compiled: CompiledTenant;
  /** To commit; what is new or changed has sequence 0 until it is. */
  entries: Map<string, StateEntry>;
  /** By key, of `own`, `platform` and `tenant`. */
  results: Map<string, ResourceResult>;
  agents: number;
  policies: number;
  /** Policies in force that no combination of versions could keep: nothing of this plan may be published. */
  held: readonly string[];
  /** ms since the epoch: look again then, also where nothing happens. */
  wakeAt?: number;
}

export interface PlannerOptions {
  digest(text: string): string;
  platformNamespace: string;
}

/** Names that may come later: objects arrive in any order. */
const MISSING = new Set(['AEGIS_UNKNOWN_AGENT', 'AEGIS_UNKNOWN_TOOL', 'AEGIS_OPENAPI_MISSING']);
/** Versions are tried until everything in force compiles: first what is wrong itself, then the tools that changed. */
const ATTEMPTS = 4;

interface Attempt {
  compilation: Compilation;
  plans: Map<string, PolicyPlan>;
  resources: LoadedResource[];
  /** By toolId. */
  closed: ReadonlyMap<string, StateEntry>;
}

/** Plans one tenant again and again; what did not change is not compiled again. */
export class TenantPlanner {
  readonly #options: PlannerOptions;
  readonly #cache = new CompileCache();
  readonly #memory = new RolloutMemory();
  #standInTenant: { key: string; loaded: LoadedResource<AgentTenant> } | undefined;

  constructor(options: PlannerOptions) {
    this.#options = options;
  }

  plan(input: TenantInput): TenantPlan {
    const own = input.tenant === undefined ? input.own : [...input.own, input.tenant];
    const acceptance = new Acceptance([...own, ...input.platform], entriesOf(input), input.entries);
    const graves = this.#graves(input, acceptance);
    let attempt = this.#attempt(input, acceptance, graves);
    for (let i = 1; i < ATTEMPTS && this.#repair(attempt, acceptance, input); i++) {
      attempt = this.#attempt(input, acceptance, graves);
    }
    const { compilation, plans, closed } = attempt;
    const compiled = compilation.tenants.find(({ name }) => name === input.scope.identity.name) as CompiledTenant;
    const results = resultsOf(acceptance, compilation, plans, input.entries);
    const everEnforced = enforcedPairs(acceptance, plans, input.entries);
    const entries = nextEntries({
      acceptance,
      results,
      graves,
      closed,
      everEnforced,
      before: input.entries,
      platformNamespace: this.#options.platformNamespace,
    });
    const wakes = [...plans.values()].map(({ wakeAt }) => wakeAt ?? Number.POSITIVE_INFINITY);
    const ends = [...graves.values()].map(({ tombstone }) => tombstone?.until ?? Number.POSITIVE_INFINITY);
    const wakeAt = [...wakes, ...ends].reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    return {
      compiled,
      entries,
      results,
      agents: compiled.agents.size - graves.size,
      policies: input.own.filter(({ kind }) => kind === 'AgentPolicy').length,
      held: brokenInForce(compilation, input.entries),
      ...(Number.isFinite(wakeAt) && { wakeAt }),
    };
  }

  #graves(input: TenantInput, acceptance: Acceptance): Map<string, StateEntry> {
    const present = new Set<string>();
    const taken = new Set<string>();
    for (const { key, loaded } of acceptance.choices()) {
      // one that was made anew and is of no use does not speak for the agent that was there before it
      if (loaded === undefined) continue;
      present.add(key);
      if (loaded.object.kind === 'AgentRegistration') taken.add(agentIdOf(loaded.object as AgentRegistration));
    }
    return tombstones(input.entries, present, taken, input.now, input.maxStaleness);
  }

  #attempt(input: TenantInput, acceptance: Acceptance, graves: Map<string, StateEntry>): Attempt {
    const tenant = this.#tenantOf(input, acceptance, graves);
    const accepted = inOrder([...acceptance.loaded()].filter(({ object }) => object.kind !== 'AgentTenant'));
    const documents = input.documents.map((object) => loadedObject(object));
    const resources = [tenant, ...accepted, ...[...graves.values()].map(tombstoneOf), ...documents];
    const options = this.#compileOptions();
    const sorted = sortResources(resources, this.#options.platformNamespace);
    const policies = [...acceptance.choices()].flatMap((choice) => plannedPolicy(choice, input));
    const agents = [...acceptance.loaded()]
      .filter(({ object }) => object.kind === 'AgentRegistration')
      .map(({ object }) => agentIdOf(object as AgentRegistration))
      .sort();
    const plans = planRollouts({
      policies,
      resources: sorted,
      tenant: tenant.object,
      agents,
      evidence: input.evidence,
      now: input.now,
      options,
      memory: this.#memory,
    });
    const byId = new Map([...plans].map(([key, plan]) => [key.slice(key.indexOf(' ') + 1), plan]));
    const stateOf: CompileOptions['stateOf'] = ({ object: { metadata } }) =>
      byId.get(`${metadata.namespace ?? 'default'}/${metadata.name}`)?.takesPart ?? {};
    const pairs = everEnforcedPairs(input.entries);
    const everEnforced: CompileOptions['everEnforced'] = (_tenant, agentId, toolId) =>
      pairs.get(agentId)?.includes(toolId) === true;
    const closed = closedTools(input.entries, acceptance, graves);
    const { name } = input.scope.identity;
    const closedTool: CompileOptions['closedTool'] = (of, toolId) =>
      of === name ? (closed.get(toolId)?.accepted as AgentTool | undefined) : undefined;
    const compilation = compile(sorted, { ...options, stateOf, everEnforced, closedTool });
    return { compilation, plans, resources, closed };
  }

  #compileOptions(): CompileOptions {
    return { digest: this.#options.digest, platformNamespace: this.#options.platformNamespace, cache: this.#cache };
  }

  /**
   * What speaks for the tenant: its AgentTenant, narrowed to the namespaces that it owns, or one that says nothing. Those
   * that it owned while agents were registered there count as well: these agents are refused by nobody else.
   */
  #tenantOf(
    { scope: { identity, namespaces: owned } }: TenantInput,
    acceptance: Acceptance,
    graves: ReadonlyMap<string, StateEntry>,
  ): LoadedResource<AgentTenant> {
    const left = [...graves.values()].map(({ accepted }) => (accepted as KubeObject).metadata.namespace ?? 'default');
    const namespaces = [...new Set([...owned, ...left])].sort();
    const own = [...acceptance.loaded()].find(({ object }) => object.kind === 'AgentTenant');
    const given = own as LoadedResource<AgentTenant> | undefined;
    const listed = given?.object.spec.namespaces;
    if (
      given !== undefined &&
      listed?.length === namespaces.length &&
      listed.every((name) => namespaces.includes(name))
    ) {
      return given;
    }
    const generation = given?.object.metadata.generation ?? 0;
    const key = JSON.stringify([identity, namespaces, generation]);
    if (this.#standInTenant?.key === key) return this.#standInTenant.loaded;
    const loaded = loadedObject<AgentTenant>({
      apiVersion: 'aegis.dev/v1alpha1',
      kind: 'AgentTenant',
      metadata: { ...(given?.object.metadata ?? { name: identity.name, uid: identity.uid }) },
      spec: { ...given?.object.spec, namespaces: [...namespaces] },
    } as KubeObject);
    this.#standInTenant = { key, loaded };
    return loaded;
  }

  /** Takes back changes that cannot take part. False: there is nothing (left) to take back. */
  #repair({ compilation, resources }: Attempt, acceptance: Acceptance, input: TenantInput): boolean {
    const errors = compilation.findings.filter(({ severity, code }) => severity === 'error' && !MISSING.has(code));
    const byResource = Map.groupBy(errors, ({ resource = '' }) => resource);
    const edited = [...byResource].filter(([key]) => acceptance.isChanged(key));
    for (const [key] of edited) acceptance.revert(key, findingsOf(compilation, key));
    if (edited.length > 0) return true;
    const broken = brokenInForce(compilation, input.entries);
    if (broken.length === 0) return false;
    const keys = new Set(broken.map((id) => `AgentPolicy ${id}`));
    const policies = [...acceptance.choices()].filter(({ key }) => keys.has(key));
    const named = toolsNamed(
      [...keys].map((key) => input.entries.get(key)),
      policies.map(({ loaded }) => loaded),
    );
    const tools = resources
      .filter(({ object }) => object.kind === 'AgentTool' && named?.has(toolIdOf(object as AgentTool)) !== false)
      .map(({ object: { metadata } }) => `AgentTool ${metadata.namespace}/${metadata.name}`)
      .filter((key) => acceptance.isChanged(key));
    for (const key of tools) acceptance.revert(key, [breaks(key, broken)]);
    return tools.length > 0;
  }
}

/** Of two equally old ones with the same id the first keeps it: which one that is must not depend on who read what when. */
function inOrder(resources: LoadedResource[]): LoadedResource[] {
  const named = resources.filter(({ object }) => object.kind !== 'AgentPolicy');
  const key = ({ object: { metadata } }: LoadedResource): string =>
    `${metadata.namespace ?? 'default'}/${metadata.name}`;
  named.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return [...named, ...resources.filter(({ object }) => object.kind === 'AgentPolicy')];
}

/** The version of the AgentTenant that made the scope is the last good one, also where nobody has committed it yet. */
function entriesOf(input: TenantInput): StateEntries {
  const { scope, tenant } = input;
  const entries = new Map(input.entries);
  for (const { key } of input.platform) {
    const inherited = inheritedEntry(key, input);
    if (inherited !== undefined) entries.set(key, inherited);
  }
  const { uid, generation = 0 } = scope.tenant?.metadata ?? {};
  if (tenant === undefined || tenant.valid || uid === undefined) return entries;
  const known = entries.get(tenant.key);
  if (known?.uid === uid && known.generation >= generation) return entries;
  return new Map(entries).set(tenant.key, { uid, generation, accepted: scope.tenant, sequence: 0 });
}

/** A tenant that is new to a policy of the platform takes over where it stands: what binds everybody binds it too. */
function inheritedEntry(key: string, { entries, platform, platformEntries }: TenantInput): StateEntry | undefined {
  if (entries.has(key) || !platform.some((item) => item.key === key)) return undefined;
  return platformEntries?.get(key);
}

function plannedPolicy(
  { key, current, loaded, takesPart }: Choice & { key: string },
  input: TenantInput,
): PlannedPolicy[] {
  if (loaded?.object.kind !== 'AgentPolicy') return [];
  const { entries, lost, hold = false } = input;
  const entry = entries.get(key);
  const inherited = inheritedEntry(key, input);
  const { uid } = loaded.object.metadata;
  const witness = lost === true ? (current.object as unknown as AgentPolicy).status?.rollout : undefined;
  return [
    {
      key,
      policy: loaded as LoadedResource<AgentPolicy>,
      hold: hold || takesPart !== 'current',
      ...(entry !== undefined && entry.uid === uid && { entry }),
      ...(inherited !== undefined && inherited.uid === uid && { inherited }),
      ...(witness !== undefined && { witness: witness as RolloutState }),
    },
  ];
}

function breaks(tool: string, policies: readonly string[]): Finding {
  return {
    code: 'AEGIS_TOOL_BREAKS_POLICY',
    severity: 'error',
    resource: tool,
    message: `With this version ${policies.slice(0, 3).join(', ')} could no longer be enforced.`,
  };
}

/** Policies that the last commit enforces or stages, and this compilation had to leave out. */
function brokenInForce({ rejected }: Compilation, entries: StateEntries): string[] {
  return rejected.filter((id) => entries.get(`AgentPolicy ${id}`)?.rollout !== undefined);
}

function findingsOf({ findings }: Compilation, resource: string): Finding[] {
  return findings.filter((finding) => finding.resource === resource);
}

function resultsOf(
  acceptance: Acceptance,
  { findings, rejected: ids }: Compilation,
  plans: ReadonlyMap<string, PolicyPlan>,
  entries: StateEntries,
): Map<string, ResourceResult> {
  const rejected = new Set(ids.map((id) => `AgentPolicy ${id}`));
  const byResource = Map.groupBy(findings, ({ resource = '' }) => resource);
  const results = new Map<string, ResourceResult>();
  for (const { key, current, takesPart, findings: own } of acceptance.choices()) {
    // where another version stands in, what the compiler says is about that one
    const all = takesPart === 'current' ? distinct([...own, ...(byResource.get(key) ?? [])]) : own;
    const plan = plans.get(key);
    const left = rejected.has(key) || all.some(({ code }) => code === 'AEGIS_DUPLICATE_ID');
    // a last good version that came before its tools, and does not fit them now, has never been in force
    const isUnproven = takesPart === 'lastGood' && rejected.has(key) && entries.get(key)?.rollout === undefined;
    results.set(key, {
      current,
      takesPart: (takesPart === 'current' && left) || isUnproven ? 'none' : takesPart,
      findings: all.filter(({ code }) => !MISSING.has(code)),
      missing: all.filter(({ code }) => MISSING.has(code)),
      ...(plan !== undefined && { plan }),
    });
  }
  return results;
}

function distinct(findings: readonly Finding[]): Finding[] {
  const seen = new Map(findings.map((finding) => [`${finding.code}\n${finding.field}\n${finding.message}`, finding]));
  return [...seen.values()];
}
