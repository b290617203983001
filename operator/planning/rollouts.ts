/** Moves every policy of a tenant along its rollout, and says which revisions of it take part. */
import type { CompileOptions, PolicyState } from '../../policy/compiler/compile-options.ts';
import { policyRevisions, type RevisionFacts } from '../../policy/compiler/policy-revisions.ts';
import type { SortedResources } from '../../policy/compiler/tenant-resources.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { AgentPolicy, AgentTenant } from '../../policy/resources/types.generated.ts';
import { cohortOf } from '../../policy/rollout/cohort.ts';
import { type Evidence, NO_EVIDENCE } from '../../policy/rollout/evidence.ts';
import { nextState } from '../../policy/rollout/next-state.ts';
import { rebaseStable } from '../../policy/rollout/rebase.ts';
import { resolveRolloutSpec } from '../../policy/rollout/resolve-spec.ts';
import type { RolloutSpec } from '../../policy/rollout/rollout-spec.ts';
import type { RolloutStage, RolloutState } from '../../policy/rollout/rollout-state.ts';
import type { KubeObject } from '../kube/types.ts';
import type { StateEntry } from '../model/committed.ts';
import type { EvidenceQuestion } from '../model/evidence-question.ts';
import { loadedObject } from '../model/loaded-object.ts';

export interface PolicyPlan {
  state: RolloutState;
  /** The stable revision's object, where it is another one than the accepted. */
  stable?: LoadedResource<AgentPolicy>;
  takesPart: PolicyState;
  targetStage: RolloutStage;
  /** Why the rollout stands where it stands. */
  wait: string;
  wakeAt?: number;
}

export interface PlannedPolicy {
  key: string;
  policy: LoadedResource<AgentPolicy>;
  entry?: StateEntry;
  hold: boolean;
  /** Of a policy of the platform that is new to this tenant: where it stands in the platform's own. */
  inherited?: StateEntry;
  /** What its status says, where the last commit is lost: the only witness left that it has enforced. */
  witness?: RolloutState;
}

export interface RolloutInput {
  /** Accepted policies: the key of each, its entry, and whether the current version is not the accepted one. */
  policies: readonly PlannedPolicy[];
  /** All that takes part in the tenant. */
  resources: SortedResources;
  tenant: AgentTenant;
  /** Ids of the registered agents, sorted. */
  agents: readonly string[];
  evidence(question: EvidenceQuestion): Evidence;
  now: number;
  options: CompileOptions;
  /** Of the passes before, for the same tenant. */
  memory: RolloutMemory;
}

/**
 * What a pass need not work out again: revisions, as long as policy and tools are the same objects, and plans of policies
 * that enforce and have nothing left to do.
 */
export class RolloutMemory {
  #tools: readonly unknown[] = [];
  #revisions = new WeakMap<LoadedResource, RevisionFacts>();
  readonly #settled = new WeakMap<StateEntry, { plan: PolicyPlan; policy: LoadedResource; revision: string }>();

  /** To be told all tools that take part, in any order that stays the same. */
  use(tools: readonly unknown[]): void {
    const same = tools.length === this.#tools.length && tools.every((tool, index) => tool === this.#tools[index]);
    if (!same) this.#revisions = new WeakMap();
    this.#tools = tools;
  }

  revision(policy: LoadedResource): RevisionFacts | undefined {
    return this.#revisions.get(policy);
  }

  keep(revisions: ReadonlyMap<LoadedResource, RevisionFacts>): void {
    for (const [policy, facts] of revisions) this.#revisions.set(policy, facts);
  }

  settled({ entry, policy, hold }: PlannedPolicy, revision: string): PolicyPlan | undefined {
    if (entry === undefined || hold) return undefined;
    const known = this.#settled.get(entry);
    return known?.policy === policy && known.revision === revision ? known.plan : undefined;
  }

  settle({ entry, policy, hold }: PlannedPolicy, revision: string, plan: PolicyPlan): void {
    const { phase, stableRevision } = plan.state;
    if (entry === undefined || hold || phase !== 'Complete' || stableRevision !== revision) return;
    if (entry.rollout === plan.state) this.#settled.set(entry, { plan, policy, revision });
  }
}

export function policyIdOf({ object }: LoadedResource): string {
  return `${object.metadata.namespace ?? 'default'}/${object.metadata.name}`;
}

/** By key. A policy that does not bind (its errors say why) has no plan. */
export function planRollouts(input: RolloutInput): Map<string, PolicyPlan> {
  const { policies, resources, tenant, options } = input;
  const stables = new Map<string, LoadedResource<AgentPolicy>>();
  for (const { key, policy, entry, inherited } of policies) {
    const past = entry ?? inherited;
    const itself = past?.stable === undefined && past?.generation === policy.object.metadata.generation;
    const stable = itself ? undefined : stableOf(past);
    if (stable !== undefined) stables.set(key, stable);
  }
  const { memory } = input;
  memory.use([...(resources.tenants.get(tenant.metadata.name)?.tools.values() ?? [])].map(({ object }) => object));
  const revisions = policyRevisions(resources, tenant.metadata.name, options, [...stables.values()], (policy) =>
    memory.revision(policy),
  );
  memory.keep(revisions);
  const plans = new Map<string, PolicyPlan>();
  for (const item of policies) {
    const revision = revisions.get(item.policy)?.revision;
    if (revision === undefined) continue;
    const settled = memory.settled(item, revision);
    if (settled !== undefined) {
      plans.set(item.key, settled);
      continue;
    }
    const stable = stables.get(item.key);
    const stableRevision = stable && revisions.get(stable)?.revision;
    const plan = planPolicy(item, { revision, stable, stableRevision }, input);
    memory.settle(item, revision, plan);
    plans.set(item.key, plan);
  }
  return plans;
}

