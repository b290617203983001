import type { LivePod } from './snapshot.ts';

/** How its owner starts this pod anew. */
export function restartCommand({ metadata }: LivePod, namespace: string): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller === true);
  if (owner === undefined) return `delete the pod ${metadata.name} and create it again`;
  const { kind, name } = owner;
  if (kind === 'ReplicaSet') {
    const hash = metadata.labels?.['pod-template-hash'];
    const suffix = hash === undefined ? undefined : `-${hash}`;
    if (suffix !== undefined && name.endsWith(suffix)) {
      return `kubectl rollout restart deployment/${name.slice(0, -suffix.length)} -n ${namespace}`;
    }
  }
  if (kind === 'StatefulSet' || kind === 'DaemonSet') {
    return `kubectl rollout restart ${kind.toLowerCase()}/${name} -n ${namespace}`;
  }
  return `kubectl delete pod ${metadata.name} -n ${namespace}`;
}
