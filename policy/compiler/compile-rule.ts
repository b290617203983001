/** One rule on one action → what the shared policy evaluates. */
import type { LimitObligation, Reason, RedactObligation, SetObligation } from '../decision/types.ts';
import type { FieldPath } from '../resources/resource.ts';
import type { Limit, RequestSanitizer, ResponseSanitizer, Rule } from '../resources/types.generated.ts';
import { responseTargetProblem } from '../sanitize/detectors.ts';
import { didYouMean } from '../validation/suggest-name.ts';
import { type ActionContract, type ParameterContract, riskIndex } from './action-contract.ts';
import { compileConditions, conditionNeeds } from './compile-conditions.ts';
import type { Problems } from './problem.ts';
import type { CompiledRule, NameSet, Rank } from './slice.ts';
import { amount, rankOf } from './values.ts';

export interface RuleSite {
  /** `namespace/name` of the policy. */
  policyId: string;
  /** `spec.rules[i]` */
  path: FieldPath;
  problems: Problems;
  /** Restricts that this rule validly overrides (`overrideKey`). */
  overrides: NameSet;
  /** What overrides of this rule name it by, if it may be overridden. */
  yields?: string | undefined;
}

/** Whether the action declares every parameter and role that the rule relies on (what `'*'` expands to). */
export function declaresNeeds(rule: Rule, contract: ActionContract): boolean {
  const needs = [conditionNeeds(rule.when), conditionNeeds(rule.conditions)];
  const parameters = [
    ...needs.flatMap((need) => need.parameters),
    ...(rule.limits ?? []).flatMap((limit) => limit.budget?.parameter ?? []),
    ...(rule.sanitize?.request ?? []).map((change) => change.param),
  ];
  return (
    parameters.every((name) => contract.parameters.has(name)) &&
    needs.flatMap((need) => need.roles).every((role) => contract.byRole.has(role))
  );
}

