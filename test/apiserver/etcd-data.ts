import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** One call of etcd's JSON gateway. @throws where the answer is no success */
async function ask(port: number, path: string, body: object): Promise<Record<string, unknown>> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`etcd answered ${answer.status} to ${path}: ${text.slice(0, 300)}`);
  return JSON.parse(text) as Record<string, unknown>;
}

/** Whether the etcd at this port serves, and is the one of this name: ports go from hand to hand. */
export async function isHealthy(port: number, name: string): Promise<boolean> {
  const { members } = await ask(port, '/v3/cluster/member/list', {});
  if (!(members as { name?: string }[] | undefined)?.some((member) => member.name === name)) return false;
  await revisionOf(port);
  return true;
}

/** The newest revision; the `resourceVersion` of whatever was written last. */
export async function revisionOf(port: number): Promise<string> {
  const { header } = await ask(port, '/v3/kv/range', { key: btoa('/registry/none') });
  return (header as { revision: string }).revision;
}

export async function compactEtcd(port: number, revision: string): Promise<void> {
  await ask(port, '/v3/kv/compaction', { revision, physical: true });
}

/** A copy of what etcd held; etcd was stopped for it. */
export interface EtcdBackup {
  readonly folder: string;
}

const DATA = 'etcd';

/** etcd must not run. */
export function copyEtcd(folder: string, number: number): EtcdBackup {
  const copy = join(folder, `backup-${number}`);
  cpSync(join(folder, DATA), copy, { recursive: true });
  return { folder: copy };
}

/** etcd must not run. */
export function putEtcdBack(folder: string, backup: EtcdBackup): void {
  rmSync(join(folder, DATA), { recursive: true });
  cpSync(backup.folder, join(folder, DATA), { recursive: true });
}
