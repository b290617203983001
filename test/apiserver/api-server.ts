/**
 * A real control plane for tests: etcd and kube-apiserver as processes of their own on free loopback ports, with
 * everything in one scratch folder. Up in a few seconds; no root. Whoever starts one stops it; what is left when the
 * test process ends, however it ends, is killed by pid.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolPath } from '../../scripts/tool-path.ts';
import type { GoTool } from '../../scripts/tool-versions.ts';

const root = join(__dirname, '..', '..');
const ALIVE = new Set<ChildProcess>();

process.on('exit', () => {
  for (const child of ALIVE) child.kill('SIGKILL');
});

export interface ApiServerOptions {
  /** Also run kube-controller-manager: garbage collection by owner, namespace deletion, ServiceAccounts' roots. */
  controllerManager?: boolean;
  /** Apply `crds/` before returning; true when absent. */
  crds?: boolean;
}

/** Path of a tool that `scripts/install-tools.ts` has put into the cache. */
function installed(tool: GoTool): string {
  const path = toolPath(tool);
  if (!existsSync(path)) {
    throw new Error(
      `${tool} is not built yet: run \`node scripts/install-tools.ts ${tool}\` (needs Go; minutes, once)`,
    );
  }
  return path;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export class ApiServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'aegis-apiserver-'));
  readonly adminToken = randomBytes(16).toString('hex');
  port = 0;
  etcdPort = 0;
  #peerPort = 0;
  #managerPort = 0;
  #etcd: ChildProcess | undefined;
  #server: ChildProcess | undefined;
  #manager: ChildProcess | undefined;

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  get caFile(): string {
    return join(this.folder, 'tls', 'apiserver.crt');
  }

  /** Of a cluster administrator. */
  get kubeconfig(): string {
    return join(this.folder, 'kubeconfig');
  }

  static async start(options: ApiServerOptions = {}): Promise<ApiServer> {
    const server = new ApiServer();
    try {
      await server.#start(options);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async #start({ controllerManager = false, crds = true }: ApiServerOptions): Promise<void> {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(join(this.folder, 'sa.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    writeFileSync(join(this.folder, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    writeFileSync(join(this.folder, 'tokens.csv'), `${this.adminToken},admin,admin,"system:masters"\n`, {
      mode: 0o600,
    });
    [this.port, this.etcdPort, this.#peerPort, this.#managerPort] = await Promise.all([
      freePort(),
      freePort(),
      freePort(),
      freePort(),
    ]);
    await this.startEtcd();
    await this.startServer();
    this.writeKubeconfig(this.kubeconfig, this.adminToken);
    if (controllerManager) this.#startManager();
    if (crds) await this.applyCrds();
  }

  async startEtcd(): Promise<void> {
    const client = `http://127.0.0.1:${this.etcdPort}`;
    const peer = `http://127.0.0.1:${this.#peerPort}`;
    this.#etcd = this.#spawn('etcd', [
      `--data-dir=${join(this.folder, 'etcd')}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      // durability of a scratch folder is worth nothing, and fsync is most of the time that a test takes
      '--unsafe-no-fsync',
      '--log-level=warn',
    ]);
    await until('etcd', () => answers(`${client}/health`));
  }

  async startServer(): Promise<void> {
    this.#server = this.#spawn('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${this.etcdPort}`,
      `--cert-dir=${join(this.folder, 'tls')}`,
      `--secure-port=${this.port}`,
      '--bind-address=127.0.0.1',
      `--service-account-key-file=${join(this.folder, 'sa.pub')}`,
      `--service-account-signing-key-file=${join(this.folder, 'sa.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--token-auth-file=${join(this.folder, 'tokens.csv')}`,
      '--authorization-mode=Node,RBAC',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--allow-privileged=true',
      '--enable-admission-plugins=NodeRestriction',
      // without a controller manager nobody makes the default ServiceAccount that this plugin waits for
      '--disable-admission-plugins=ServiceAccount',
      '--enable-priority-and-fairness=true',
    ]);
    await until('kube-apiserver', async () => (await this.raw('GET', '/readyz')).status === 200);
  }

  #startManager(): void {
    this.#manager = this.#spawn('kube-controller-manager', [
      `--kubeconfig=${this.kubeconfig}`,
      `--service-account-private-key-file=${join(this.folder, 'sa.key')}`,
      `--root-ca-file=${this.caFile}`,
      `--secure-port=${this.#managerPort}`,
      '--bind-address=127.0.0.1',
      '--leader-elect=false',
      '--use-service-account-credentials=true',
    ]);
  }

  async applyCrds(): Promise<void> {
    this.kubectl(['apply', '--server-side', '-f', join(root, 'crds')]);
    this.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
  }

  /** Output of kubectl as administrator. @throws with what kubectl wrote to standard error */
  kubectl(args: readonly string[], input?: string): string {
    return execFileSync(installed('kubectl'), [`--kubeconfig=${this.kubeconfig}`, ...args], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: this.folder },
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(input !== undefined && { input }),
    });
  }

  writeKubeconfig(file: string, token: string, url = this.url): void {
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: url, 'certificate-authority': this.caFile } }],
      users: [{ name: 'user', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'user' } }],
      'current-context': 'test',
    };
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  }

  /** One request as administrator (or with another token), answered as it is. */
  async raw(
    method: string,
    path: string,
    body?: unknown,
    options: { contentType?: string; token?: string } = {},
  ): Promise<{ status: number; body: unknown }> {
    const { Agent, request } = await import('undici');
    const agent = new Agent({ connect: { ca: readFileSync(this.caFile) } });
    try {
      const answer = await request(`${this.url}${path}`, {
        dispatcher: agent,
        method: method as 'GET',
        headers: {
          authorization: `Bearer ${options.token ?? this.adminToken}`,
          'content-type': options.contentType ?? 'application/json',
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      const text = await answer.body.text();
      return { status: answer.statusCode, body: text.startsWith('{') ? JSON.parse(text) : text };
    } finally {
      await agent.close();
    }
  }

  /** `kill -9`, and waits for the end. */
  async killServer(): Promise<void> {
    await end(this.#server, 'SIGKILL');
  }

  async stop(): Promise<void> {
    for (const child of [this.#manager, this.#server, this.#etcd]) await end(child, 'SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }

  #spawn(tool: GoTool, args: string[]): ChildProcess {
    const log = openSync(join(this.folder, `${tool}.log`), 'a');
    const child = spawn(installed(tool), args, { stdio: ['ignore', log, log], cwd: this.folder });
    ALIVE.add(child);
    child.once('exit', () => ALIVE.delete(child));
    return child;
  }
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

async function answers(url: string): Promise<boolean> {
  return (await fetch(url)).ok;
}

async function until(what: string, ready: () => Promise<boolean>, ms = 60_000): Promise<void> {
  const deadline = Date.now() + ms;
  for (;;) {
    try {
      if (await ready()) return;
    } catch {
      // not yet
    }
    if (Date.now() > deadline) throw new Error(`${what} is not ready within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