interface Revisions {
  revision: string;
  stable: LoadedResource<AgentPolicy> | undefined;
  stableRevision: string | undefined;
}

function planPolicy(
  { policy, entry, hold, inherited, witness }: PlannedPolicy,
  { revision, stable, stableRevision }: Revisions,
  input: RolloutInput,
): PolicyPlan {
  const agents = agentsInScope(policy.object, input.agents);
  const spec = resolveRolloutSpec(policy.object.spec, input.tenant.spec, {
    agents: agents.length,
    tenant: input.tenant.metadata.name,
  });
  const past =
    inherited === undefined
      ? rebased(entry, policy, revision, stableRevision)
      : renamed(inherited, policy, revision, stableRevision);
  const before = testified(witness, revision) ?? past;
  const evidence = before?.revision === revision ? input.evidence(questionOf(policy, before)) : NO_EVIDENCE;
  const { state, reason, wakeAt } = nextState({ spec, state: before, revision, evidence, now: input.now, hold });
  const enforces = state.stableRevision === state.revision;
  const kept = enforces || state.stableRevision === undefined ? undefined : stable;
  return {
    state,
    ...(kept !== undefined && { stable: kept }),
    takesPart: takingPart(policy, kept, state, spec, agents),
    targetStage: spec.targetStage,
    wait: reason,
    ...(wakeAt !== undefined && { wakeAt }),
  };
}

/** The object that enforced when the entry was committed. */
function stableOf(entry: StateEntry | undefined): LoadedResource<AgentPolicy> | undefined {
  const { rollout } = entry ?? {};
  if (entry === undefined || rollout?.stableRevision === undefined) return undefined;
  const object = entry.stable ?? (rollout.stableRevision === rollout.revision ? entry.accepted : undefined);
  return object === undefined ? undefined : loadedObject<AgentPolicy>(object as KubeObject);
}

/** Contracts of tools are part of a revision's digest: where only they changed, the stable content has a new name. */
function rebased(
  entry: StateEntry | undefined,
  policy: LoadedResource<AgentPolicy>,
  revision: string,
  stableRevision: string | undefined,
): RolloutState | undefined {
  const state = entry?.rollout;
  if (state?.stableRevision === undefined) return state;
  if (stableRevision !== undefined) return rebaseStable(state, stableRevision);
  const unchanged = state.revision === state.stableRevision && entry?.generation === policy.object.metadata.generation;
  return unchanged ? rebaseStable(state, revision) : state;
}

/** The same contents have other digests in another tenant, whose tools are others. */
function renamed(
  { rollout, generation }: StateEntry,
  policy: LoadedResource<AgentPolicy>,
  revision: string,
  stableRevision = revision,
): RolloutState | undefined {
  if (rollout === undefined) return undefined;
  const newest = generation === policy.object.metadata.generation ? revision : rollout.revision;
  if (rollout.stableRevision === undefined) return { ...rollout, revision: newest };
  const enforces = rollout.revision === rollout.stableRevision;
  return { ...rollout, stableRevision, revision: enforces ? stableRevision : newest };
}

function questionOf(
  policy: LoadedResource<AgentPolicy>,
  { revision, stableRevision, stageEnteredAt }: RolloutState,
): EvidenceQuestion {
  const stable = stableRevision === undefined || stableRevision === revision ? null : stableRevision;
  const { agents } = policy.object.spec.scope;
  return { policy: policyIdOf(policy), revision, stable, stageEnteredAt, ...(agents != null && { agents }) };
}

/** The last commit is lost. What enforced as it stands now goes on, instead of beginning in Shadow. */
function testified(witness: RolloutState | undefined, revision: string): RolloutState | undefined {
  if (witness?.revision !== revision || witness.stableRevision !== revision) return undefined;
  const { stageEnteredAt, history = [] } = witness;
  return {
    stage: 'Enforce',
    phase: 'Complete',
    revision,
    stableRevision: revision,
    stageEnteredAt,
    partialPercent: 100,
    history,
  };
}

function takingPart(
  policy: LoadedResource<AgentPolicy>,
  stable: LoadedResource<AgentPolicy> | undefined,
  state: RolloutState,
  spec: RolloutSpec,
  agents: readonly string[],
): PolicyState {
  if (policy.object.spec.suspend === true) return {};
  if (state.stableRevision === state.revision) return { stable: policy };
  const cohort =
    state.stage === 'Partial'
      ? cohortOf(policyIdOf(policy), agents, { ...spec.partial, percent: state.partialPercent })
      : undefined;
  return {
    ...(stable !== undefined && { stable }),
    candidate: { policy, stage: STAGES[state.stage], ...(cohort !== undefined && { cohort }) },
  };
}

const STAGES = { Shadow: 'shadow', Partial: 'partial', Enforce: 'enforce' } as const;

export function agentsInScope(policy: AgentPolicy, agents: readonly string[]): readonly string[] {
  const { agents: named } = policy.spec.scope;
  if (named === undefined) return agents;
  return named.length === 1 && agents.length > 100 ? named : named.filter((agent) => agents.includes(agent));
}
