import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
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

/** Leaves the container of the process less and less memory, until that ends it. @returns when, ms since the epoch */
export async function exhaustMemory({ pid, cgroup }: PodProcess): Promise<number> {
  const ended = () => {
    squeeze(cgroup);
    return !existsSync(`/proc/${pid}`);
  };
  await waitFor(ended, 60_000, 'it does not run out of memory');
  return Date.now();
}

/** Gives back what can be given back, and allows nothing beyond the rest. */
function squeeze(cgroup: string): void {
  const first = `/sys/fs/cgroup/memory${cgroup}`;
  const second = `/sys/fs/cgroup${cgroup}`;
  const usage = () => Number(readFileSync(`${first}/memory.usage_in_bytes`, 'utf8'));
  const allow = (bytes: number) => writeFileSync(`${first}/memory.limit_in_bytes`, String(Math.floor(bytes)));
  // the first is refused where not so much can be given back
  const attempts = existsSync(first)
    ? [() => allow(usage() / 2), () => allow(usage())]
    : [() => writeFileSync(`${second}/memory.max`, '1048576')];
  for (const attempt of attempts) {
    try {
      attempt();
      return;
    } catch {
      // it needs more by now, or has ended
    }
  }
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
