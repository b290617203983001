import { type Dispatcher, Pool, ProxyAgent } from 'undici';
import type { ClusterAccess } from './cluster-access.ts';
import { KubeError } from './kube-error.ts';

/** `calls` are many and short, `watches` few and long: a watch must never wait for a call, nor the other way round. */
export type Lane = 'calls' | 'watches';

type Lanes = Record<Lane, Dispatcher>;

const CONNECT_TIMEOUT = 10_000;
/** ms that an idle connection is kept; the API server closes it after 90 s. */
const IDLE = 30_000;
const MAX_HEADER = 64 * 1024;
/** Watches at once: far more than kinds, so that only a leak meets it. */
const MAX_WATCHES = 256;

/** HTTP/1.1 connections to the API server, bounded in number; new ones when certificates or the address change. */
export class Connections {
  readonly #perLane: Record<Lane, number>;
  #lanes: Lanes | undefined;
  #key: string | undefined;
  #closed = false;
  /** Still with something under way. */
  readonly #retired = new Set<Dispatcher>();

  constructor(calls: number) {
    this.#perLane = { calls, watches: MAX_WATCHES };
  }

  get(access: ClusterAccess, lane: Lane): Dispatcher {
    if (this.#closed) throw new KubeError(0, 'Closed', 'the client is closed');
    if (this.#lanes === undefined || this.#key !== access.connectionKey) {
      if (this.#lanes !== undefined) this.#retire(this.#lanes);
      this.#lanes = { calls: this.#open(access, 'calls'), watches: this.#open(access, 'watches') };
      this.#key = access.connectionKey;
    }
    return this.#lanes[lane];
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#lanes !== undefined) this.#retire(this.#lanes);
    this.#lanes = undefined;
    await Promise.allSettled([...this.#retired].map((dispatcher) => dispatcher.destroy()));
  }

  /** What runs on them may end; nothing new begins there. */
  #retire({ calls, watches }: Lanes): void {
    for (const dispatcher of [calls, watches]) {
      this.#retired.add(dispatcher);
      const done = () => this.#retired.delete(dispatcher);
      dispatcher.close().then(done, done);
    }
  }

  #open({ origin, proxy, tls }: ClusterAccess, lane: Lane): Dispatcher {
    const connect = { ...tls, timeout: CONNECT_TIMEOUT, keepAlive: true, keepAliveInitialDelay: 30_000 };
    const options = {
      connections: this.#perLane[lane],
      pipelining: 1,
      keepAliveTimeout: IDLE,
      keepAliveMaxTimeout: IDLE,
      maxHeaderSize: MAX_HEADER,
      // the clocks of the calls count
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    if (proxy === undefined) return new Pool(origin, { ...options, connect });
    if (!/^https?:/.test(proxy)) throw new KubeError(0, 'Proxy', 'only http and https proxies are supported');
    return new ProxyAgent({ ...options, uri: proxy, requestTls: connect });
  }
}
