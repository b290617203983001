/** What is wrong with the rules of one policy on the tools in its scope, whoever calls. */
import type { AgentPolicy, Conditions, Rule } from '../../resources/types.generated.ts';
import type { ToolBinding } from '../bind-policy.ts';
import { ROLE_KEYS } from '../compile-conditions.ts';
import type { Problems } from '../problem.ts';
import type { CompiledRule } from '../slice.ts';
import { findContradiction } from './contradiction.ts';

/** Rules that never bind or are never asked, and conditions that no call can meet. */
export function ruleProblems(policy: AgentPolicy, tools: ReadonlyMap<string, ToolBinding>, problems: Problems): void {
  policy.spec.rules.forEach((rule, index) => {
    const path = ['spec', 'rules', index];
    const sites = [...tools.values()].flatMap(({ sites: all }) => all.filter((site) => site.rule.name === rule.name));
    const first = sites[0];
    if (first === undefined) {
      if (rule.actions.includes('*')) {
        const message = 'No action in scope declares every parameter and role that the rule needs.';
        problems.contract('AEGIS_UNREACHABLE_RULE', [...path, 'actions'], message);
      }
      return;
    }
    if (sites.every(({ shadowedBy }) => shadowedBy !== undefined)) {
      const message = `Rule "${rule.name}" is never asked: rule "${first.shadowedBy}" before it fits every call.`;
      problems.warning('AEGIS_UNREACHABLE_RULE', [...path, 'name'], message);
    }
    inverted(first.rule, path, problems);
    contradictions(
      rule,
      sites.map((site) => site.rule),
      path,
      problems,
    );
  });
}

/** Failing a condition must not be the easier way. */
function inverted(rule: CompiledRule, path: (string | number)[], problems: Problems): void {
  const milder = rule.if?.find(({ bad }) => bad < rule.ok);
  if (milder === undefined) return;
  const message = `Rule "${rule.name}" is milder where a condition fails than where all of them hold.`;
  problems.warning('AEGIS_INVERTED_RULE', [...path, 'outcome'], message);
}

/** A rule that no call of any of its actions can meet is an error; one that some of them can is only suspicious. */
function contradictions(
  source: Rule,
  rules: readonly CompiledRule[],
  path: (string | number)[],
  problems: Problems,
): void {
  for (const key of ['when', 'conditions'] as const) {
    const found = rules.map((rule) => findContradiction((key === 'when' ? rule.when : rule.if) ?? []));
    const first = found.find((contradiction) => contradiction !== undefined);
    if (first === undefined) continue;
    const place = [...path, key, ...subjectPath(source[key], first.subject)];
    if (found.includes(undefined)) problems.warning('AEGIS_CONTRADICTION', place, first.message);
    else problems.contract('AEGIS_CONTRADICTION', place, first.message);
  }
}

/** The parameter itself where all of its tests stand there; well-known keys may have added some. */
function subjectPath(conditions: Conditions | undefined, subject: string): string[] {
  const elsewhere = Object.keys(ROLE_KEYS).some((key) => conditions?.[key as keyof Conditions] !== undefined);
  return !elsewhere && Object.hasOwn(conditions?.params ?? {}, subject) ? ['params', subject] : [];
}
