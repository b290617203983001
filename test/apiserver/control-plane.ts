import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { get as httpsGet } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GoTool } from '../../scripts/tool-versions.ts';
import { compactEtcd, copyEtcd, type EtcdBackup, isHealthy, putEtcdBack, revisionOf } from './etcd-data.ts';
import { freePort } from './ports.ts';
import { ProcessEnded, Processes } from './processes.ts';
import { type RawAnswer, RawClient, type RawOptions } from './raw-client.ts';
import { etcdFlags, type FlagInputs, managerFlags, type Ports, serverFlags } from './server-flags.ts';
import { waitFor } from './wait-for.ts';

const SERVER = 'kube-apiserver';
const MANAGER = 'kube-controller-manager';
export type ControlPlaneTool = typeof SERVER | typeof MANAGER | 'etcd';

/** An attempt while it starts shall not take long. */
const QUICK = { timeout: 2_000 };

export interface ControlPlaneOptions {
  /** Also run kube-controller-manager: garbage collection by owner, namespace deletion, ServiceAccounts' roots. */
  controllerManager?: boolean;
  /** Further flags of kube-apiserver. */
  serverFlags?: readonly string[];
  /** Further flags of kube-controller-manager. */
  managerFlags?: readonly string[];
  /** Where the API server listens; loopback when absent. */
  address?: string;
  /** Admission gives every pod a ServiceAccount and its token: wants the controller manager. */
  serviceAccounts?: boolean;
  /** Further users that the API server knows by token. */
  users?: readonly { token: string; name: string; group?: string }[];
  /** The ports of every attempt to start; free ones when absent. */
  choosePorts?(): Promise<Ports>;
}