export function compileRule(rule: Rule, contract: ActionContract, site: RuleSite): CompiledRule {
  const { path, problems } = site;
  const ok = rankOf(rule.outcome ?? 'allow');
  const permit = (rule.type ?? 'Permit') === 'Permit';
  const failureRank = rankOf(rule.failureAction ?? 'deny');
  const when = compileConditions(rule.when, { contract, path: [...path, 'when'], failureRank: 4, problems });
  const conditions = compileConditions(rule.conditions, {
    contract,
    path: [...path, 'conditions'],
    failureRank,
    problems,
  });
  const limits = (rule.limits ?? []).map((limit, i) => compileLimit(limit, contract, site, rule.name, i));
  const { redact, set, unreachable } = compileSanitize(rule, contract, site);
  // what cannot be changed must not pass unchanged
  if (unreachable !== undefined) conditions.push({ k: 'never', bad: 4, m: unreachable });
  const reason = outcomeReason(rule, permit, ok, site.policyId);
  return {
    id: `${site.policyId}/${rule.name}`,
    policy: site.policyId,
    name: rule.name,
    ok,
    risk: Math.max(contract.risk, riskIndex(rule.riskTier)),
    ...(permit ? { permit } : {}),
    ...(permit && ok === 0 ? { grants: true } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(when.length === 0 ? {} : { when }),
    ...(conditions.length === 0 ? {} : { if: conditions }),
    ...(limits.length === 0 ? {} : { limits }),
    ...(redact.length === 0 ? {} : { redact }),
    ...(set.length === 0 ? {} : { set }),
    ...(Object.keys(site.overrides).length === 0 ? {} : { overrides: site.overrides }),
    ...(site.yields === undefined ? {} : { yields: site.yields }),
  };
}

function outcomeReason(rule: Rule, permit: boolean, ok: Rank, policy: string): Reason | undefined {
  const of = (code: string, message: string): Reason => ({ code, message, policy, rule: rule.name });
  if (ok === 4) return of('RESTRICTED', `Rule ${rule.name} forbids this call.`);
  if (ok === 3) return of('APPROVAL_REQUIRED', `Rule ${rule.name} asks for an approval.`);
  if (ok === 1) return of('SANITIZE_REQUIRED', `Rule ${rule.name} lets the call pass once it is sanitised.`);
  return permit ? of('PERMITTED', `Permitted by rule ${rule.name}.`) : undefined;
}

function compileLimit(
  limit: Limit,
  contract: ActionContract,
  site: RuleSite,
  rule: string,
  index: number,
): LimitObligation {
  const parameter = limit.budget?.parameter;
  if (parameter !== undefined) {
    numericParameter(parameter, contract, [...site.path, 'limits', index, 'budget', 'parameter'], site.problems);
  }
  return limitObligation(limit, `${site.policyId}/${rule}/${limit.name}`);
}

/** The obligation that a limit becomes; `id` names the counter. */
export function limitObligation(limit: Limit, id: string): LimitObligation {
  const window = limit.rate?.window ?? limit.budget?.window ?? '';
  const max = limit.rate?.max ?? limit.budget?.max ?? 0;
  return {
    id,
    per: limit.per ?? 'Agent',
    window,
    max: amount(max) as number,
    ...(limit.budget?.parameter === undefined ? {} : { parameter: limit.budget.parameter }),
    ...(limit.budget?.cost === undefined ? {} : { cost: true }),
  };
}

function declared(
  name: string,
  contract: ActionContract,
  path: FieldPath,
  problems: Problems,
): ParameterContract | undefined {
  const parameter = contract.parameters.get(name);
  if (parameter === undefined) {
    const { toolId, action } = contract;
    const message = `${toolId}/${action} declares no parameter "${name}".`;
    problems.contract('AEGIS_UNKNOWN_PARAMETER', path, message, didYouMean(name, contract.parameters.keys()));
  }
  return parameter;
}

function numericParameter(name: string, contract: ActionContract, path: FieldPath, problems: Problems): void {
  const parameter = declared(name, contract, path, problems);
  if (parameter !== undefined && parameter.type !== 'number') {
    problems.contract(
      'AEGIS_TYPE_MISMATCH',
      path,
      `A budget needs a number, and "${name}" is of type ${parameter.type}.`,
    );
  }
}

function compileSanitize(
  rule: Rule,
  contract: ActionContract,
  site: RuleSite,
): { redact: RedactObligation[]; set: SetObligation[]; unreachable?: string } {
  const redact: RedactObligation[] = [];
  const set: SetObligation[] = [];
  let unreachable: string | undefined;
  (rule.sanitize?.request ?? []).forEach((change, index) => {
    const path = [...site.path, 'sanitize', 'request', index];
    const parameter = declared(change.param, contract, [...path, 'param'], site.problems);
    if (parameter === undefined) {
      // undeclared fields of an open action are forwarded without being seen
      if (contract.open) unreachable = `${change.param} must be sanitised, and the contract does not declare it.`;
      return;
    }
    const obligation = requestChange(change, parameter, path, site.problems);
    if (obligation.op === 'set' || obligation.op === 'clamp') set.push(obligation as SetObligation);
    else redact.push(obligation as RedactObligation);
  });
  (rule.sanitize?.response ?? []).forEach((change, index) => {
    const problem = responseTargetProblem(change);
    const field = change.detector === undefined ? 'pointer' : 'detector';
    const path = [...site.path, 'sanitize', 'response', index, field];
    if (problem !== undefined) site.problems.error('AEGIS_UNKNOWN_DETECTOR', path, problem);
    redact.push(responseChange(change));
  });
  return { redact, set, ...(unreachable === undefined ? {} : { unreachable }) };
}

/** The type that each request operation works on; `drop` and `set` take any. */
const CHANGED_TYPE: Partial<Record<RequestSanitizer['op'], string>> = {
  redact: 'string',
  mask: 'string',
  hash: 'string',
  clamp: 'number',
};

function requestChange(
  change: RequestSanitizer,
  parameter: ParameterContract,
  path: FieldPath,
  problems: Problems,
): RedactObligation | SetObligation {
  const { param, op } = change;
  const wanted = CHANGED_TYPE[op];
  if (wanted !== undefined && parameter.type !== wanted) {
    problems.contract(
      'AEGIS_TYPE_MISMATCH',
      [...path, 'op'],
      `${op} needs a ${wanted}, and "${param}" is a ${parameter.type}.`,
    );
  }
  if (op !== 'set' && op !== 'clamp') return { param, op };
  const value = change.value ?? '';
  if (parameter.type !== 'number')
    return { param, op, value: parameter.type === 'boolean' ? value === 'true' : String(value) };
  const number = amount(value);
  if (Number.isNaN(number)) {
    problems.contract('AEGIS_TYPE_MISMATCH', [...path, 'value'], `"${value}" is not a number, as "${param}" is.`);
  }
  return { param, op, value: number };
}

/** A response change as an obligation: by pointer or by detector. */
export function responseChange(change: ResponseSanitizer): RedactObligation {
  const { op, pointer, detector } = change;
  return { op, ...(pointer === undefined ? {} : { pointer }), ...(detector === undefined ? {} : { detector }) };
}
