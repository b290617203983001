import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import type { ErrorCode } from '../../policy/errors.ts';
import type { Activation, ActivationSource } from '../enforcement/activation.ts';
import type { DecideDeps } from '../enforcement/decide-call.ts';
import type { Decision } from '../enforcement/decision.ts';
import { problemFor } from '../enforcement/problem.ts';
import { endReservation, isPromise } from '../limits/limit-store.ts';
import { isFromPage, isLocalHost, readBody, sendProblem } from '../listeners/http-common.ts';
import type { RecentDecisions } from '../listeners/recent-decisions.ts';
import { DEFAULT_MAPPING_LIMITS } from '../mapping/map-request.ts';
import { type ForwardTimeouts, forward } from '../upstream/forward.ts';
import { type CallerIdentity, decideRequest, type ProxyVerdict, refuseUnmapped } from './proxy-call.ts';

/**
 * The reverse proxy for SDKs that take a base URL: `http://127.0.0.1:15001/<tool>/<path…>`. Each request is read
 * whole, mapped, decided, and then forwarded as it was decided on, or refused. Responses are streamed.
 */
export interface ProxyServerOptions {
  source: ActivationSource;
  deps: DecideDeps;
  recent: RecentDecisions;
  /** Pooled connections to the tools (undici `Agent`); must not follow redirects. */
  dispatcher: Dispatcher;
  /** Who calls through this listener: fixed by the host, never taken from the request. */
  agentFor(tool: string): CallerIdentity | undefined;
  /** Base URL per tool instead of the contract's, for local stand-ins. */
  upstreams?: Readonly<Record<string, string>>;
  /** Milliseconds, monotonic, with fractions. */
  ticks(): number;
  /** Told every decision once it is taken; `micros` from the complete request. Must not throw. */
  onDecision?(decision: Decision, micros: number): void;
  /** Largest request body in bytes; default 1 MiB. */
  maxBody?: number;
  timeouts?: Partial<ForwardTimeouts>;
  hosts?: readonly string[];
}

