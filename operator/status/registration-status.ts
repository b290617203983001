import type { AgentRegistration } from '../../policy/resources/types.generated.ts';
import { acceptanceAspects } from './acceptance-aspects.ts';
import { type Aspect, conditionsOf, fails, holds, type Judgement } from './aspect.ts';
import { warningsOf } from './finding-text.ts';
import { effectiveGuard, egressGuarded, injected, injectionWarnings } from './injection-aspects.ts';
import { egressStatus } from './observed-egress.ts';
import { present, safeCount, safeName } from './safe-values.ts';
import type { RegistrationView } from './views.ts';

const TEXTS = {
  lastGood: 'The last good version stays in use.',
  none: 'The agent is in no bundle: all its calls are refused.',
  published: 'In a committed bundle.',
};

/** Status of an AgentRegistration. Only the times of `previous` matter. */
export function registrationStatus(
  view: RegistrationView,
  previous: AgentRegistration['status'] | undefined,
  now: number,
): NonNullable<AgentRegistration['status']> {
  const { generation, agentId, tenant, configMapName, published, findings } = view;
  const pods = settled(view, previous);
  const acceptance = acceptanceAspects(view, published !== undefined, TEXTS, now);
  const judgement = {
    generation,
    chain: [...acceptance, injected(view, pods), programmed(pods)],
    beside: [egressGuarded(view, pods)],
    ready: ready(view, pods),
  };
  const { matched, injected: withGateway, acknowledged } = pods;
  return {
    observedGeneration: generation,
    conditions: conditionsOf(judgement, previous?.conditions, now),
    ...present({
      agentId: safeName(agentId, 63),
      tenant: safeName(tenant, 63),
      configMapName: safeName(configMapName, 253),
    }),
    egressGuard: effectiveGuard(view, pods),
    pods: { matched, injected: withGateway, acknowledged, summary: `${withGateway}/${matched}` },
    ...(view.egressSettling === true && previous?.egress ? { egress: previous.egress } : egressStatus(view.egress)),
    ...warningsOf(findings, injectionWarnings(view, pods)),
  };
}

/** Gateways as they were counted before, while they are only being counted again for the same pods. */
function settled(
  { pods, generation }: RegistrationView,
  previous: AgentRegistration['status'],
): RegistrationView['pods'] {
  const matched = safeCount(pods.matched);
  const same = previous?.observedGeneration === generation && previous.pods?.matched === matched;
  const known = pods.settling === true && same ? previous.pods : undefined;
  const { injected = pods.injected, acknowledged = pods.acknowledged } = known ?? {};
  return {
    matched,
    injected: safeCount(injected),
    acknowledged: safeCount(acknowledged),
    ambiguous: safeCount(pods.ambiguous),
    silent: safeCount(pods.silent ?? 0),
  };
}

/** A pod of two agents gets no bundle; one whose gateway has not spoken yet does not count. */
function programmed({ matched, injected, acknowledged, ambiguous }: RegistrationView['pods']): Aspect {
  const type = 'Programmed';
  if (ambiguous > 0) {
    const message =
      'Another registration matches some of the pods too. Their gateways get no bundle until the selectors are disjoint.';
    return fails(type, 'waiting', 'AmbiguousPods', message);
  }
  if (matched === 0) return holds(type, 'NoMatchingPods', '0 pods match.');
  if (acknowledged >= injected)
    return holds(type, 'AllAcknowledged', 'Every gateway of the agent has its newest bundle.');
  const message = 'Not every gateway of the agent has its newest bundle yet; status.pods counts them.';
  return fails(type, 'waiting', 'WaitingForGateways', message);
}

function ready({ suspended }: RegistrationView, { matched }: RegistrationView['pods']): Judgement['ready'] {
  if (suspended) return { reason: 'Suspended', message: 'Suspended: every call of the agent is refused.' };
  if (matched === 0)
    return { reason: 'NoMatchingPods', message: '0 pods match. If some should, correct spec.workload.' };
  return { reason: 'Bound', message: 'Every pod of the agent has a gateway with its newest bundle.' };
}
