import { readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as httpsRequest, type Server } from 'node:https';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import type { ApiServer } from './api-server.ts';
import { loopbackCertificate } from './loopback-certificate.ts';
import { type RequestInfo, requestInfo, type Verb } from './request-info.ts';

/** Which requests a fault is for; what is absent fits all. */
export interface RequestMatch {
  verb?: Verb | readonly Verb[];
  /** As in `RequestInfo`, e.g. `agentpolicies/status`. */
  resource?: string;
  namespace?: string;
  name?: string;
  /** How many of those that fit; all when absent. */
  times?: number;
}

export interface WatchEventLine {
  type: string;
  object: { metadata?: { name?: string; namespace?: string } };
}

interface Fault {
  match: RequestMatch;
  left: number;
  act: Act;
}

/** What happens to a request instead of being passed on, or to its answer, or to events of its watch. */
type Act =
  | { kind: 'answer'; status: number; retryAfter?: number }
  | { kind: 'lose' }
  | { kind: 'delay'; ms: number }
  | { kind: 'drop'; when(event: WatchEventLine): boolean };

/**
 * Stands before the API server, ends TLS, and knows what the requests are about: counts them, answers some itself,
 * loses answers, drops events of watches. Speaks HTTP/1.1.
 */
export class HttpFaultProxy {
  /** Of an administrator who goes this way. */
  readonly kubeconfig: string;
  readonly caFile: string;
  readonly port: number;
  /** Requests by `verb resource`, e.g. `list pods`, since the start or `clear`. */
  readonly counts = new Map<string, number>();
  readonly #listener: Server;
  readonly #agent: Agent;
  readonly #target: ApiServer;
  readonly #watches = new Map<ServerResponse, RequestInfo>();
  #faults: Fault[] = [];

