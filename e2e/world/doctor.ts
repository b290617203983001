import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Cluster } from '../cluster/cluster.ts';

const AEGIS = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));

/** What `aegis doctor POD` prints, and its exit code. */
export function doctor(
  cluster: Cluster,
  { namespace, name }: { namespace: string; name: string },
  ...flags: readonly string[]
): Promise<{ code: number; text: string }> {
  const words = [AEGIS, 'doctor', name, '-n', namespace, '--kubeconfig', cluster.kubeconfig, ...flags];
  return new Promise((resolve) => {
    execFile(process.execPath, words, { timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), text: `${stdout}${stderr}` });
    });
  });
}
