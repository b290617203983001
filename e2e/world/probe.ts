import { waitFor } from '../../test/apiserver/wait-for.ts';
import type { Cluster, Pod } from '../cluster/cluster.ts';
import { type AgentOptions, podSpec } from './agent.ts';
import { ACCOUNT, AGENT_LABEL } from './orders-tenant.ts';

const PORT = 8090;

/** One thing that a container tries. */
export type Attempt =
  | { http: string; headers?: Record<string, string> }
  /** A request over TLS whose certificate may be of anybody: who made it is told. */
  | { tls: string }
  /** `hold`: ms for which the connection stays open. */
  | { tcp: string; port: number; hold?: number }
  /** Connected, so that refusals are heard; an echo is waited for. */
  | { udp: string; port: number; hold?: number }
  | { run: readonly string[] };

/** How it ended. */
interface Tried {
  /** Of HTTP. */
  status?: number;
  /** Somebody decided: the id that the gateway gave it. */
  decision?: string;
  /** Of the answer, or what the command printed. */
  text?: string;
  /** Who made the certificate, of `tls`. */
  issuer?: string;
  /** A connection was made, an echo came back, or the command ended with 0. */
  open?: boolean;
  /** Why it did not. */
  error?: string;
}

export interface ProbeOptions extends Omit<AgentOptions, 'replicas' | 'serviceAccountName'> {
  /** Registration that it is to match. */
  agent: string;
  serviceAccountName?: string;
}

/** A pod that is ready as soon as it can be asked, from the node, to try something. */
export function probePod(options: ProbeOptions): object {
  const { namespace, name } = options;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, ...metadataOf(options) },
    spec: probeSpec(options),
  };
}

/** What a Deployment of one has below `template`. */
export function probeTemplate(options: ProbeOptions): object {
  return { metadata: metadataOf(options), spec: probeSpec(options) };
}

function metadataOf({ agent, labels = {}, annotations = {} }: ProbeOptions) {
  return { labels: { [AGENT_LABEL]: agent, ...PROBE_LABEL, ...labels }, annotations };
}

/** Of pods that can be asked. */
const PROBE_LABEL = { 'example.com/probe': 'yes' };
const PROBES = 'example.com/probe=yes';

function probeSpec(options: ProbeOptions): object {
  const { serviceAccountName = ACCOUNT, container } = options;
  return podSpec({ ...options, serviceAccountName, container: { ...probeContainer(), ...container } });
}

export function probeContainer(port = PORT): Record<string, unknown> {
  const readinessProbe = { httpGet: { path: '/', port }, periodSeconds: 1, failureThreshold: 60 };
  return { command: ['node', '-e', PROGRAM, 'serve', String(port)], readinessProbe };
}

/** Tries all of it once and ends; the result stands in the status of the container. */
export function probeOnce(attempts: Readonly<Record<string, Attempt>>): Record<string, unknown> {
  return { command: ['node', '-e', PROGRAM, 'once', JSON.stringify(attempts)] };
}

/** @returns what a container of `probeOnce` tried. @throws where it has not ended */
export function resultOf({ status }: Pod, container: string): Record<string, Tried> {
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const state = all.find(({ name }) => name === container)?.state as { terminated?: { message?: string } } | undefined;
  if (state?.terminated?.message === undefined)
    throw new Error(`${container} has not told anything: ${JSON.stringify(state)}`);
  return JSON.parse(state.terminated.message);
}

/** A running pod, and what it can be asked. */
export class Probe {
  readonly name: string;
  readonly namespace: string;
  readonly pod: Pod;

  constructor(pod: Pod) {
    this.pod = pod;
    this.name = pod.metadata.name;
    this.namespace = pod.metadata.namespace;
  }

  /** @returns all of them by name, once so many are there and ready */
  static async all(cluster: Cluster, namespace: string, count: number, seconds = 150): Promise<Map<string, Probe>> {
    const there = async () => (await cluster.pods(namespace, PROBES)).length >= count;
    try {
      await waitFor(there, 60_000, `there are no ${count} pods`);
      const flags = ['-l', PROBES, '--for=condition=Ready', `--timeout=${seconds}s`];
      await cluster.kubectl(['wait', '-n', namespace, 'pod', ...flags], undefined, (seconds + 30) * 1000);
    } catch (error) {
      const { stdout } = await cluster.run(['get', '-n', namespace, 'pods,events']);
      throw new Error(`${(error as Error).message}\n${stdout}`);
    }
    const pods = await cluster.pods(namespace, PROBES);
    return new Map(pods.map((pod) => [pod.metadata.name, new Probe(pod)]));
  }

