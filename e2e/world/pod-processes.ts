import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { waitFor } from '../../test/apiserver/wait-for.ts';

/** A process of a pod, as the node sees it: suites run in the node's own process namespace. */
export interface PodProcess {
  pid: number;
  /** Of its user. */
  user: number;
  /** Of its memory, below the hierarchy. */
  cgroup: string;
}

/** @param uid of the pod */
export function processesOf(uid: string): PodProcess[] {
  const found: PodProcess[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const lines = readFileSync(`/proc/${name}/cgroup`, 'utf8').split('\n');
      const [, cgroup] =
        lines.map((line) => /^\d+:(?:|.*\bmemory\b.*):(.*)$/.exec(line) ?? []).find(([, it]) => it?.includes(uid)) ??
        [];
      if (cgroup === undefined) continue;
      const user = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1];
      found.push({ pid: Number(name), user: Number(user), cgroup });
    } catch {
      // it has ended
    }
  }
  return found;
}

/** The one process of this user. @throws where there is none for a minute */
export function processOf(uid: string, user: number): Promise<PodProcess> {
  return waitFor(() => processesOf(uid).find((each) => each.user === user), 60_000, `no process of user ${user}`);
}

/** Ends what runs as this user with -9; the kubelet starts its container again. @returns when, ms since the epoch */
export async function killNine(uid: string, user: number): Promise<number> {
  const { pid } = await processOf(uid, user);
  process.kill(pid, 'SIGKILL');
  return Date.now();
}

/** Leaves the container of the process no more memory than it has now, so that its next call for some ends it. */
export function exhaustMemory({ cgroup }: PodProcess): void {
  const folder = `/sys/fs/cgroup/memory${cgroup}`;
  const usage = Number(readFileSync(`${folder}/memory.usage_in_bytes`, 'utf8'));
  writeFileSync(`${folder}/memory.limit_in_bytes`, String(usage));
}

/** ms since it was started. */
export function ageOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const uptime = Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
  // the 22nd field of all, in hundredths of a second
  return uptime * 1000 - Number(fields[19]) * 10;
}
