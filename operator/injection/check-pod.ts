import { GATEWAY_CONTAINER } from '../../policy/wire/pod-contract.ts';
import type { CheckFinding } from './check-finding.ts';
import { checkForeignParts } from './check-foreign-parts.ts';
import { checkOwnParts } from './check-own-parts.ts';
import { MIN_SEQUENCE_VARIABLE } from './gateway-environment.ts';
import { injectPod } from './inject-pod.ts';
import type { AdmittedPod, InjectionFacts, InjectionSettings, NamespaceFacts } from './types.ts';

/** What a pod may have been rendered from. */
export interface Expected {
  facts: InjectionFacts;
  namespace: NamespaceFacts;
  settings: InjectionSettings;
}

const SEQUENCE = /^[1-9][0-9]{0,15}$/;

/**
 * What is not in the pod as it would be rendered for any of `expected`; nothing: all is well. The pod is rendered again
 * over itself, so that only what others may change at all may differ.
 * @param expected the newest first; findings are about it.
 * @param digest SHA-256 in hexadecimal digits.
 */
export function checkPod(
  pod: AdmittedPod,
  expected: readonly Expected[],
  digest: (text: string) => string,
): CheckFinding[] {
  const lowest = Math.min(...expected.map(({ facts }) => facts.minSequence));
  const found = sequenceOf(pod);
  const minSequence = found !== undefined && found >= lowest ? found : undefined;
  let newest: CheckFinding[] = [{ field: 'spec.initContainers', message: 'can be rendered for no agent' }];
  for (const [index, { facts, namespace, settings }] of expected.entries()) {
    const then = minSequence === undefined ? facts : { ...facts, minSequence };
    const { pod: rendered } = injectPod(pod, then, namespace, settings, digest);
    const findings = [...checkOwnParts(pod, rendered), ...checkForeignParts(pod, rendered, settings)];
    if (findings.length === 0) return [];
    if (index === 0) newest = findings;
  }
  return newest;
}

/** What the pod's gateway is told. Another replica may have seen a newer bundle; a higher number only asks for more. */
function sequenceOf({ spec }: AdmittedPod): number | undefined {
  const gateway = spec.initContainers?.find(({ name }) => name === GATEWAY_CONTAINER);
  const text = gateway?.env?.find(({ name }) => name === MIN_SEQUENCE_VARIABLE)?.value;
  if (text === undefined || !SEQUENCE.test(text)) return undefined;
  const sequence = Number(text);
  return Number.isSafeInteger(sequence) ? sequence : undefined;
}
