import type { AgentRegistration } from '../../policy/resources/types.generated.ts';
import type { ObservedEgress } from '../status/observed-egress.ts';
import type { RegistrationView } from '../status/views.ts';
import { guardFacts } from '../workloads/guard-facts.ts';
import { isLabelled } from '../workloads/injection-labels.ts';
import type { RegistrationPods } from './scoped-pods.ts';

export interface InjectionKnowledge {
  pods: RegistrationPods;
  /** Of the namespace; undefined: not known. */
  labels: Readonly<Record<string, string>> | undefined;
  /** Of the stamp that a new pod would get; undefined: not known. */
  template: string | undefined;
  egress: readonly ObservedEgress[] | undefined;
  /** Gateways may not have told this leader everything yet. */
  settling: boolean;
}

type InjectionView = Pick<
  RegistrationView,
  'egressGuard' | 'namespace' | 'serviceAccountName' | 'strays' | 'optedOut' | 'guard' | 'egress' | 'egressSettling'
>;

/** The part of a registration's view that says whether its pods are protected. */
export function injectionView({ metadata, spec }: AgentRegistration, known: InjectionKnowledge): InjectionView {
  const { pods, labels, template, egress, settling } = known;
  const { name, namespace = 'default' } = metadata;
  const egressGuard = spec.egressGuard ?? 'Off';
  return {
    egressGuard,
    ...(labels !== undefined && { namespace: { name: namespace, labelled: isLabelled(labels) } }),
    serviceAccountName: spec.workload.serviceAccountName,
    strays: pods.strays,
    optedOut: pods.optedOut,
    guard: guardFacts(pods.running, { name, egressGuard, template }),
    ...(egress !== undefined && { egress }),
    ...(settling && { egressSettling: true }),
  };
}
