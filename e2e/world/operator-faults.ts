import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { Cluster, Pod } from '../cluster/cluster.ts';
import { OPERATOR_NAMESPACE, OPERATOR_SELECTOR, operatorReady } from '../support/operator.ts';
import { processesOf } from './pod-processes.ts';

const DEPLOYMENT = 'deployment/aegis-operator';

export function operatorPods(cluster: Cluster): Promise<Pod[]> {
  return cluster.pods(OPERATOR_NAMESPACE, OPERATOR_SELECTOR);
}

/** Scales to none, and waits until no process of any replica is left. */
export async function stopOperator(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['scale', '-n', OPERATOR_NAMESPACE, DEPLOYMENT, '--replicas=0']);
  await waitFor(async () => (await operatorPods(cluster)).length === 0, 60_000, 'the operator does not end');
}

/** Until both replicas are ready. */
export async function startOperator(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['scale', '-n', OPERATOR_NAMESPACE, DEPLOYMENT, '--replicas=2']);
  await operatorReady(cluster);
}

/** Ends every replica with -9; the kubelet starts them again. */
export async function killOperator(cluster: Cluster): Promise<void> {
  const pods = await operatorPods(cluster);
  for (const { metadata } of pods) {
    for (const { pid, user } of processesOf(metadata.uid)) if (user === OPERATOR_USER) process.kill(pid, 'SIGKILL');
  }
}

/** Of the program; the pod has a sandbox as well. */
const OPERATOR_USER = 65_532;
