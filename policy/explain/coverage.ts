/** Which branches of the rules a set of calls has exercised. */
import { policyId } from '../compiler/bind-policy.ts';
import type { SourceLocation } from '../errors.ts';
import { type FieldPath, formatPath, type LoadedResource } from '../resources/resource.ts';
import type { AgentPolicy, Rule } from '../resources/types.generated.ts';
import { conditionLeaves } from './condition-leaves.ts';
import type { RuleIndex } from './rule-index.ts';
import type { ConditionTrace, RuleTrace, Trace } from './trace.ts';

/**
 * `fits` / `not-fits`: the rule's `when`; `holds` / `fails`: one condition (undecidable counts as failed); `outcome`:
 * the rule applied and all of its conditions held.
 */
export type BranchKind = 'fits' | 'not-fits' | 'holds' | 'fails' | 'outcome';

export interface Branch {
  kind: BranchKind;
  field: string;
  location: SourceLocation;
  hits: number;
}

export interface RuleCoverage {
  rule: string;
  /** Calls in which the rule took part. */
  applied: number;
  location: SourceLocation;
  branches: Branch[];
}

export interface PolicyCoverage {
  policy: string;
  file: string;
  rules: RuleCoverage[];
}

export function branchCount(rules: readonly RuleCoverage[]): { covered: number; total: number } {
  const branches = rules.flatMap((rule) => rule.branches);
  return { covered: branches.filter(({ hits }) => hits > 0).length, total: branches.length };
}

/** Percent of branches; 100 where there are none. */
export function percentOf({ covered, total }: { covered: number; total: number }): number {
  return total === 0 ? 100 : (100 * covered) / total;
}

export class Coverage {
  readonly policies: PolicyCoverage[] = [];
  readonly #rules = new Map<string, RuleCoverage>();
  readonly #branches = new Map<string, Branch>();

  constructor(policies: Iterable<LoadedResource<AgentPolicy>>) {
    for (const policy of policies) {
      const id = policyId(policy.object);
      if (this.policies.some((known) => known.policy === id)) continue;
      const rules = policy.object.spec.rules.map((rule, index) =>
        this.#add(policy, id, rule, ['spec', 'rules', index]),
      );
      this.policies.push({ policy: id, file: policy.locate([]).file, rules });
    }
    this.policies.sort((a, b) => (a.policy < b.policy ? -1 : 1));
  }

  #add(policy: LoadedResource<AgentPolicy>, id: string, rule: Rule, path: FieldPath): RuleCoverage {
    const branch = (kind: BranchKind, below: FieldPath, at: FieldPath = below): Branch => {
      const added = {
        kind,
        field: formatPath([...path, ...below]),
        location: policy.locate([...path, ...at]),
        hits: 0,
      };
      this.#branches.set(branchKey(`${id}/${rule.name}`, kind, below), added);
      return added;
    };
    const leaves = conditionLeaves(rule.conditions);
    const hasWhen = conditionLeaves(rule.when).length > 0;
    const branches = [
      ...(hasWhen ? [branch('fits', ['when']), branch('not-fits', ['when'])] : []),
      ...leaves.flatMap((leaf) => {
        const below: FieldPath = ['conditions', ...leaf.path];
        return [branch('holds', below), branch('fails', below)];
      }),
      // without conditions, a `when` that fits is the outcome
      ...(hasWhen && leaves.length === 0 ? [] : [branch('outcome', [], ['name'])]),
    ];
    const coverage = { rule: rule.name, applied: 0, location: policy.locate([...path, 'name']), branches };
    this.#rules.set(`${id}/${rule.name}`, coverage);
    return coverage;
  }

  record(trace: Trace, index: RuleIndex, tool: string, action: string): void {
    for (const rule of trace.policies.flatMap(({ rules }) => rules)) {
      if (rule.asked) this.#rule(rule, index, tool, action);
    }
  }

  #rule(trace: RuleTrace, index: RuleIndex, tool: string, action: string): void {
    const { id } = trace.rule;
    this.#hit(id, trace.fits ? 'fits' : 'not-fits', ['when']);
    if (!trace.fits) return;
    const rule = this.#rules.get(id);
    if (rule !== undefined) rule.applied += 1;
    const held = ({ state }: ConditionTrace): boolean => state === 'holds';
    for (const condition of trace.conditions) {
      const path = index.pathOf(trace.rule, 'conditions', condition.condition, tool, action);
      this.#hit(id, held(condition) ? 'holds' : 'fails', path);
    }
    if (trace.conditions.every(held)) this.#hit(id, 'outcome', []);
  }

  #hit(rule: string, kind: BranchKind, path: FieldPath): void {
    const branch = this.#branches.get(branchKey(rule, kind, path));
    if (branch !== undefined) branch.hits += 1;
  }
}

function branchKey(rule: string, kind: BranchKind, path: FieldPath): string {
  return JSON.stringify([rule, kind, ...path]);
}
