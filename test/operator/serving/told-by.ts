import type { ToldBy } from '../../../operator/serving/gateway-table.ts';

export const TENANT = { name: 'n', uid: 'tenant-of-n' };

/** The gateway of a pod of an agent. */
export function toldBy(agentId: string, pod: string, tenant = TENANT): ToldBy {
  return { tenant, agentId, namespace: 'n', podName: pod, podUid: `uid-of-${pod}`, registration: `n/${agentId}` };
}
