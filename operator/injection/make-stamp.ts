import type { CaptureMode, PodStamp } from '../../policy/wire/pod-contract.ts';
import { MIN_SEQUENCE_VARIABLE } from './gateway-environment.ts';
import { guardProblems } from './guard-grant.ts';
import type { Rendered } from './render.ts';
import type { AdmittedPod, InjectionFacts, InjectionSettings, NamespaceFacts } from './types.ts';

export interface Stamped {
  facts: InjectionFacts;
  namespace: NamespaceFacts;
  settings: InjectionSettings;
  mode: CaptureMode;
  rendered: Rendered;
}

/**
 * What is said of a pod in its annotation.
 * @param digest SHA-256 in hexadecimal digits.
 */
export function makeStamp(
  pod: AdmittedPod,
  { facts, namespace, settings, mode, rendered }: Stamped,
  digest: (text: string) => string,
): PodStamp {
  const { name, agentId, egressGuard } = facts.registration;
  const problems = egressGuard === 'Off' ? [] : guardProblems(pod, namespace, settings, mode);
  return {
    version: 1,
    registration: name,
    agent: agentId,
    tenant: facts.tenant.name,
    template: templateOf(rendered, digest),
    capture: mode,
    egressGuard,
    guarded: egressGuard === 'Enforce' && problems.length === 0,
    ...(problems.length > 0 && { problems }),
  };
}

/**
 * Of everything that was rendered, `sha256:…`. It leaves the minimum sequence out: with every bundle it is another one, and
 * a pod that started earlier has moved on by itself.
 * @param digest SHA-256 in hexadecimal digits.
 */
export function templateOf({ containers, ...rendered }: Rendered, digest: (text: string) => string): string {
  const lasting = containers.map(({ env = [], ...container }) => ({
    ...container,
    env: env.filter(({ name }) => name !== MIN_SEQUENCE_VARIABLE),
  }));
  return `sha256:${digest(JSON.stringify([lasting, rendered]))}`;
}
