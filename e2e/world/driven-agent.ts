import type { Cluster, Pod } from '../cluster/cluster.ts';
import { type AgentOptions, AgentPod, type DeploymentObject, deployment } from './agent.ts';

const PORT = 8090;

/** What became of one call. */
export interface Outcome {
  /** ms since the epoch, when it ended. */
  at: number;
  /** HTTP status; absent: there was no answer. */
  status?: number;
  /** Why there was none. */
  error?: string;
}

export interface Payment {
  /** Units of USD. */
  amount: number;
  /** What it is known by where it arrives. */
  mark: string;
}

/** What a series of calls met, until one was decided again. */
export interface Gap {
  /** The first call that nobody decided. */
  lost: Outcome;
  /** The first that somebody decided after it. */
  back: Outcome;
  /** All calls between them and how they ended, counted. */
  ended: Record<string, number>;
}

/**
 * An agent that does what it is told over HTTP, so that it can be asked while API server and kubelet are away. It tries
 * to get out as soon as it starts, and tells later how that ended.
 */
export class DrivenAgent extends AgentPod {
  readonly uid: string;
  readonly address: string;

  /** Good until its sandbox is made anew: then the address is another. */
  constructor(cluster: Cluster, pod: Pod) {
    super(cluster, pod.metadata.namespace, pod.metadata.name);
    this.uid = pod.metadata.uid;
    this.address = pod.status.podIP ?? '';
  }

  /** @param tries URLs that it asks for when it starts */
  static deployment(options: AgentOptions, tries: readonly string[]): DeploymentObject {
    const container = {
      command: ['node', '-e', PROGRAM, ...tries],
      readinessProbe: { tcpSocket: { port: PORT }, periodSeconds: 1 },
      ...options.container,
    };
    return deployment({ ...options, container });
  }

  /** By a fresh connection, as all calls are. */
  payment(payment: Payment): Promise<Outcome> {
    return this.#ask('/pay', payment);
  }

  get(url: string): Promise<Outcome> {
    return this.#ask('/get', { url });
  }

  /**
   * Pays again and again, and tries what is forbidden beside it, until a call is lost and one after it is decided.
   * @throws after `ms`
   */
  gap(within: Payment, forbidden: { payment: Payment; urls: readonly string[] }, ms = 60_000): Promise<Gap> {
    return this.#ask('/gap', { within, forbidden, ms });
  }

  /** How the attempts ended that it made first of all. */
  firstAttempts(): Promise<Outcome[]> {
    return this.#ask('/first', {});
  }

  /** What the gateway says about itself. */
  async health(): Promise<GatewayHealth> {
    const answer = await fetch(`http://${this.address}:15020/health`, { signal: AbortSignal.timeout(5_000) });
    return (await answer.json()) as GatewayHealth;
  }

  async #ask<T>(path: string, question: object): Promise<T> {
    const answer = await fetch(`http://${this.address}:${PORT}${path}`, {
      method: 'POST',
      body: JSON.stringify(question),
      signal: AbortSignal.timeout(70_000),
    });
    if (answer.status !== 200) throw new Error(await answer.text());
    return (await answer.json()) as T;
  }
}

/** Of it, what is looked at. */
export interface GatewayHealth {
  ready: boolean;
  bundle: {
    state: string;
    sequence?: number;
    key_id?: string;
    source?: string;
    sources: { kind: string; last_success?: string; error?: string }[];
  };
}

const PROGRAM = `
const http = require('http'), https = require('https'), dns = require('dns');
// asked once: a question that is lost costs five seconds, which would be measured as the gateway's
const known = new Map();
const lookup = (host, options, done) => {
  if (known.has(host)) return process.nextTick(() => done(null, ...known.get(host)));
  dns.lookup(host, options, (error, ...found) => {
    if (!error) known.set(host, found);
    done(error, ...found);
  });
};
const call = (url, options = {}, body) => new Promise((resolve) => {
  const end = (more) => resolve({ at: Date.now(), ...more });
  const { request } = url.startsWith('https:') ? https : http;
  const sent = request(url, { agent: false, timeout: 8000, lookup, ...options }, (answer) => {
    answer.resume().on('end', () => end({ status: answer.statusCode })).on('error', (e) => end({ error: e.code }));
  });
  sent.on('timeout', () => sent.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })));
  sent.on('error', (e) => end({ error: e.code || e.message })).end(body);
});
const pay = ({ amount, mark }) => call('https://api.stripe.com/v1/payment_intents', {
  method: 'POST',
  headers: { authorization: 'Bearer ' + mark, 'content-type': 'application/x-www-form-urlencoded' },
}, 'amount=' + amount * 100 + '&currency=usd');
const decided = ({ status }) => status === 200 || status === 403;
const gap = async ({ within, forbidden, ms }) => {
  const end = Date.now() + ms, ended = {};
  let lost;
  while (Date.now() < end) {
    const [outcome, above] = await Promise.all([pay(within), pay(forbidden.payment), ...forbidden.urls.map((url) => call(url))]);
    if (lost && decided(outcome) && decided(above)) return { lost, back: outcome, ended };
    if (!decided(outcome)) {
      lost = lost || outcome;
      const how = String(outcome.status || outcome.error);
      ended[how] = (ended[how] || 0) + 1;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error((lost ? 'lost and not decided again: ' : 'nothing was lost') + JSON.stringify(ended));
};
const first = Promise.all(process.argv.slice(1).map((url) => call(url)));
const ways = { '/pay': pay, '/get': ({ url }) => call(url), '/gap': gap, '/first': () => first };
http.createServer(async (question, answer) => {
  try {
    let text = '';
    for await (const part of question) text += part;
    answer.end(JSON.stringify(await ways[question.url](JSON.parse(text))));
  } catch (error) {
    answer.writeHead(500).end(error.message);
  }
}).listen(${PORT});
`;