  /** All at once. @param port of another container than the first */
  async try<K extends string>(attempts: Readonly<Record<K, Attempt>>, port = PORT): Promise<Record<K, Tried>> {
    const answer = await fetch(`http://${this.pod.status.podIP}:${port}/`, {
      method: 'POST',
      body: JSON.stringify(attempts),
      signal: AbortSignal.timeout(60_000),
    });
    if (answer.status !== 200) throw new Error(await answer.text());
    return (await answer.json()) as Record<K, Tried>;
  }
}

/** @throws where there is none */
export function named(probes: ReadonlyMap<string, Probe>, name: string): Probe {
  const found = probes.get(name);
  if (found === undefined) throw new Error(`no probe ${name}`);
  return found;
}

const PROGRAM = `
const http = require('http'), https = require('https'), net = require('net'), dgram = require('dgram'), { execFile } = require('child_process');
const reason = (error) => String(error.cause?.code || error.code || error.cause?.message || error.message);
const ways = {
  async http({ http: url, headers }) {
    const answer = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(10000) });
    const decision = answer.headers.get('aegis-decision-id') ?? undefined;
    return { status: answer.status, decision, text: (await answer.text()).slice(0, 300) };
  },
  tls: ({ tls: host }) => new Promise((resolve, reject) => {
    https.get({ host, timeout: 10000, rejectUnauthorized: false, agent: false }, (answer) => {
      answer.resume().on('end', () => resolve({ status: answer.statusCode, issuer: answer.socket.getPeerCertificate().issuer?.CN }));
    }).on('error', reject).on('timeout', function () { this.destroy(new Error('TIMEOUT')); });
  }),
  tcp: ({ tcp: host, port, hold = 0 }) => new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout: 10000 });
    socket.on('error', reject).on('timeout', () => socket.destroy(new Error('TIMEOUT')));
    socket.on('connect', () => setTimeout(() => { socket.destroy(); resolve({ open: true }); }, hold));
  }),
  udp: ({ udp: host, port, hold = 0 }) => new Promise((resolve, reject) => {
    const socket = dgram.createSocket(net.isIPv6(host.split('%')[0]) ? 'udp6' : 'udp4');
    const end = (settle, value) => setTimeout(() => { socket.close(); settle(value); }, hold);
    const silence = setTimeout(() => end(reject, new Error('SILENCE')), 4000);
    socket.on('error', (error) => { clearTimeout(silence); end(reject, error); });
    socket.on('message', () => { clearTimeout(silence); end(resolve, { open: true }); });
    socket.connect(port, host, () => socket.send('hello'));
  }),
  run: ({ run: [command, ...args] }) => new Promise((resolve) => {
    execFile(command, args, { timeout: 20000 }, (error, stdout, stderr) => {
      resolve({ open: error === null, text: stdout.slice(0, 1000), ...(error && { error: stderr.slice(0, 300) }) });
    });
  }),
};
async function tryAll(attempts) {
  const entries = Object.entries(attempts).map(async ([name, attempt]) => {
    const way = Object.keys(ways).find((each) => each in attempt);
    return [name, await ways[way](attempt).catch((error) => ({ error: reason(error) }))];
  });
  return Object.fromEntries(await Promise.all(entries));
}
const [mode, given] = process.argv.slice(1);
if (mode === 'once') {
  tryAll(JSON.parse(given)).then((tried) => {
    require('fs').writeFileSync('/dev/termination-log', JSON.stringify(tried));
    process.exit(0);
  });
} else {
  http.createServer(async (request, answer) => {
    try {
      let text = '';
      for await (const part of request) text += part;
      answer.end(text === '' ? 'ready' : JSON.stringify(await tryAll(JSON.parse(text))));
    } catch (error) {
      answer.writeHead(500).end(error.message);
    }
  }).listen(Number(given));
  process.once('SIGTERM', () => process.exit(0));
}
`;