const TOOL_PATH = /^\/([a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?)(\/.*|\?.*)?$/;
const TIMEOUTS: ForwardTimeouts = { headers: 120_000, body: 300_000 };

interface Exchange {
  req: IncomingMessage;
  res: ServerResponse;
  tool: string;
  target: string;
  caller: CallerIdentity;
  activation: Activation;
}

export function createProxyServer(options: ProxyServerOptions): Server {
  const { source, deps, recent, dispatcher, ticks, onDecision } = options;
  const limits = { maxBody: options.maxBody ?? DEFAULT_MAPPING_LIMITS.maxBody };
  const timeouts: ForwardTimeouts = { ...TIMEOUTS, ...options.timeouts };
  const hosts = new Set(options.hosts ?? []);
  const bases = new Map<string, URL | undefined>();

  function baseOf(tool: string, contractUrl: string | undefined): URL | undefined {
    const text =
      (options.upstreams && Object.hasOwn(options.upstreams, tool) ? options.upstreams[tool] : undefined) ??
      contractUrl;
    if (text === undefined) return undefined;
    if (!bases.has(text)) {
      const url = URL.canParse(text) ? new URL(text) : undefined;
      bases.set(text, url?.protocol === 'http:' || url?.protocol === 'https:' ? url : undefined);
    }
    return bases.get(text);
  }

  function refuse(
    req: IncomingMessage,
    res: ServerResponse,
    code: ErrorCode,
    status: number,
    type: string,
    decision?: Decision,
  ): void {
    if (res.headersSent || res.destroyed) return;
    sendProblem(req, res, problemFor(code, status, { type, decisionId: decision?.id ?? deps.newId() }));
  }

  function fail(req: IncomingMessage, res: ServerResponse): (error: unknown) => void {
    return (error) => {
      deps.onError?.(error);
      refuse(req, res, 'AEGIS_INTERNAL', 500, 'request-refused');
    };
  }

  /** A defect in one call is one failed call: nothing was allowed by it. */
  function guarded<T>(req: IncomingMessage, res: ServerResponse, work: (value: T) => void): (value: T) => void {
    return (value) => {
      try {
        work(value);
      } catch (error) {
        fail(req, res)(error);
      }
    };
  }

  function note(decision: Decision, started: number): void {
    const micros = (ticks() - started) * 1000;
    recent.remember(decision, micros);
    onDecision?.(decision, micros);
  }

  function pass({ req, res, tool, activation, caller }: Exchange, verdict: ProxyVerdict & { forward: true }): void {
    const { decision, request, call } = verdict;
    const { reservation } = decision;
    const upstream = baseOf(tool, activation.contract(caller.agent, tool)?.upstream.url);
    if (upstream === undefined || res.destroyed) {
      endReservation(reservation, 'release', deps.onError);
      refuse(req, res, 'AEGIS_UPSTREAM_UNKNOWN', 502, 'upstream-failed', decision);
      return;
    }
    const keptHeaders = new Set(call.source.plan.header.map(({ wire }) => wire));
    const { method, rawHeaders, body } = request;
    const { target } = call;
    forward(
      dispatcher,
      { upstream, method, target, rawHeaders, keptHeaders, body, decisionId: decision.id },
      timeouts,
      res,
      {
        sent: () => endReservation(reservation, 'settle', deps.onError),
        failed: ({ code, status }, error) => {
          deps.onError?.(error);
          refuse(req, res, code, status, 'upstream-failed', decision);
        },
        // Settled long since if anything was sent; a second call changes nothing.
        closed: () => endReservation(reservation, 'release', deps.onError),
      },
    );
  }

  function finish(exchange: Exchange, verdict: ProxyVerdict, started: number): void {
    note(verdict.decision, started);
    if (verdict.forward) pass(exchange, verdict);
    else sendProblem(exchange.req, exchange.res, verdict.problem);
  }

  function call(exchange: Exchange, body: Buffer | 'too-large'): void {
    const { req, res, activation, caller, tool, target } = exchange;
    const started = ticks();
    if (body === 'too-large') {
      const message = `The body is larger than ${limits.maxBody} bytes.`;
      const contract = activation.contract(caller.agent, tool);
      const refusal = { code: 'AEGIS_MAPPING_TOO_LARGE' as const, message };
      finish(exchange, refuseUnmapped(activation, caller, tool, refusal, deps, { contract }), started);
      return;
    }
    const raw = { method: req.method ?? '', target, rawHeaders: req.rawHeaders, body };
    const verdict = decideRequest(activation, caller, tool, raw, deps, limits);
    const done = guarded(req, res, (value: ProxyVerdict) => finish(exchange, value, started));
    if (isPromise(verdict)) verdict.then(done, fail(req, res));
    else done(verdict);
  }

  function accept(req: IncomingMessage, res: ServerResponse): void {
    if (!isLocalHost(req.headers.host, hosts) || isFromPage(req)) {
      refuse(req, res, 'AEGIS_REQUEST_REFUSED', 403, 'request-refused');
      return;
    }
    const [, tool, rest = '/'] = TOOL_PATH.exec(req.url ?? '') ?? [];
    const caller = tool === undefined ? undefined : options.agentFor(tool);
    if (tool === undefined || caller === undefined) {
      refuse(req, res, 'AEGIS_MAPPING_UNKNOWN_TOOL', 403, 'policy-denied');
      return;
    }
    const activation = source.get(caller.tenant);
    if (activation === undefined) {
      refuse(req, res, 'AEGIS_NO_BUNDLE', 503, 'unavailable');
      return;
    }
    const target = rest.startsWith('?') ? `/${rest}` : rest;
    const exchange: Exchange = { req, res, tool, target, caller, activation };
    readBody(
      req,
      limits.maxBody,
      guarded(req, res, (body: Buffer | 'too-large') => call(exchange, body)),
    );
  }

  return createServer({ keepAliveTimeout: 65_000 }, (req, res) => {
    guarded(req, res, () => accept(req, res))(undefined);
  });
}
