import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { cgroupFolders } from '../cluster/cgroups.ts';
import { inNode } from '../cluster/host-side.ts';
import { Layout } from '../cluster/layout.ts';

/** What the network of this process has: interfaces, and rules of the packet filter. */
export function networkHere(layout: Layout): string[] {
  const interfaces = readFileSync('/proc/net/dev', 'utf8').match(/^ *\S+(?=:)/gm) ?? [];
  const save = ['iptables-save', 'ip6tables-save'].map((name) => `xtables-nft-multi ${name}`).join('; ');
  const rules = inNode(layout, save).split('\n');
  return [
    ...interfaces.map((name) => `interface ${name.trim()}`),
    ...rules.filter((line) => /^[-*:]/.test(line)).map((line) => `rule ${line.replace(/\[\d+:\d+\]/, '')}`),
  ];
}

/** What there is of one cluster, seen from outside of its namespaces. */
export class Traces {
  readonly layout: Layout;
  readonly #namespaces: ReadonlySet<string>;

  private constructor(folder: string, namespaces: readonly string[]) {
    this.layout = new Layout(folder);
    this.#namespaces = new Set(namespaces);
  }

  /** Of the cluster that a process has started; undefined as long as it has namespaces of nobody else. */
  static of(runner: number): Traces | undefined {
    const here = readlinkSync('/proc/self/ns/net');
    for (const pid of readFileSync(`/proc/${runner}/task/${runner}/children`, 'utf8').trim().split(' ')) {
      const folder = link(`/proc/${pid}/cwd`) ?? '';
      const namespaces = ['net', 'mnt', 'pid_for_children'].map((name) => link(`/proc/${pid}/ns/${name}`) ?? '');
      if (/aegis-e2e-\w+$/.test(folder) && !namespaces.includes(here) && !namespaces.includes(''))
        return new Traces(folder, namespaces);
    }
    return undefined;
  }

  /** Each with its kind in front; empty when nothing is left. */
  all(): string[] {
    const { folder, cgroup } = this.layout;
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    return [
      ...[folder].filter((path) => existsSync(path)).map((path) => `folder ${path}`),
      ...cgroupFolders(cgroup)
        .filter((path) => existsSync(path))
        .map((path) => `cgroup ${path}`),
      ...mounts.filter((line) => line.includes(folder)).map((line) => `mount ${line}`),
      ...readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name) && this.#owns(name))
        .map((pid) => `process ${pid} ${text(`/proc/${pid}/comm`).trim()}`),
    ];
  }

  /** In one of its namespaces or cgroups (a container has namespaces of its own), or called with its folder. */
  #owns(pid: string): boolean {
    const { folder, cgroup } = this.layout;
    return (
      ['net', 'mnt', 'pid'].some((name) => this.#namespaces.has(link(`/proc/${pid}/ns/${name}`) ?? '')) ||
      text(`/proc/${pid}/cgroup`).includes(cgroup) ||
      text(`/proc/${pid}/cmdline`).includes(folder)
    );
  }
}

/** Undefined where the process has ended. */
function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
