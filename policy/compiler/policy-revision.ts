/**
 * One revision of a policy bound to the tools in its scope. Depends on the policy, those tools and the Restricts it
 * overrides, and on nothing else, so that it is reused as long as these are the same objects.
 */
import { canonicalJson } from '../bundle/canonical-json.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy } from '../resources/types.generated.ts';
import { didYouMean } from '../validation/suggest-name.ts';
import { type ActionContract, RISKS } from './action-contract.ts';
import { ruleProblems } from './analysis/rule-problems.ts';
import { type ActionBinding, bindPolicy, policyId, type ToolBinding } from './bind-policy.ts';
import type { Problem } from './problem.ts';
import { Problems } from './problem.ts';
import type { Scope } from './scope.ts';
import type { NameSet } from './slice.ts';

export interface PolicyRevision {
  id: string;
  source: LoadedResource<AgentPolicy>;
  scope: Scope;
  /** `sha256:…` over the rules and the contracts that they bind. */
  revision: string;
  tools: Map<string, ToolBinding>;
  problems: Problem[];
  /** An error that makes the policy unusable; an unknown name in its scope or an override without effect is none. */
  rejected: boolean;
  /** Canonical JSON of the compiled revision on one action. */
  text(toolId: string, action: string, stage?: string): string;
}

export interface RevisionContext {
  scope: Scope;
  /** Contracts of the tools in scope, by toolId. */
  contracts: ReadonlyMap<string, ReadonlyMap<string, ActionContract>>;
  overrides: ReadonlyMap<string, NameSet>;
  /** Hex SHA-256 of a text's UTF-8 bytes. */
  digest(text: string): string;
  /** Problems found before binding (scope, overrides). */
  problems: Problems;
}

const NO_BINDING: ActionBinding = { permits: [], restricts: [] };

/** References that the rest of the policy can do without: the objects may follow later, or were taken away by others. */
const TOLERATED = new Set(['AEGIS_UNKNOWN_AGENT', 'AEGIS_UNKNOWN_TOOL', 'AEGIS_OVERRIDE']);

export function bindRevision(source: LoadedResource<AgentPolicy>, context: RevisionContext): PolicyRevision {
  const policy = source.object;
  const tools = new Map<string, ToolBinding>();
  const found: Problem[] = [...context.problems.list];
  for (const [toolId, contracts] of context.contracts) {
    const binding = bindPolicy(policy, contracts, context);
    found.push(...binding.problems.list);
    if (binding.actions.size > 0) tools.set(toolId, binding);
  }
  const ruleFindings = new Problems(context.scope.platform);
  unknownActions(policy, context, ruleFindings);
  if (context.contracts.size > 0) ruleProblems(policy, tools, ruleFindings);
  found.push(...ruleFindings.list);
  const problems = distinct(found);
  const revision = `sha256:${context.digest(dependencies(policy, tools, context))}`;
  const texts = new Map<string, string>();
  return {
    id: policyId(policy),
    source,
    scope: context.scope,
    revision,
    tools,
    problems,
    rejected: problems.some(({ severity, code }) => severity === 'error' && !TOLERATED.has(code)),
    text(toolId, action, stage) {
      const key = `${toolId}\n${action}\n${stage ?? ''}`;
      let text = texts.get(key);
      if (text === undefined) {
        const tool = tools.get(toolId);
        text = revisionText(revision, tool, tool?.actions.get(action) ?? NO_BINDING, stage);
        texts.set(key, text);
      }
      return text;
    },
  };
}

const abstentions = new WeakMap<PolicyRevision, PolicyRevision>();

/** The revision as agents outside its scope see it: without any rule; one object per revision. */
export function abstaining(revision: PolicyRevision): PolicyRevision {
  let silent = abstentions.get(revision);
  if (silent === undefined) {
    silent = {
      ...revision,
      tools: new Map(),
      text: (_toolId, _action, stage) => revisionText(revision.revision, undefined, NO_BINDING, stage),
    };
    abstentions.set(revision, silent);
  }
  return silent;
}

function revisionText(
  revision: string,
  tool: ToolBinding | undefined,
  { permits, restricts }: ActionBinding,
  stage: string | undefined,
): string {
  const matched = tool?.matched ?? false;
  return canonicalJson({ revision, matched, permits, restricts, ...(stage === undefined ? {} : { stage }) });
}

/** What the revision's digest covers; labels, change notes, tests and rollout settings start no new revision. */
function dependencies(policy: AgentPolicy, tools: Map<string, ToolBinding>, context: RevisionContext): string {
  const contracts: unknown[] = [];
  for (const [toolId, binding] of tools) {
    for (const action of [...binding.actions.keys()].sort()) {
      const contract = context.contracts.get(toolId)?.get(action);
      if (contract !== undefined) contracts.push(contractValue(contract));
    }
  }
  const { scope, rules } = policy.spec;
  return canonicalJson(plain({ id: policyId(policy), scope, rules, contracts }));
}

function contractValue(contract: ActionContract): unknown {
  const { toolId, action, effect, risk, open, parameters } = contract;
  return { toolId, action, effect, risk: RISKS[risk], open, parameters: Object.fromEntries(parameters) };
}

/** Without members whose value is undefined, which JSON has no form for; numbers keep their spelling. */
function plain(value: unknown): unknown {
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.map(([name, member]) => [name, plain(member)]));
}

function unknownActions(policy: AgentPolicy, { contracts }: RevisionContext, problems: Problems): void {
  if (contracts.size === 0) return;
  const known = [...contracts.values()].flatMap((actions) => [...actions.keys()]);
  policy.spec.rules.forEach((rule, ruleIndex) => {
    rule.actions.forEach((action, index) => {
      const path = ['spec', 'rules', ruleIndex, 'actions', index];
      if (action === '*') return;
      if ([...contracts.values()].some((actions) => actions.has(action))) return;
      const message = `No tool in the policy's scope has an action "${action}".`;
      problems.contract('AEGIS_UNKNOWN_ACTION', path, message, didYouMean(action, known));
    });
  });
}

/** The same problem of several tools counts once. */
function distinct(problems: readonly Problem[]): Problem[] {
  const seen = new Map<string, Problem>();
  for (const problem of problems) seen.set(`${problem.code}\n${problem.path.join('/')}\n${problem.message}`, problem);
  return [...seen.values()];
}