/** The processes with their life and the faults that they can be given. */
export class ControlPlane {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'aegis-apiserver-')));
  readonly adminToken = randomBytes(16).toString('hex');
  readonly processes = new Processes(this.folder);
  readonly #options: ControlPlaneOptions;
  readonly #name = `test-${randomBytes(6).toString('hex')}`;
  #ports: Ports = { etcd: 0, peer: 0, server: 0, manager: 0 };
  #client: RawClient | undefined;
  #backups = 0;

  constructor(options: ControlPlaneOptions) {
    this.#options = options;
  }

  get port(): number {
    return this.#ports.server;
  }

  get etcdPort(): number {
    return this.#ports.etcd;
  }

  get url(): string {
    return `https://${this.#options.address ?? '127.0.0.1'}:${this.port}`;
  }

  get caFile(): string {
    return join(this.folder, 'tls', 'apiserver.crt');
  }

  /** Of a cluster administrator. */
  get kubeconfig(): string {
    return join(this.folder, 'kubeconfig');
  }

  /** Somebody may take a port between looking and binding: then everything again, with other ports. */
  async startAll(): Promise<void> {
    this.#writeKeys();
    for (let attempt = 1; ; attempt++) {
      this.#ports = await (this.#options.choosePorts ?? freePorts)();
      this.writeKubeconfig(this.kubeconfig, this.adminToken);
      try {
        await this.startEtcd();
        await this.startServer();
        if (this.#options.controllerManager) await this.startManager();
        return;
      } catch (error) {
        if (!(error instanceof ProcessEnded && error.portTaken) || attempt === 5) throw error;
      }
      await this.#endAll();
      for (const left of ['etcd', 'tls', 'etcd.log', `${SERVER}.log`, `${MANAGER}.log`]) {
        rmSync(join(this.folder, left), { recursive: true, force: true });
      }
    }
  }

  #writeKeys(): void {
    const secret = { mode: 0o600 };
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(this.folder, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), secret);
    writeFileSync(join(this.folder, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    const users = [{ token: this.adminToken, name: 'admin', group: 'system:masters' }, ...(this.#options.users ?? [])];
    const lines = users.map(({ token, name, group = '' }) => `${token},${name},${name},"${group}"\n`);
    writeFileSync(join(this.folder, 'tokens.csv'), lines.join(''), secret);
  }

  /** For clients of their own: another user, or by way of a proxy. */
  writeKubeconfig(file: string, token: string, url = this.url, caFile = this.caFile): void {
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': caFile } }],
      users: [{ name: 'user', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'user' } }],
      'current-context': 'test',
    };
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  }

  get #flags(): FlagInputs {
    const { folder, kubeconfig, caFile } = this;
    const { address = '127.0.0.1', serviceAccounts = false } = this.#options;
    return { folder, kubeconfig, caFile, name: this.#name, ports: this.#ports, address, serviceAccounts };
  }

  startEtcd(): Promise<void> {
    return this.#run('etcd', etcdFlags(this.#flags), () => isHealthy(this.etcdPort, this.#name));
  }

  async startServer(): Promise<void> {
    this.#forgetClient();
    // another server at this port has neither this certificate nor this token
    const ready = async () => {
      try {
        return (await this.raw('GET', '/readyz', undefined, QUICK)).status === 200;
      } catch (error) {
        this.#forgetClient();
        throw error;
      }
    };
    await this.#run(SERVER, [...serverFlags(this.#flags), ...(this.#options.serverFlags ?? [])], ready);
  }

  /** Until its controllers work: the ServiceAccount of the first namespace is their doing. */
  startManager(): Promise<void> {
    const account = '/api/v1/namespaces/default/serviceaccounts/default';
    const works = async () => (await isUp(this.#ports.manager)) && (await this.raw('GET', account)).status === 200;
    return this.#run(MANAGER, [...managerFlags(this.#flags), ...(this.#options.managerFlags ?? [])], works);
  }

  async #run(tool: GoTool, flags: string[], ready: () => Promise<boolean>): Promise<void> {
    this.processes.spawn(tool, flags);
    await this.processes.whenReady(tool, ready);
  }

  /** One request as administrator (or with another token), answered as it is. */
  async raw(method: string, path: string, body?: unknown, options: RawOptions = {}): Promise<RawAnswer> {
    this.#client ??= new RawClient(this.url, this.adminToken, readFileSync(this.caFile, 'utf8'));
    return this.#client.ask(method, path, body, options);
  }

  #forgetClient(): void {
    this.#client?.close();
    this.#client = undefined;
  }

  /** `kill -9`, and waits for the end. */
  killServer(): Promise<void> {
    return this.processes.end(SERVER);
  }

  /** The API server again, at the same address and on the same data. SIGTERM lets it say goodbye to its watches. */
  async restartServer(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<void> {
    await this.processes.end(SERVER, signal);
    await untilPortIsBack(() => this.startServer());
  }

  /** etcd again; the API server stays and finds it again by itself. */
  async restartEtcd(): Promise<void> {
    await this.processes.end('etcd');
    await untilPortIsBack(() => this.startEtcd());
  }

  /** SIGSTOP: connections stay open and nothing is answered. Until `resume`. */
  pause(tool: ControlPlaneTool = SERVER): void {
    this.processes.signal(tool, 'SIGSTOP');
  }

  resume(tool: ControlPlaneTool = SERVER): void {
    this.processes.signal(tool, 'SIGCONT');
  }

  /**
   * Drops every older revision in etcd. The API server still answers watches from its own cache; with `restart` it
   * forgets that as well, and a watch from an older resourceVersion gets 410. @returns the revision
   */
  async compact(options: { restart?: boolean } = {}): Promise<string> {
    const revision = await revisionOf(this.etcdPort);
    await compactEtcd(this.etcdPort, revision);
    if (options.restart) await this.restartServer();
    return revision;
  }

  /** Copy of all data. The processes stop for it and are up again on return. */
  backup(): Promise<EtcdBackup> {
    this.#backups++;
    return this.#whileStopped(() => copyEtcd(this.folder, this.#backups));
  }

  /** The cluster as it was then: what was written since is gone, and resourceVersions go back. */
  restore(backup: EtcdBackup): Promise<void> {
    return this.#whileStopped(() => putEtcdBack(this.folder, backup));
  }

  async #whileStopped<T>(work: () => T): Promise<T> {
    const manager = this.processes.pid(MANAGER) !== undefined;
    await this.#endAll();
    const result = work();
    await untilPortIsBack(() => this.startEtcd());
    await untilPortIsBack(() => this.startServer());
    if (manager) await untilPortIsBack(() => this.startManager());
    return result;
  }

  async #endAll(): Promise<void> {
    for (const tool of [MANAGER, SERVER, 'etcd'] as const) await this.processes.end(tool);
    this.#forgetClient();
  }

  /** All processes are gone afterwards, and the folder. */
  async stop(): Promise<void> {
    this.#forgetClient();
    await this.processes.stop();
  }
}

async function freePorts(): Promise<Ports> {
  const [etcd, peer, server, manager] = [await freePort(), await freePort(), await freePort(), await freePort()];
  return new Set([etcd, peer, server, manager]).size === 4 ? { etcd, peer, server, manager } : freePorts();
}

/** The port must be the same one: whoever has taken it in the meantime gets some time to give it back. */
async function untilPortIsBack(start: () => Promise<void>): Promise<void> {
  const attempt = async () => {
    try {
      await start();
      return true;
    } catch (error) {
      if (error instanceof ProcessEnded && error.portTaken) return false;
      throw error;
    }
  };
  await waitFor(attempt, 20_000, 'somebody else has taken the port of a process that was stopped');
}

/** Whether the controller manager says so itself; its certificate is its own. */
function isUp(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: '/healthz', rejectUnauthorized: false, ...QUICK };
    const request = httpsGet(options, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    });
    request.on('error', reject).on('timeout', () => request.destroy(new Error('no answer')));
  });
}
