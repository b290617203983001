import { type ExecFileException, execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { installed } from '../../test/apiserver/processes.ts';
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { askNode } from './control.ts';
import { importToExternal } from './external.ts';
import { Layout, NODE_ADDRESS } from './layout.ts';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

export interface Pod {
  metadata: { name: string; namespace: string; uid: string; annotations?: Record<string, string> };
  spec: { containers: { name: string }[]; initContainers?: { name: string }[] };
  status: {
    phase: string;
    podIP?: string;
    conditions?: { type: string; status: string }[];
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
  };
}

export interface ContainerStatus {
  name: string;
  ready: boolean;
  restartCount: number;
  state: Record<string, { startedAt?: string; reason?: string } | undefined>;
}

/**
 * The cluster under test, as a suite sees it: the one that `npm run e2e` has started, or that of KUBECONFIG. What only
 * the first can do (faults of the node, names of the outside) says so with `ownsNode`.
 */
export class Cluster {
  readonly kubeconfig: string;
  readonly #layout: Layout | undefined;

  private constructor(kubeconfig: string, layout: Layout | undefined) {
    this.kubeconfig = kubeconfig;
    this.#layout = layout;
  }

  static attach(env = process.env): Cluster {
    const folder = env.AEGIS_E2E_CLUSTER;
    const layout = folder === undefined ? undefined : new Layout(folder);
    const kubeconfig = layout?.adminKubeconfig ?? env.KUBECONFIG;
    if (kubeconfig === undefined) throw new Error('no cluster: run the suites with `npm run e2e`');
    return new Cluster(kubeconfig, layout);
  }

  get ownsNode(): boolean {
    return this.#layout !== undefined;
  }

  #own(what: string): Layout {
    if (this.#layout === undefined) throw new Error(`${what} needs the cluster of npm run e2e, not that of KUBECONFIG`);
    return this.#layout;
  }

  /** Output of kubectl as administrator. @throws with its standard error */
  async kubectl(args: readonly string[], input?: string, timeout = 120_000): Promise<string> {
    const { code, stdout, stderr } = await this.run(args, input, timeout);
    if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${stderr.trim() || `exit code ${code}`}`);
    return stdout;
  }

  /** kubectl, however it ends. */
  run(args: readonly string[], input?: string, timeout = 120_000): Promise<Ran> {
    const env = { PATH: process.env.PATH, HOME: this.#layout?.folder ?? tmpdir() };
    const options = { encoding: 'utf8', env, timeout, maxBuffer: 64 * 1024 * 1024 } as const;
    const words = [`--kubeconfig=${this.kubeconfig}`, ...args];
    return new Promise((resolve) => {
      const child = execFile(
        installed('kubectl'),
        words,
        options,
        (error: ExecFileException | null, stdout, stderr) => {
          resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr });
        },
      );
      child.stdin?.on('error', () => {});
      child.stdin?.end(input ?? '');
    });
  }

  async json<T>(args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl([...args, '-o', 'json'])) as T;
  }

  /** Server-side apply of all documents. @throws with what is wrong */
  applyYaml(
    text: string,
    options: { namespace?: string; fieldManager?: string; force?: boolean } = {},
  ): Promise<string> {
    const { namespace, fieldManager = 'e2e', force = false } = options;
    const place = namespace === undefined ? [] : [`--namespace=${namespace}`];
    const flags = [`--field-manager=${fieldManager}`, `--force-conflicts=${force}`];
    return this.kubectl(['apply', '--server-side', ...flags, ...place, '-f', '-'], text);
  }

  /** The same for an object. */
  apply(object: object, options: { namespace?: string; force?: boolean } = {}): Promise<string> {
    return this.applyYaml(JSON.stringify(object), options);
  }

  /** A namespace of the suite's own, with its default ServiceAccount. @returns its name */
  async namespace(prefix: string, labels: Record<string, string> = {}): Promise<string> {
    const name = `${prefix}-${randomBytes(3).toString('hex')}`;
    await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
    const exists = async () => (await this.run(['get', '-n', name, 'serviceaccount/default'])).code === 0;
    await waitFor(exists, 30_000, `the namespace ${name} gets no ServiceAccount`);
    return name;
  }

  /** Goes away with everything in it; nobody waits for that. */
  async removeNamespace(name: string): Promise<void> {
    await this.kubectl(['delete', 'namespace', name, '--wait=false', '--ignore-not-found']);
  }

  pod(namespace: string, name: string): Promise<Pod> {
    return this.json<Pod>(['get', '-n', namespace, `pod/${name}`]);
  }

  async pods(namespace: string, selector: string): Promise<Pod[]> {
    return (await this.json<{ items: Pod[] }>(['get', '-n', namespace, 'pods', '-l', selector])).items;
  }

  /** Until it is ready. @throws with its state and Events where it does not get so */
  async whenReady(namespace: string, name: string, seconds = 60): Promise<Pod> {
    const args = ['wait', '-n', namespace, '--for=condition=Ready', `--timeout=${seconds}s`, `pod/${name}`];
    const { code, stderr } = await this.run(args, undefined, (seconds + 30) * 1000);
    if (code === 0) return this.pod(namespace, name);
    const { stdout } = await this.run(['describe', '-n', namespace, `pod/${name}`]);
    throw new Error(`${stderr.trim()}\n${stdout}`);
  }

  /** Runs a command in a container; how it ends is the result. */
  exec(
    pod: { namespace: string; name: string; container?: string },
    command: readonly string[],
    input?: string,
  ): Promise<Ran> {
    const container = pod.container === undefined ? [] : ['-c', pod.container];
    const words = ['exec', ...(input === undefined ? [] : ['-i']), '-n', pod.namespace, pod.name, ...container];
    return this.run([...words, '--', ...command], input);
  }

  logs(pod: { namespace: string; name: string; container?: string; previous?: boolean }): Promise<string> {
    const container = pod.container === undefined ? [] : ['-c', pod.container];
    return this.kubectl(['logs', ...(pod.previous ? ['-p'] : []), '-n', pod.namespace, pod.name, ...container]);
  }

  /** @param file a docker-archive. With KUBECONFIG the command in AEGIS_E2E_IMPORT gets its path (`kind load image-archive`) */
  async importImage(file: string): Promise<void> {
    if (this.#layout !== undefined) await askNode(this.#layout.controlSocket, 'importImage', file);
    else importToExternal(file);
  }

  async stopApiServer(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    await askNode(this.#own('stopApiServer').controlSocket, 'stopApiServer', signal);
  }

  async startApiServer(): Promise<void> {
    await askNode(this.#own('startApiServer').controlSocket, 'startApiServer');
  }

  /** Kubelet and containerd anew, while the containers go on. */
  async restartNode(): Promise<void> {
    await askNode(this.#own('restartNode').controlSocket, 'restartNode');
  }

  /** As after a loss of power: every container is gone, and the kubelet makes them anew. */
  async rebootNode(): Promise<void> {
    await askNode(this.#own('rebootNode').controlSocket, 'rebootNode');
  }

  /** The pods' sandboxes end, network and all. @param uids of pods; all when absent */
  async killSandboxes(uids?: readonly string[]): Promise<void> {
    await askNode(this.#own('killSandboxes').controlSocket, 'killSandboxes', uids);
  }

  /** Address on which a process of the suite can be reached from pods. */
  get hostAddress(): string {
    this.#own('hostAddress');
    return NODE_ADDRESS;
  }

  /** Pods resolve the name to the address within a second, instead of not at all. The last one of a name counts. */
  addDnsName(host: string, address: string): void {
    const { dnsHosts } = this.#own('addDnsName');
    const others = readFileSync(dnsHosts, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && line.split(' ')[1] !== host);
    writeFileSync(dnsHosts, [...others, `${address} ${host}`, ''].join('\n'));
  }

  removeDnsName(host: string): void {
    const { dnsHosts } = this.#own('removeDnsName');
    const lines = readFileSync(dnsHosts, 'utf8').split('\n');
    writeFileSync(dnsHosts, lines.filter((line) => line.split(' ')[1] !== host).join('\n'));
  }
}
