/** Rules of different policies that together leave nothing to allow, for one agent on one action. */
import type { Finding } from '../../errors.ts';
import type { ActionContract } from '../action-contract.ts';
import { findingAt } from '../finding-at.ts';
import type { PolicyRevision } from '../policy-revision.ts';
import type { CompiledRule, Condition } from '../slice.ts';
import { findContradiction, mandatory } from './contradiction.ts';

interface Sited {
  rule: CompiledRule;
  revision: PolicyRevision;
}

/** Warnings at the Permits that can never allow; `revisions` are those in scope of the agent and the tool. */
export function findConflicts(contract: ActionContract, revisions: readonly PolicyRevision[]): Finding[] {
  const { permits, restricts } = alwaysAsked(contract, revisions);
  if (permits.length + restricts.length < 2) return [];
  const overridden = new Set(permits.flatMap(({ rule }) => Object.keys(rule.overrides ?? {})));
  const binding = restricts.filter(({ rule }) => rule.yields === undefined || !overridden.has(rule.yields));
  const ban = binding.find(({ rule }) => rule.ok === 4);
  const where = `${contract.toolId}/${contract.action}`;
  if (ban !== undefined) {
    return permits
      .filter(({ rule }) => rule.grants)
      .map((site) => warning(site, 'AEGIS_CONFLICT', `Never allows ${where}: ${ban.rule.id} always denies it.`));
  }
  const gathered: Condition[] = [];
  for (const site of [...binding, ...permits]) {
    const before = findContradiction(gathered);
    gathered.push(...mandatory(site.rule.if));
    const found = findContradiction(gathered);
    if (before === undefined && found !== undefined && findContradiction(site.rule.if ?? []) === undefined) {
      const message = `Together with the other policies, ${where} is always denied. ${found.message}`;
      return [warning(site, 'AEGIS_ALWAYS_DENIES', message)];
    }
  }
  return [];
}

/** Rules that every call meets: the first Permit of a policy when it has no `when`, and Restricts without one. */
function alwaysAsked(
  contract: ActionContract,
  revisions: readonly PolicyRevision[],
): { permits: Sited[]; restricts: Sited[] } {
  const permits: Sited[] = [];
  const restricts: Sited[] = [];
  for (const revision of revisions) {
    const binding = revision.tools.get(contract.toolId)?.actions.get(contract.action);
    const first = binding?.permits[0];
    if (first !== undefined && first.when === undefined) permits.push({ rule: first, revision });
    for (const rule of binding?.restricts ?? []) if (rule.when === undefined) restricts.push({ rule, revision });
  }
  return { permits, restricts };
}

function warning({ rule, revision }: Sited, code: 'AEGIS_CONFLICT' | 'AEGIS_ALWAYS_DENIES', message: string): Finding {
  const index = revision.source.object.spec.rules.findIndex(({ name }) => name === rule.name);
  return findingAt(revision.source, code, 'warning', ['spec', 'rules', index, 'name'], message);
}
