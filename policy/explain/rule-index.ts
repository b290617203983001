/** From compiled rules and conditions back to the lines of the resources that they come from. */
import { type ActionContract, actionContracts } from '../compiler/action-contract.ts';
import { policyId } from '../compiler/bind-policy.ts';
import type { CompiledRule, Condition } from '../compiler/slice.ts';
import type { SourceLocation } from '../errors.ts';
import { type FieldPath, formatPath, type LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy, AgentTool, Rule } from '../resources/types.generated.ts';
import { LeafFinder } from './condition-leaves.ts';

/** A field in a source. */
export interface Place {
  /** `spec.rules[0].conditions.maxAmount` */
  field: string;
  location: SourceLocation;
}

export interface RulePlace extends Place {
  policy: LoadedResource<AgentPolicy>;
  rule: Rule;
  path: FieldPath;
}

export type Part = 'when' | 'conditions';

export class RuleIndex {
  readonly #rules = new Map<string, RulePlace>();
  readonly #tools: ReadonlyMap<string, LoadedResource<AgentTool>>;
  readonly #contracts = new Map<string, Map<string, ActionContract>>();
  readonly #finders = new Map<string, LeafFinder>();

  /** `tools` by toolId. */
  constructor(policies: Iterable<LoadedResource<AgentPolicy>>, tools: ReadonlyMap<string, LoadedResource<AgentTool>>) {
    this.#tools = tools;
    for (const policy of policies) {
      policy.object.spec.rules.forEach((rule, index) => {
        const path: FieldPath = ['spec', 'rules', index];
        const location = policy.locate([...path, 'name']);
        const place = { policy, rule, path, field: formatPath(path), location };
        this.#rules.set(`${policyId(policy.object)}/${rule.name}`, place);
      });
    }
  }

  /** By `namespace/policy/rule`. */
  rule(id: string): RulePlace | undefined {
    return this.#rules.get(id);
  }

  contract(toolId: string, action: string): ActionContract | undefined {
    const tool = this.#tools.get(toolId);
    if (tool === undefined) return undefined;
    let contracts = this.#contracts.get(toolId);
    if (contracts === undefined) {
      contracts = actionContracts(tool.object);
      this.#contracts.set(toolId, contracts);
    }
    return contracts.get(action);
  }

  /** The path of the condition below its rule, e.g. `['conditions', 'maxAmount']`. */
  pathOf(rule: CompiledRule, part: Part, condition: Condition, toolId: string, action: string): FieldPath {
    const contract = this.contract(toolId, action);
    const source = this.#rules.get(rule.id);
    if (contract === undefined || source === undefined) return [part];
    const key = `${rule.id}\n${part}\n${toolId}\n${action}`;
    let finder = this.#finders.get(key);
    if (finder === undefined) {
      finder = new LeafFinder(source.rule[part], contract);
      this.#finders.set(key, finder);
    }
    return [part, ...finder.find(condition)];
  }

  condition(rule: CompiledRule, part: Part, condition: Condition, toolId: string, action: string): Place | undefined {
    const source = this.#rules.get(rule.id);
    if (source === undefined) return undefined;
    const path = [...source.path, ...this.pathOf(rule, part, condition, toolId, action)];
    return { field: formatPath(path), location: source.policy.locate(path) };
  }
}
