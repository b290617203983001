import { INJECT_LABEL } from '../../policy/wire/pod-contract.ts';
import type { NamespaceFacts } from '../injection/types.ts';
import type { KubeObject } from '../kube/types.ts';

/** Of Pod Security admission (kubernetes.io/docs/concepts/security/pod-security-admission). */
export const POD_SECURITY_LABEL = 'pod-security.kubernetes.io/enforce';

/** What the labels of a namespace say about its pods; a level that is not known counts as the strictest. */
export function namespaceFacts({ metadata: { name, labels = {} } }: KubeObject): NamespaceFacts {
  const level = labels[POD_SECURITY_LABEL] ?? 'privileged';
  return {
    name,
    mode: labels[INJECT_LABEL] === 'strict' ? 'Strict' : 'Enabled',
    podSecurity: level === 'privileged' || level === 'baseline' ? level : 'restricted',
  };
}
