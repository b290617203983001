import type { AgentRegistration } from '../../policy/resources/types.generated.ts';
import { acceptanceAspects } from './acceptance-aspects.ts';
import { type Aspect, conditionsOf, fails, holds } from './aspect.ts';
import { warningsOf } from './finding-text.ts';
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
  const { generation, agentId, tenant, configMapName, published, pods, findings } = view;
  const acceptance = acceptanceAspects(view, published !== undefined, TEXTS, now);
  const judgement = {
    generation,
    chain: [...acceptance, programmed(view)],
    beside: [egressGuarded(view)],
    ready: ready(view),
  };
  const [matched, injected] = [safeCount(pods.matched), safeCount(pods.injected)];
  return {
    observedGeneration: generation,
    conditions: conditionsOf(judgement, previous?.conditions, now),
    ...present({
      agentId: safeName(agentId, 63),
      tenant: safeName(tenant, 63),
      configMapName: safeName(configMapName, 253),
    }),
    // nothing puts a guard in place yet
    egressGuard: 'Off',
    pods: { matched, injected, acknowledged: safeCount(pods.acknowledged), summary: `${injected}/${matched}` },
    ...warningsOf(findings),
  };
}

/** Worst first: a pod of two agents gets no bundle, a pod without a gateway is not guarded. */
function programmed({ pods: { matched, injected, acknowledged, ambiguous } }: RegistrationView): Aspect {
  const type = 'Programmed';
  if (ambiguous > 0) {
    const message =
      'Another registration matches some of the pods too. Their gateways get no bundle until the selectors are disjoint.';
    return fails(type, 'waiting', 'AmbiguousPods', message);
  }
  if (matched === 0) return holds(type, 'NoMatchingPods', '0 pods match.');
  if (injected < matched) {
    const message = 'Some pods predate injection: they run without a gateway and are not guarded. Restart them.';
    return fails(type, 'waiting', 'PodsPredateInjection', message);
  }
  if (acknowledged >= injected)
    return holds(type, 'AllAcknowledged', 'Every gateway of the agent has its newest bundle.');
  const message = 'Not every gateway of the agent has its newest bundle yet; status.pods counts them.';
  return fails(type, 'waiting', 'WaitingForGateways', message);
}

function egressGuarded({ egressGuard }: RegistrationView): Aspect {
  const type = 'EgressGuarded';
  if (egressGuard === 'Off') return fails(type, 'waiting', 'NotRequested', 'spec.egressGuard is Off.');
  const message = `spec.egressGuard is ${egressGuard}, but no guard is in place: the pods can reach tools past the gateway.`;
  return fails(type, 'waiting', 'NotInjected', message);
}

function ready({ suspended, pods }: RegistrationView): { reason: string; message: string } {
  if (suspended) return { reason: 'Suspended', message: 'Suspended: every call of the agent is refused.' };
  if (pods.matched === 0)
    return { reason: 'NoMatchingPods', message: '0 pods match. If some should, correct spec.workload.' };
  return { reason: 'Bound', message: 'Every pod of the agent has a gateway with its newest bundle.' };
}
