import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import type { RequestOptions } from 'node:https';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../../runtime/time/clock.ts';
import { KubeError } from './kube-error.ts';

/** Where the API server is, and how to say who we are. */
export interface ClusterAccess {
  readonly origin: string;
  /** Path in front of every path of the API, without a slash at its end; mostly empty. */
  readonly prefix: string;
  readonly proxy: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: TlsMaterial;
  /** Another one means other connections. */
  readonly connectionKey: string;
}

export interface TlsMaterial {
  ca?: Buffer;
  cert?: Buffer | string;
  key?: Buffer | string;
  servername?: string;
  rejectUnauthorized?: boolean;
}

/** ms after which files are looked at again: tokens and certificates are rotated in place. */
const REFRESH = 10_000;
/** ms that what was read goes on to be used while it cannot be read. */
const GRACE = 60_000;
/** ms between two attempts to get other credentials because the server refused those at hand. */
const RENEWAL_GAP = 10_000;
const SERVICE_ACCOUNT_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/**
 * Reads a kubeconfig file, or the files of the pod's ServiceAccount, or what kubectl would read; runs exec plugins.
 * What it gives is never older than some seconds, and a rotated token or certificate is seen without a restart.
 */
export class ClusterCredentials {
  readonly #file: string | undefined;
  readonly #root: string;
  readonly #clock: Clock;
  #config: { config: KubeConfig; fingerprint: string } | undefined;
  #access: { access: ClusterAccess; at: number } | undefined;
  #refresh: Promise<ClusterAccess> | undefined;
  #invalidatedAt = Number.NEGATIVE_INFINITY;

  constructor(options: { kubeconfig: string | undefined; root: string; clock: Clock }) {
    this.#file = options.kubeconfig;
    this.#root = options.root;
    this.#clock = options.clock;
  }

  /** @throws KubeError status 0, reason `Credentials`: nothing usable is there */
  async current(): Promise<ClusterAccess> {
    const held = this.#access;
    if (held !== undefined && this.#clock.monotonic() - held.at < REFRESH) return held.access;
    this.#refresh ??= this.#read().finally(() => {
      this.#refresh = undefined;
    });
    return this.#refresh;
  }

  /** The server refused what we sent (401): read, or ask the plugin, again at the next call. */
  invalidate(): void {
    const now = this.#clock.monotonic();
    if (now - this.#invalidatedAt < RENEWAL_GAP) return;
    this.#invalidatedAt = now;
    this.#config = undefined;
    if (this.#access !== undefined) this.#access.at = now - REFRESH;
  }

  async #read(): Promise<ClusterAccess> {
    const at = this.#clock.monotonic();
    try {
      const access = await readAccess(await this.#load());
      this.#access = { access, at };
      return access;
    } catch (error) {
      const held = this.#access;
      // a file that is being replaced is missing for a moment
      if (held !== undefined && at - held.at < GRACE) return held.access;
      throw noAccess(error, this.#config?.config);
    }
  }

  async #load(): Promise<KubeConfig> {
    const fingerprint = this.#fingerprint();
    const held = this.#config;
    // a plugin keeps its answer as long as that is valid, in the object
    if (held !== undefined && held.fingerprint === fingerprint && usesPlugin(held.config)) return held.config;
    const { KubeConfig } = await import('@kubernetes/client-node');
    const config = new KubeConfig();
    if (this.#file !== undefined) config.loadFromFile(this.#file);
    else if (process.env.KUBERNETES_SERVICE_HOST && existsSync(this.#root + SERVICE_ACCOUNT_TOKEN)) {
      config.loadFromCluster(this.#root);
    } else config.loadFromDefault();
    this.#config = { config, fingerprint };
    return config;
  }

  #fingerprint(): string {
    if (this.#file === undefined) return '';
    const { mtimeMs, size, ino } = statSync(this.#file);
    return `${mtimeMs} ${size} ${ino}`;
  }
}

function usesPlugin(config: KubeConfig): boolean {
  const user = config.getCurrentUser();
  return Boolean(user?.exec) || (Boolean(user?.authProvider) && user?.authProvider?.name !== 'tokenFile');
}

/** Only what is known to be harmless: messages of parsers and of programs may quote a token. */
function noAccess(error: unknown, config: KubeConfig | undefined): KubeError {
  if (error instanceof KubeError) return error;
  const { code, path, name } = error as NodeJS.ErrnoException;
  let why = typeof code === 'string' ? `${code} ${path ?? ''}`.trim() : name;
  const command = (config?.getCurrentUser()?.exec as { command?: unknown } | undefined)?.command;
  if (typeof command === 'string') why = `${command} gives no credentials (${why})`;
  return new KubeError(0, 'Credentials', `no access to a cluster: ${why}`);
}

async function readAccess(config: KubeConfig): Promise<ClusterAccess> {
  const cluster = config.getCurrentCluster();
  if (!cluster?.server || !URL.canParse(cluster.server)) {
    throw new KubeError(0, 'Credentials', 'no access to a cluster: the current context names no address of a server');
  }
  if (cluster.server.startsWith('http:') && !cluster.skipTLSVerify) {
    throw new KubeError(0, 'Credentials', 'no access to a cluster: http only with insecure-skip-tls-verify');
  }
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  const { origin, pathname } = new URL(cluster.server);
  const tls: TlsMaterial = {
    ...(options.ca != null && { ca: options.ca as Buffer }),
    ...(options.cert != null && { cert: options.cert as Buffer | string }),
    ...(options.key != null && { key: options.key as Buffer | string }),
    ...(options.servername !== undefined && { servername: options.servername }),
    ...(options.rejectUnauthorized !== undefined && { rejectUnauthorized: options.rejectUnauthorized }),
  };
  const proxy = cluster.proxyUrl || undefined;
  return {
    origin,
    prefix: pathname.replace(/\/+$/, ''),
    proxy,
    headers: authorization(options),
    tls,
    connectionKey: connectionKey(origin, proxy, tls),
  };
}

function authorization({ headers, auth }: RequestOptions): Record<string, string> {
  const result: Record<string, string> = {};
  if (auth) result.authorization = `Basic ${Buffer.from(auth).toString('base64')}`;
  for (const [name, value] of Object.entries((headers ?? {}) as Record<string, unknown>)) {
    // a token file may end with a line break
    if (value !== undefined && value !== null) result[name.toLowerCase()] = String(value).trim();
  }
  return result;
}

function connectionKey(origin: string, proxy: string | undefined, tls: TlsMaterial): string {
  const hash = createHash('sha256');
  for (const part of [origin, proxy, tls.ca, tls.cert, tls.key, tls.servername, tls.rejectUnauthorized]) {
    const bytes = Buffer.isBuffer(part) ? part : Buffer.from(String(part));
    hash.update(`${bytes.length} `).update(bytes);
  }
  return hash.digest('base64url');
}
