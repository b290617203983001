import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { Watchdog } from '../../test/apiserver/watchdog.ts';
import { makeCgroups } from './cgroups.ts';
import { Layout } from './layout.ts';

const RUN_NODE = fileURLToPath(new URL('run-node.ts', import.meta.url));

/**
 * A cluster of one node in network, mount and process namespaces of its own. Whatever happens inside, nothing outside
 * changes but one folder and one cgroup; and when the first process of the process namespace ends, the kernel ends all
 * others and takes the mounts, the bridge and the packet filter's rules with them. A watchdog sees to that, and removes
 * folder and cgroup, also where this process is killed.
 */
export class RunningCluster {
  readonly layout: Layout;
  readonly #watchdog: Watchdog;
  readonly #holder: ChildProcess;

  private constructor(layout: Layout, watchdog: Watchdog, holder: ChildProcess) {
    this.layout = layout;
    this.#watchdog = watchdog;
    this.#holder = holder;
  }

  /** @param images docker-archives that the node has from the start; the pause image is one of them */
  static async start(images: readonly string[], signal?: AbortSignal): Promise<RunningCluster> {
    if (process.getuid?.() !== 0) throw new Error('a cluster needs root, or a cluster of yours in KUBECONFIG');
    const layout = new Layout(realpathSync(mkdtempSync(join(tmpdir(), 'aegis-e2e-'))));
    const watchdog = new Watchdog(layout.folder, makeCgroups(layout.cgroup));
    mkdirSync(layout.file('tmp'));
    const words = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc', '--propagation', 'private'];
    // the shell is process 1: it waits for whatever loses its parent
    const first = ['sh', '-c', '"$@" & wait $!', 'sh', process.execPath, RUN_NODE, layout.folder, ...images];
    const holder = spawn('unshare', [...words, '--', ...first], {
      cwd: layout.folder,
      env: { ...process.env, TMPDIR: layout.file('tmp') },
      stdio: ['ignore', 'inherit', 'inherit'],
      // what is sent to the whole group (Ctrl-C) does not reach it
      detached: true,
    });
    const cluster = new RunningCluster(layout, watchdog, holder);
    try {
      await cluster.#whenReady(signal);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  async #whenReady(signal: AbortSignal | undefined): Promise<void> {
    const { pid } = this.#holder;
    if (pid === undefined) throw new Error('unshare cannot be started');
    this.#watchdog.add(pid);
    const first = await waitFor(() => firstChild(pid), 10_000, 'unshare has started nothing');
    this.#watchdog.add(first);
    const { layout } = this;
    writeFileSync(layout.enter, enterScript(layout, pid), { mode: 0o755 });
    const ready = () => {
      signal?.throwIfAborted();
      if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) throw new Error('the node has ended');
      return existsSync(layout.controlSocket);
    };
    await waitFor(ready, 300_000, 'the cluster has not come up');
  }

  /** Once the processes of the cluster are gone, or never. */
  whenEnded(): Promise<void> {
    return new Promise((resolve) => this.#holder.once('exit', () => resolve()));
  }

  /** Nothing is left afterwards. */
  async stop(): Promise<void> {
    await this.#watchdog.finish();
  }
}

function firstChild(pid: number): number | undefined {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? undefined : Number(children.split(' ')[0]);
}

/** Runs a command inside, in the folder where it is called. */
function enterScript(layout: Layout, pid: number): string {
  const namespaces = [
    `--net=/proc/${pid}/ns/net`,
    `--mount=/proc/${pid}/ns/mnt`,
    `--pid=/proc/${pid}/ns/pid_for_children`,
  ];
  return `#!/bin/sh
export KUBECONFIG=${layout.adminKubeconfig} AEGIS_E2E_CLUSTER=${layout.folder} PATH="${layout.bin}:$PATH" TMPDIR=${layout.file('tmp')}
[ $# -gt 0 ] || set -- bash
exec nsenter ${namespaces.join(' ')} --wd="$PWD" -- "$@"
`;
}
