import { randomBytes } from 'node:crypto';
/** The whole local way on real sockets: resources, bundle, decision endpoint, proxy, and a tool that records. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { AgentOfTool } from '../../cli/local/agent-of-tool.ts';
import { type LocalServers, openLocalServers } from '../../cli/local/local-servers.ts';
import type { LocalSystem } from '../../cli/workspace/local-system.ts';
import type { Source } from '../../policy/source/load-sources.ts';
import { fakeDeps } from '../gateway/listeners/fake-activation.ts';
import { NOW, newSystem } from '../support/sample.ts';

export const HEAD = 'apiVersion: aegis.dev/v1alpha1\n';

export const REGISTRATION = `${HEAD}kind: AgentRegistration
metadata: {name: ag, namespace: acme}
spec:
  owner: a@example.com
  workload: {selector: {matchLabels: {app: a}}, serviceAccountName: a}
  delegation: {selfOrigin: true}
  tools: [{toolId: bank}]
`;

export const TOOL = `${HEAD}kind: AgentTool
metadata: {name: bank, namespace: acme}
spec:
  protocol: HTTP
  upstream: {url: "http://bank.example"}
  actions:
  - name: pay
    effect: write
    match: {method: POST, path: /pay}
    parameters:
      amount: {in: json, type: number, role: amount}
      flag: {in: json, type: boolean}
  - name: read
    effect: read
    match: {method: GET, path: /read}
    parameters:
      user_id: {in: query, type: string, required: true}
      x-account: {in: header, type: string}
  - name: look
    effect: read
    match: {method: POST, path: /look}
    parameters:
      destination: {in: json, type: string, required: true}
      userId: {in: json, type: string}
`;

/** `rules` as YAML lines of a list. */
export function policy(rules: string, name = 'p', namespace = 'acme'): string {
  const change = 'change: {author: a@example.com, reason: test, ticket: T-1}';
  return `${HEAD}kind: AgentPolicy
metadata: {name: ${name}, namespace: ${namespace}}
spec:
  scope: {tenantWide: true}
  rules:
${rules}
  ${change}
`;
}

export const PERMIT = policy('  - {name: all, actions: [pay, read, look]}');

export function sources(...texts: string[]): Source[] {
  return texts.map((text, index) => ({ file: `f${index}.yaml`, text }));
}

export interface World {
  system: LocalSystem;
  servers: LocalServers;
  /** `METHOD url body` of what reached the tool. */
  forwarded: string[];
  close(): Promise<void>;
}

export async function openWorld(all: readonly Source[], agent?: string): Promise<World> {
  const system = newSystem();
  const update = system.update(all);
  const forwarded: string[] = [];
  const tool = createServer((req, res) => {
    let body = '';
    req.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1');
    });
    req.on('end', () => {
      forwarded.push(`${req.method} ${req.url} ${body}`.trim());
      res.end('{}');
    });
  });
  const toolPort = await listening(tool);
  const agents = new AgentOfTool(agent);
  agents.update(update.resources, system.activations.list());
  const servers = await openLocalServers({
    allowPrivate: [],
    clock: Date.now,
    randomBytes,
    source: system.activations,
    deps: fakeDeps(() => NOW),
    callers: agents,
    upstreams: Object.fromEntries(agents.tools().map((name) => [name, `http://127.0.0.1:${toolPort}`])),
    decisionsPort: 0,
    proxyPort: 0,
    ticks: () => performance.now(),
  });
  return {
    system,
    servers,
    forwarded,
    async close() {
      await servers.close();
      tool.closeAllConnections();
      await new Promise((done) => tool.close(done));
    },
  };
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

/** Sends bytes as they are; gives everything that came back once the peer closed or `patience` ms were quiet. */
export function sendRaw(port: number, text: string, patience = 500): Promise<string> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    let answer = '';
    const end = (): void => {
      clearTimeout(timer);
      socket.destroy();
      done(answer);
    };
    const timer = setTimeout(end, patience);
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    socket.on('error', end);
    socket.on('close', end);
    socket.write(Buffer.from(text, 'latin1'));
  });
}

export function statuses(answer: string): number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
}

export function post(path: string, body: string, headers = '', type = 'application/json'): string {
  const length = Buffer.byteLength(body, 'latin1');
  const head = `Host: 127.0.0.1\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\nConnection: close\r\n`;
  return `POST ${path} HTTP/1.1\r\n${head}${headers}\r\n${body}`;
}
