import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { toolFolder } from '../../scripts/tool-path.ts';
import { ControlPlane } from '../../test/apiserver/control-plane.ts';
import { kubectl } from '../../test/apiserver/kubectl.ts';
import { ProcessEnded } from '../../test/apiserver/processes.ts';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { inNode, linkTools, mountOwnFolders, nodeEnvironment, setUpNetwork } from './host-side.ts';
import { KUBELET_CLIENT, makeKubeletClient } from './kubelet-client.ts';
import { CLUSTER_CIDR, type Layout, NODE_ADDRESS, NODE_NAME } from './layout.ts';
import { corefile, proxyConfig, writeNodeFiles } from './node-files.ts';
import { phase } from './phases.ts';

const run = promisify(execFile);

const USERS = {
  kubelet: { name: `system:node:${NODE_NAME}`, group: 'system:nodes' },
  'kube-scheduler': { name: 'system:kube-scheduler' },
  'kube-proxy': { name: 'system:kube-proxy' },
  coredns: { name: 'aegis-e2e-coredns' },
};
type Client = keyof typeof USERS;

/** What the roles of a cluster that kubeadm made would bind. */
const BINDINGS = [
  { name: 'aegis-e2e-kubelet-api', role: 'system:kubelet-api-admin', user: KUBELET_CLIENT },
  { name: 'aegis-e2e-coredns', role: 'view', user: USERS.coredns.name },
  { name: 'aegis-e2e-coredns-discovery', role: 'aegis-e2e-coredns', user: USERS.coredns.name },
];

/** All processes of the cluster, in the namespaces of the program that runs this. */
export class ClusterNode {
  readonly #layout: Layout;
  readonly #tokens: Record<string, string>;
  readonly #plane: ControlPlane;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#tokens = Object.fromEntries(Object.keys(USERS).map((name) => [name, randomBytes(16).toString('hex')]));
    const users = Object.entries(USERS).map(([key, user]) => ({ ...user, token: this.#tokens[key] as string }));
    this.#plane = new ControlPlane({
      controllerManager: true,
      serviceAccounts: true,
      address: NODE_ADDRESS,
      users,
      choosePorts: async () => ({ etcd: 2379, peer: 2380, server: 6443, manager: 10_257 }),
      serverFlags: [`--advertise-address=${NODE_ADDRESS}`, ...makeKubeletClient(layout)],
      managerFlags: ['--allocate-node-cidrs=true', `--cluster-cidr=${CLUSTER_CIDR}`, '--node-monitor-grace-period=40s'],
    });
  }

