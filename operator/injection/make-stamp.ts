import type { CaptureMode, PodStamp } from '../../policy/wire/pod-contract.ts';
import { guardProblems } from './guard-grant.ts';
import { render } from './render.ts';
import type { AdmittedPod, InjectionFacts, InjectionSettings, NamespaceFacts } from './types.ts';

/**
 * What is said of a pod in its annotation. The digest leaves the minimum sequence out: with every bundle it is another
 * one, and a pod that started earlier has moved on by itself.
 * @param digest SHA-256 in hexadecimal digits.
 */
export function makeStamp(
  pod: AdmittedPod,
  facts: InjectionFacts,
  namespace: NamespaceFacts,
  settings: InjectionSettings,
  mode: CaptureMode,
  digest: (text: string) => string,
): PodStamp {
  const { name, agentId, egressGuard } = facts.registration;
  const problems = egressGuard === 'Off' ? [] : guardProblems(pod, namespace, settings, mode);
  const template = JSON.stringify(render({ ...facts, minSequence: 1 }, mode, settings));
  return {
    version: 1,
    registration: name,
    agent: agentId,
    tenant: facts.tenant.name,
    template: `sha256:${digest(template)}`,
    capture: mode,
    egressGuard,
    guarded: egressGuard === 'Enforce' && problems.length === 0,
    ...(problems.length > 0 && { problems }),
  };
}
