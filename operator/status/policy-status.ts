import type { AgentPolicy, PolicyBundleStatus } from '../../policy/resources/types.generated.ts';
import { acceptanceAspects } from './acceptance-aspects.ts';
import { type Aspect, conditionsOf, fails, holds, type Judgement } from './aspect.ts';
import { warningsOf } from './finding-text.ts';
import { rolloutComplete, rolloutStatus } from './rollout-status.ts';
import { present, safeCount, safeLong, safeName, safeTime } from './safe-values.ts';
import type { PolicyView } from './views.ts';

const TEXTS = {
  lastGood: 'The last good version stays in use.',
  none: 'Nothing of this policy is in use.',
  published: 'In a committed bundle.',
};

/**
 * Status of an AgentPolicy. Only the times of `previous` matter, so the same view gives the same status again. Agents
 * are counted by the pods that have a live gateway: one that does not run can neither have the policy nor break it.
 */
export function policyStatus(
  view: PolicyView,
  previous: AgentPolicy['status'] | undefined,
  now: number,
): NonNullable<AgentPolicy['status']> {
  const { generation, published, rollout, deleting, findings } = view;
  const pods = settled(view, previous);
  const acceptance = acceptanceAspects(view, published !== undefined, TEXTS, now);
  const judgement = {
    generation,
    chain: [...acceptance, programmed(pods)],
    beside: [rolloutComplete(view)],
    ready: ready(view, pods),
    deleting,
  };
  const { matched, acknowledged } = pods;
  return {
    observedGeneration: generation,
    conditions: conditionsOf(judgement, previous?.conditions, now),
    ...(rollout !== undefined && { rollout: rolloutStatus(rollout) }),
    ...(published !== undefined && { bundle: bundleStatus(published) }),
    agents: { matched, acknowledged, summary: `${acknowledged}/${matched}` },
    ...warningsOf(findings),
  };
}

/** The counts; those from before while they are only being taken again for the same generation. */
function settled({ pods, generation }: PolicyView, previous: AgentPolicy['status']): PolicyView['pods'] {
  const known = pods.settling === true && previous?.observedGeneration === generation ? previous.agents : undefined;
  const { matched = pods.matched, acknowledged = pods.acknowledged } = known ?? {};
  return { matched: safeCount(matched), acknowledged: safeCount(acknowledged) };
}

function programmed({ matched, acknowledged }: PolicyView['pods']): Aspect {
  if (matched === 0)
    return holds('Programmed', 'NoMatchingAgents', 'No gateway runs in scope; the next one starts with it.');
  if (acknowledged >= matched) return holds('Programmed', 'AllAcknowledged', 'Every running gateway in scope has it.');
  const message = 'Not every running gateway in scope has it yet; status.agents counts them.';
  return fails('Programmed', 'waiting', 'WaitingForGateways', message);
}

const AT_STAGE = {
  Shadow: 'In shadow: says what it would do, enforces nothing',
  Partial: 'Enforced for part of the agents in scope, in shadow for the others',
  Enforce: 'Enforced',
} as const;

/** A policy is ready when it does what its stage promises; the reason says what the rollout is at. */
function ready({ suspended, rollout }: PolicyView, { matched }: PolicyView['pods']): Judgement['ready'] {
  if (suspended) return { reason: 'Suspended', message: 'Suspended: takes no part in decisions.' };
  const nowhere = matched === 0 ? ' No gateway runs in scope.' : '';
  if (rollout === undefined) return { reason: 'Published', message: `Published.${nowhere}` };
  const { stage, phase, revision, stableRevision } = rollout;
  const text = phase === 'RolledBack' ? 'The newest revision was taken back' : AT_STAGE[stage];
  const stable = stableRevision !== undefined && stableRevision !== revision && stage !== 'Enforce';
  const message = `${text}${stable ? '; the stable revision keeps enforcing' : ''}.${nowhere}`;
  return { reason: phase === 'Complete' ? 'Completed' : phase, message };
}

function bundleStatus({ digest, sequence, keyId, configMapName, expiresAt }: NonNullable<PolicyView['published']>) {
  return present({
    digest: safeName(digest, 71),
    sequence: safeLong(sequence),
    keyId: safeName(keyId, 128),
    configMapName: safeName(configMapName, 253),
    expiresAt: safeTime(expiresAt),
  }) satisfies PolicyBundleStatus;
}