  async start(images: readonly string[]): Promise<void> {
    const layout = this.#layout;
    await phase('folders and network of the node', () => {
      linkTools(layout);
      mountOwnFolders(layout);
      setUpNetwork(layout);
      writeNodeFiles(layout);
    });
    await Promise.all([
      phase('control plane', () => this.#startPlane()),
      phase('containerd and its images', async () => {
        await this.startContainerd();
        for (const image of images) await this.importImage(image);
      }),
    ]);
    this.#plane.processes.spawn('kube-scheduler', [
      `--kubeconfig=${this.#kubeconfig('kube-scheduler')}`,
      '--leader-elect=false',
      '--bind-address=127.0.0.1',
    ]);
    await phase('kubelet, kube-proxy, DNS: node ready', async () => {
      await Promise.all([this.startKubelet(), this.#startProxy(), this.#startDns()]);
      await this.untilReady();
    });
  }

  async #startPlane(): Promise<void> {
    await this.#plane.startAll();
    this.#plane.writeKubeconfig(this.#layout.adminKubeconfig, this.#plane.adminToken);
    const discovery = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'aegis-e2e-coredns' },
      rules: [
        { apiGroups: [''], resources: ['namespaces', 'pods', 'services'], verbs: ['list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['list', 'watch'] },
      ],
    };
    const bindings = BINDINGS.map(({ name, role, user }) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
    }));
    await this.#kubectl(
      ['apply', '-f', '-'],
      JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [discovery, ...bindings] }),
    );
  }

  #kubectl(args: readonly string[], input?: string): Promise<string> {
    const { adminKubeconfig, folder } = this.#layout;
    return kubectl(args, { kubeconfig: adminKubeconfig, home: folder, ...(input !== undefined && { input }) });
  }

  /** Of one of the cluster's own clients. @returns its path */
  #kubeconfig(client: Client): string {
    const file = this.#layout.file(`${client}.kubeconfig`);
    this.#plane.writeKubeconfig(file, this.#tokens[client] as string);
    return file;
  }

  async startContainerd(): Promise<void> {
    const { processes } = this.#plane;
    const env = nodeEnvironment(this.#layout);
    const command = join(toolFolder('cluster-node'), 'usr/bin/containerd');
    processes.spawn('containerd', ['--config', this.#layout.file('containerd.toml')], { command, env });
    await processes.whenReady('containerd', async () => this.#ctr('version') !== '');
  }

  #ctr(command: string): string {
    return inNode(this.#layout, `ctr ${command}`);
  }

  /** @param file a docker-archive */
  async importImage(file: string): Promise<void> {
    const env = nodeEnvironment(this.#layout);
    await run(join(this.#layout.bin, 'ctr'), ['images', 'import', file], { env });
  }

  async startKubelet(): Promise<void> {
    const { processes } = this.#plane;
    const flags = [
      `--config=${this.#layout.file('kubelet.json')}`,
      `--kubeconfig=${this.#kubeconfig('kubelet')}`,
      `--root-dir=${this.#layout.kubelet}`,
      `--cert-dir=${this.#layout.file('kubelet-pki')}`,
      `--hostname-override=${NODE_NAME}`,
      `--node-ip=${NODE_ADDRESS}`,
    ];
    for (let attempt = 1; ; attempt++) {
      processes.spawn('kubelet', flags, { env: nodeEnvironment(this.#layout) });
      try {
        return await processes.whenReady('kubelet', () => answers('http://127.0.0.1:10248/healthz'));
      } catch (error) {
        // containerd answers a moment before its part for pods does, and the kubelet does not wait for that
        const early = error instanceof ProcessEnded && /server is not initialized yet/.test(error.log);
        if (!early || attempt === 10) throw error;
      }
    }
  }

  async #startProxy(): Promise<void> {
    const { processes } = this.#plane;
    const config = this.#layout.file('kube-proxy.json');
    writeFileSync(config, JSON.stringify(proxyConfig(this.#kubeconfig('kube-proxy'))));
    processes.spawn('kube-proxy', [`--config=${config}`], { env: nodeEnvironment(this.#layout) });
    // its own health waits for the node, which waits for nothing here
    await processes.whenReady('kube-proxy', () => answers('http://127.0.0.1:10249/healthz'));
  }

  async #startDns(): Promise<void> {
    const { processes } = this.#plane;
    const config = this.#layout.file('Corefile');
    writeFileSync(config, corefile(this.#layout, this.#kubeconfig('coredns')));
    processes.spawn('coredns', [`-conf=${config}`]);
    await processes.whenReady('coredns', () => answers('http://127.0.0.1:8181/ready'));
  }

  /** Until the node takes pods. */
  async untilReady(ms = 90_000): Promise<void> {
    const reads = async () => {
      const { body } = await this.#plane.raw('GET', `/api/v1/nodes/${NODE_NAME}`);
      const { status } = body as { status?: { conditions?: { type: string; status: string }[] } };
      return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
    };
    await waitFor(
      reads,
      ms,
      () => `the node is not ready; the kubelet says:\n${this.#plane.processes.lastLines('kubelet')}`,
    );
  }

  stopServer(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    return this.#plane.processes.end('kube-apiserver', signal);
  }

  startServer(): Promise<void> {
    return this.#plane.startServer();
  }

  /** Kubelet and containerd anew; the pods' containers go on meanwhile. */
  async restart(): Promise<void> {
    await this.#stopNode();
    await this.#startNode();
  }

  /** As after a loss of power: no container and no network namespace of a pod is left. */
  async reboot(): Promise<void> {
    await this.#stopNode();
    killAllPods();
    const { containerd, kubelet } = this.#layout;
    for (const mount of mountsBelow(['/run/netns', `${containerd}/state`, kubelet]))
      inNode(this.#layout, `umount -l '${mount}'`);
    inNode(this.#layout, `rm -rf /run/netns/* ${containerd}/state`);
    await this.#startNode();
  }

  async #stopNode(): Promise<void> {
    await this.#plane.processes.end('kubelet');
    await this.#plane.processes.end('containerd');
  }

  async #startNode(): Promise<void> {
    await this.startContainerd();
    await this.startKubelet();
    await this.untilReady();
  }

  /** Ends the pause containers of pods: the kubelet makes everything of them anew. @param pods uids; all when absent */
  killSandboxes(pods?: readonly string[]): void {
    const sandboxes = this.#ctr('containers list -q \'labels."io.cri-containerd.kind"==sandbox\'').split('\n');
    for (const id of sandboxes.filter((line) => line !== '')) {
      const { Labels } = JSON.parse(this.#ctr(`containers info ${id}`)) as { Labels: Record<string, string> };
      if (pods !== undefined && !pods.includes(Labels['io.kubernetes.pod.uid'] ?? '')) continue;
      this.#ctr(`tasks kill --signal SIGKILL ${id} || true`);
    }
  }
}

/** Everything that descends from a shim: in this process namespace they are the cluster's alone. */
function killAllPods(): void {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const parents = new Map<number, number>();
  const shims = new Set<number>();
  for (const pid of processes.map(Number)) {
    try {
      const [, name, parent] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
      parents.set(pid, Number(parent));
      if (name?.startsWith('containerd-shim')) shims.add(pid);
    } catch {
      // it has ended
    }
  }
  const belongs = (pid: number): boolean => shims.has(pid) || (parents.has(pid) && belongs(parents.get(pid) as number));
  for (const pid of [...shims, ...[...parents.keys()].filter(belongs)]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
}

/** The innermost first. */
function mountsBelow(folders: readonly string[]): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const mounts = lines.map((line) => line.split(' ')[4] ?? '');
  return mounts.filter((mount) => folders.some((folder) => mount.startsWith(`${folder}/`))).reverse();
}

function answers(url: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const request = get(url, { timeout: 2_000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer')));
  });
}