  private constructor(target: ApiServer, listener: Server, ca: string, port: number) {
    this.#target = target;
    this.#listener = listener;
    this.port = port;
    this.#agent = new Agent({ ca: readFileSync(target.caFile), keepAlive: true });
    this.caFile = join(target.folder, `ca-${port}.crt`);
    this.kubeconfig = join(target.folder, `kubeconfig-${port}`);
    writeFileSync(this.caFile, ca);
    target.writeKubeconfig(this.kubeconfig, target.adminToken, this.url, this.caFile);
    listener.on('request', (request, response) => void this.#serve(request, response));
  }

  static start(target: ApiServer): Promise<HttpFaultProxy> {
    const { ca, cert, key } = loopbackCertificate();
    const listener = createServer({ cert, key });
    return new Promise((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(0, '127.0.0.1', () => {
        const { port } = listener.address() as { port: number };
        resolve(new HttpFaultProxy(target, listener, ca, port));
      });
    });
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}`;
  }

  count(verb: Verb, resource: string): number {
    return this.counts.get(`${verb} ${resource}`) ?? 0;
  }

  /** Watches that are open now, of one resource or of all. */
  watches(resource?: string): number {
    return [...this.#watches.values()].filter((info) => resource === undefined || info.resource === resource).length;
  }

  /** These requests are not passed on but answered with a Status. @param answer `retryAfter`: seconds @returns undo */
  answer(match: RequestMatch, answer: { status: number; retryAfter?: number }): () => void {
    return this.#add(match, { kind: 'answer', ...answer });
  }

  /** These requests are carried out, and their answer is lost with the connection. @returns undo */
  loseAnswer(match: RequestMatch): () => void {
    return this.#add(match, { kind: 'lose' });
  }

  /** These requests are passed on after some ms. @returns undo */
  delay(match: RequestMatch, ms: number): () => void {
    return this.#add(match, { kind: 'delay', ms });
  }

  /** These events of watches are swallowed (`times` counts events), also of watches that are open. @returns undo */
  dropWatchEvents(match: RequestMatch, when: (event: WatchEventLine) => boolean = () => true): () => void {
    return this.#add({ ...match, verb: 'watch' }, { kind: 'drop', when });
  }

  /** Ends open watches, properly as the API server does after their time, or cut off. */
  endWatches(resource?: string, how: 'end' | 'cut' = 'end'): void {
    for (const [response, info] of this.#watches) {
      if (resource !== undefined && info.resource !== resource) continue;
      if (how === 'end') response.end();
      else response.socket?.destroy();
    }
  }

  /** No faults and no counts any more. */
  clear(): void {
    this.#faults = [];
    this.counts.clear();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    this.#listener.closeAllConnections();
    this.#agent.destroy();
    await closed;
  }

  #add(match: RequestMatch, act: Act): () => void {
    const fault = { match, act, left: match.times ?? Number.POSITIVE_INFINITY };
    this.#faults.push(fault);
    return () => {
      this.#faults = this.#faults.filter((each) => each !== fault);
    };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const info = requestInfo(request.method ?? '', request.url ?? '');
    const key = `${info.verb} ${info.resource}`;
    this.counts.set(key, (this.counts.get(key) ?? 0) + 1);
    const act = this.#take(info);
    if (act?.kind === 'answer') refuse(response, act.status, act.retryAfter);
    else {
      if (act?.kind === 'delay') await wait(act.ms);
      this.#passOn(request, response, info, act?.kind === 'lose');
    }
  }

  #take(info: RequestInfo): Act | undefined {
    const fault = this.#faults.find(({ match, act, left }) => act.kind !== 'drop' && left > 0 && fits(match, info));
    if (fault !== undefined) fault.left--;
    return fault?.act;
  }

  #passOn(request: IncomingMessage, response: ServerResponse, info: RequestInfo, lose: boolean): void {
    const sent = httpsRequest({
      host: '127.0.0.1',
      port: this.#target.port,
      agent: this.#agent,
      method: request.method,
      path: request.url,
      headers: request.headers,
    });
    response.once('close', () => sent.destroy());
    sent.on('error', () => response.destroy());
    sent.on('response', (answer) => {
      if (lose) {
        answer.resume().once('end', () => response.socket?.destroy());
        return;
      }
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      if (info.verb === 'watch' && answer.statusCode === 200) this.#passWatch(answer, response, info);
      else answer.on('error', () => response.destroy()).pipe(response);
    });
    request.pipe(sent);
  }

  #passWatch(answer: IncomingMessage, response: ServerResponse, info: RequestInfo): void {
    this.#watches.set(response, info);
    response.once('close', () => this.#watches.delete(response));
    const lines = createInterface({ input: answer, crlfDelay: Number.POSITIVE_INFINITY });
    for (const source of [answer, lines]) source.on('error', () => response.destroy());
    lines.on('line', (line) => {
      if (!this.#drops(info, line) && !response.writableEnded) response.write(`${line}\n`);
    });
    lines.on('close', () => response.end());
  }

  #drops(info: RequestInfo, line: string): boolean {
    for (const fault of this.#faults) {
      const { match, act } = fault;
      if (act.kind !== 'drop' || fault.left === 0 || !fits({ ...match, name: undefined, namespace: undefined }, info)) {
        continue;
      }
      const event = JSON.parse(line) as WatchEventLine;
      const { name, namespace } = event.object.metadata ?? {};
      if (match.name !== undefined && match.name !== name) continue;
      if (match.namespace !== undefined && match.namespace !== namespace) continue;
      if (!act.when(event)) continue;
      fault.left--;
      return true;
    }
    return false;
  }
}

function fits(match: { [K in keyof RequestMatch]?: RequestMatch[K] | undefined }, info: RequestInfo): boolean {
  const { verb, resource, namespace, name } = match;
  if (verb !== undefined && ![verb].flat().includes(info.verb)) return false;
  if (resource !== undefined && resource !== info.resource) return false;
  if (namespace !== undefined && namespace !== info.namespace) return false;
  return name === undefined || name === info.name;
}

const REASONS: Record<number, string> = {
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** As the API server refuses: with a Status object. */
function refuse(response: ServerResponse, code: number, retryAfter: number | undefined): void {
  const status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'refused by the test',
    reason: REASONS[code] ?? 'Unknown',
    ...(retryAfter !== undefined && { details: { retryAfterSeconds: retryAfter } }),
    code,
  };
  response.writeHead(code, {
    'content-type': 'application/json',
    ...(retryAfter !== undefined && { 'retry-after': String(retryAfter) }),
  });
  response.end(JSON.stringify(status));
}
