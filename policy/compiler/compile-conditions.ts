/**
 * Conditions of a rule → tests on one action's parameters, context and chain. The grammar is the same for `when` and
 * `conditions`; well-known keys bind the parameters that declare their role.
 */

import type { FieldPath } from '../resources/resource.ts';
import type { Conditions, ParameterConditions } from '../resources/types.generated.ts';
import { didYouMean } from '../validation/suggest-name.ts';
import type { ActionContract } from './action-contract.ts';
import { parameterTests } from './compile-parameter.ts';
import { hostPatterns } from './host-pattern.ts';
import type { Problems } from './problem.ts';
import type { Condition, ConditionTest, NameSet, Rank, ValueCondition } from './slice.ts';
import { compileTimeWindows } from './time-windows.ts';
import { amount, nameSet, rankOf } from './values.ts';

export interface ConditionContext {
  contract: ActionContract;
  path: FieldPath;
  /** Rank of a condition that fails and has no `onFail` of its own. */
  failureRank: Rank;
  problems: Problems;
}

/** Well-known keys that bind parameters by role. */
export const ROLE_KEYS = {
  maxAmount: 'amount',
  currency: 'currency',
  dest: 'destination',
  region: 'region',
  allowedChannels: 'channel',
} as const;

type RoleKey = keyof typeof ROLE_KEYS;

/** The parameters and roles that conditions rely on; an action "declares what it needs" when it has all of them. */
export function conditionNeeds(conditions: Conditions | undefined): { parameters: string[]; roles: string[] } {
  if (conditions === undefined) return { parameters: [], roles: [] };
  const roles = (Object.keys(ROLE_KEYS) as RoleKey[]).filter((key) => conditions[key] !== undefined);
  return {
    parameters: Object.keys(conditions.params ?? {}),
    roles: roles.map((key) => ROLE_KEYS[key]),
  };
}

export function compileConditions(conditions: Conditions | undefined, context: ConditionContext): Condition[] {
  if (conditions === undefined) return [];
  return [
    ...roleConditions(conditions, context),
    ...Object.entries(conditions.params ?? {}).flatMap(([name, tests]) => namedParameter(name, tests, context)),
    ...contextConditions(conditions, context),
    ...chainConditions(conditions, context),
  ];
}

function namedParameter(name: string, tests: ParameterConditions, context: ConditionContext): Condition[] {
  const path = [...context.path, 'params', name];
  const declared = context.contract.parameters.get(name);
  const bad = tests.onFail === undefined ? context.failureRank : rankOf(tests.onFail);
  if (declared === undefined) {
    const { toolId, action } = context.contract;
    const message = `${toolId}/${action} declares no parameter "${name}".`;
    const fix = didYouMean(name, context.contract.parameters.keys());
    context.problems.contract('AEGIS_UNKNOWN_PARAMETER', path, message, fix);
    return [{ k: 'never', bad, m: message }];
  }
  return parameterTests(name, declared, tests, path, context.problems).map(([test, m]) => ({ ...test, bad, m }));
}

function roleConditions(conditions: Conditions, context: ConditionContext): Condition[] {
  const { contract, problems } = context;
  const result: Condition[] = [];
  for (const [key, role] of Object.entries(ROLE_KEYS) as [RoleKey, string][]) {
    const wanted = conditions[key];
    if (wanted === undefined) continue;
    const names = contract.byRole.get(role) ?? [];
    const bad = failureRank(conditions, key, context);
    if (names.length === 0) {
      const m = `${key} needs a parameter with role "${role}", and ${contract.toolId}/${contract.action} declares none.`;
      problems.contract('AEGIS_UNRESOLVED_ROLE', [...context.path, key], m);
      result.push({ k: 'never', bad, m });
    }
    for (const name of names) {
      const [test, m] = roleTest(key, wanted, name, contract);
      result.push({ ...test, bad, m });
    }
  }
  return result;
}

function roleTest(key: RoleKey, wanted: unknown, name: string, contract: ActionContract): [ConditionTest, string] {
  if (key === 'maxAmount') {
    return [
      { k: 'amount', p: name, t: 'number', v: amount(wanted as number | string) },
      `${name} must be at most ${wanted}.`,
    ];
  }
  const values = Array.isArray(wanted) ? (wanted as string[]) : [wanted as string];
  const { type, format } = contract.parameters.get(name) ?? {};
  const message = `${name} must be ${values.length === 1 ? values[0] : `one of ${values.join(', ')}`}.`;
  // a destination is always read as a host, so that neither case nor a port leads past a Restrict
  const test: ValueCondition =
    key === 'dest'
      ? { k: 'host', p: name, t: 'string', uri: format === 'uri', ...hostPatterns(values) }
      : { k: 'in', p: name, t: 'string', v: nameSet(values) };
  return [type === 'array' ? { k: 'each', p: name, t: 'array', c: test } : test, message];
}

function contextConditions(conditions: Conditions, context: ConditionContext): Condition[] {
  const result: Condition[] = [];
  if (conditions.purpose !== undefined) {
    const bad = failureRank(conditions, 'purpose', context);
    result.push({
      k: 'purpose',
      v: nameSet([conditions.purpose]),
      bad,
      m: `The purpose must be ${conditions.purpose}.`,
    });
  }
  if (conditions.timeWindows !== undefined) {
    const v = compileTimeWindows(conditions.timeWindows, [...context.path, 'timeWindows'], context.problems);
    const bad = failureRank(conditions, 'timeWindows', context);
    result.push({ k: 'time', v, bad, m: 'The call is outside the permitted times.' });
  }
  return result;
}

function chainConditions(conditions: Conditions, context: ConditionContext): Condition[] {
  const { chain } = conditions;
  if (chain === undefined) return [];
  const bad = failureRank(conditions, 'chain', context);
  const result: Condition[] = [];
  const listed = (names: readonly string[]): NameSet => nameSet(names);
  if (chain.allowedCallers !== undefined) {
    result.push({ k: 'callers', v: listed(chain.allowedCallers), bad, m: 'A caller in the chain is not permitted.' });
  }
  if (chain.maxDepth !== undefined) {
    result.push({ k: 'depth', v: chain.maxDepth, bad, m: `The chain may have at most ${chain.maxDepth} callers.` });
  }
  if (chain.requireOrigin !== undefined) {
    result.push({
      k: 'origin',
      v: listed(chain.requireOrigin),
      bad,
      m: 'The chain starts with an origin that is not permitted.',
    });
  }
  return result;
}

function failureRank(conditions: Conditions, key: string, context: ConditionContext): Rank {
  const own = (conditions.onFail as Record<string, 'deny' | 'approval_needed' | 'sanitize'> | undefined)?.[key];
  return own === undefined ? context.failureRank : rankOf(own);
}
