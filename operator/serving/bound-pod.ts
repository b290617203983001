import { AegisError } from '../../policy/errors.ts';
import type { ReviewedUser } from './token-reviewer.ts';

/** What a projected token is bound to, by the word of the API server. */
export interface BoundPod {
  namespace: string;
  serviceAccount: string;
  podName: string;
  podUid: string;
  /** Where the API server says it (Kubernetes 1.30 and later). */
  nodeName?: string;
}

const USERNAME = /^system:serviceaccount:([^:]+):([^:]+)$/;
const EXTRA = 'authentication.kubernetes.io/';

/** @throws AegisError `AEGIS_SERVING_TOKEN_UNBOUND`: not of a ServiceAccount, or not of one pod. */
export function boundPod({ username, extra }: ReviewedUser): BoundPod {
  const [, namespace, serviceAccount] = USERNAME.exec(username) ?? [];
  const podName = only(extra[`${EXTRA}pod-name`]);
  const podUid = only(extra[`${EXTRA}pod-uid`]);
  const nodeName = only(extra[`${EXTRA}node-name`]);
  if (namespace === undefined || serviceAccount === undefined || podName === undefined || podUid === undefined) {
    throw new AegisError('AEGIS_SERVING_TOKEN_UNBOUND', 'the token is not bound to a pod');
  }
  return { namespace, serviceAccount, podName, podUid, ...(nodeName !== undefined && { nodeName }) };
}

function only(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 && values[0] !== '' ? values[0] : undefined;
}
