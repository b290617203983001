import { fileURLToPath } from 'node:url';
import type { Cluster } from '../cluster/cluster.ts';

const CONFIG = fileURLToPath(new URL('../../config/operator', import.meta.url));
export const OPERATOR_NAMESPACE = 'aegis-system';
export const OPERATOR_SELECTOR = 'app.kubernetes.io/name=aegis-operator';

/** Installs the operator of `config/operator`, or waits for the one that is there. */
export async function installOperator(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['apply', '--server-side', '--force-conflicts', '-k', CONFIG]);
  await operatorReady(cluster);
}

export async function operatorReady(cluster: Cluster, seconds = 120): Promise<void> {
  const args = ['-n', OPERATOR_NAMESPACE, 'rollout', 'status', 'deployment/aegis-operator', `--timeout=${seconds}s`];
  const { code, stderr } = await cluster.run(args, undefined, (seconds + 30) * 1000);
  if (code === 0) return;
  const pods = await cluster.run(['-n', OPERATOR_NAMESPACE, 'describe', 'pods', '-l', OPERATOR_SELECTOR]);
  const logs = await cluster.run(['-n', OPERATOR_NAMESPACE, 'logs', '-l', OPERATOR_SELECTOR, '--tail=20']);
  throw new Error(`${stderr}\n${pods.stdout.slice(-4000)}\n${logs.stdout}`);
}
