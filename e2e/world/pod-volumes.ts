import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Layout } from '../cluster/layout.ts';

/** Removes what an emptyDir of a pod holds, as it lies on the node. Only where the suite runs there. */
export function emptyVolume(uid: string, volume: string, env = process.env): void {
  const { kubelet } = new Layout(env.AEGIS_E2E_CLUSTER as string);
  const folder = join(kubelet, 'pods', uid, 'volumes/kubernetes.io~empty-dir', volume);
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { recursive: true });
}
