/** The single tests that a rule's `when` or `conditions` consist of, each with the path of its field. */

import { canonicalJson } from '../bundle/canonical-json.ts';
import type { ActionContract } from '../compiler/action-contract.ts';
import { compileConditions, ROLE_KEYS } from '../compiler/compile-conditions.ts';
import { Problems } from '../compiler/problem.ts';
import type { Condition } from '../compiler/slice.ts';
import type { FieldPath } from '../resources/resource.ts';
import type { Conditions, ParameterConditions } from '../resources/types.generated.ts';

export interface Leaf {
  /** Below `when` or `conditions`: `['maxAmount']`, `['params', 'memo', 'pattern']`, `['chain', 'maxDepth']`. */
  path: FieldPath;
  /** Conditions that consist of this test alone. */
  alone: Conditions;
}

export function conditionLeaves(conditions: Conditions | undefined): Leaf[] {
  if (conditions === undefined) return [];
  const { params, chain } = conditions;
  const leaves: Leaf[] = [];
  for (const key of [...Object.keys(ROLE_KEYS), 'purpose', 'timeWindows'] as (keyof Conditions)[]) {
    if (conditions[key] !== undefined) leaves.push({ path: [key], alone: { [key]: conditions[key] } });
  }
  for (const [name, tests] of Object.entries(params ?? {})) leaves.push(...parameterLeaves(name, tests));
  for (const [key, value] of Object.entries(chain ?? {})) {
    if (value !== undefined) leaves.push({ path: ['chain', key], alone: { chain: { [key]: value } } });
  }
  return leaves;
}

function parameterLeaves(name: string, tests: ParameterConditions): Leaf[] {
  const leaf = (path: FieldPath, test: ParameterConditions): Leaf => ({
    path: ['params', name, ...path],
    alone: { params: { [name]: test } },
  });
  return Object.entries(tests).flatMap(([key, value]) => {
    if (key === 'onFail' || value === undefined) return [];
    if ((key === 'required' || key === 'forbidden') && value !== true) return [];
    if (key !== 'range') return [leaf([key], { [key]: value })];
    const { min, max } = value as NonNullable<ParameterConditions['range']>;
    return [leaf(['range', 'min'], { min }), leaf(['range', 'max'], { max })];
  });
}

/** Where each compiled condition of a rule on one action comes from. */
export class LeafFinder {
  readonly #paths = new Map<string, FieldPath>();

  constructor(conditions: Conditions | undefined, contract: ActionContract) {
    for (const { path, alone } of conditionLeaves(conditions)) {
      const context = { contract, path: [], failureRank: 4, problems: new Problems() } as const;
      for (const condition of compileConditions(alone, context)) {
        const key = keyOf(condition);
        if (!this.#paths.has(key)) this.#paths.set(key, path);
      }
    }
  }

  /** The path below `when` or `conditions`; empty where it is not found. */
  find(condition: Condition): FieldPath {
    return this.#paths.get(keyOf(condition)) ?? [];
  }
}

/** What follows from the failure stands elsewhere. */
function keyOf({ bad: _, ...test }: Condition): string {
  return canonicalJson(test);
}
