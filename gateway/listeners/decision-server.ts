import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { stringifyExact } from '../../policy/decision/stringify.ts';
import { AegisError, type ErrorCode } from '../../policy/errors.ts';
import { send } from '../../runtime/http/send.ts';
import { isFromPage, isLocalHost } from '../../runtime/http/web-pages.ts';
import type { ActivationSource } from '../enforcement/activation.ts';
import type { DecideDeps } from '../enforcement/decide-call.ts';
import { type Decision, noObligations } from '../enforcement/decision.ts';
import { PROBLEM_TYPES, problemFor, renderProblem } from '../enforcement/problem.ts';
import { isPromise } from '../limits/limit-store.ts';
import { type CallInfo, type RefusedRequest, validTraceparent } from '../telemetry/call-hooks.ts';
import { decideAll, resultOf, settleAll } from './answer-decisions.ts';
import { type DecisionRequest, parseDecisionBody } from './decision-body.ts';
import { readBody, sendProblem } from './http-common.ts';
import type { RecentDecisions } from './recent-decisions.ts';

/**
 * Decisions over HTTP, for SDKs, tests and OPA's clients: `POST /v1/decisions`, `POST /v1/data/aegis/decision`,
 * `GET /v1/decisions/{id}`, `GET /health`. For loopback only: no CORS, local names in `Host`, JSON bodies.
 */
export interface DecisionServerOptions {
  source: ActivationSource;
  deps: DecideDeps;
  recent: RecentDecisions;
  /** Milliseconds, monotonic, with fractions. */
  ticks(): number;
  /** Told every decision after its answer was given; `micros` counts from the request's arrival. Must not throw. */
  onDecision?(decision: Decision, info: CallInfo): void;
  /** Told of every request for a decision that got none. Must not throw. */
  onRefused?(refused: RefusedRequest): void;
  /** The only agent that is answered for; absent where callers name it. */
  agent?: string;
  /** Largest body in bytes; default 256 KiB. */
  maxBody?: number;
  /** Accepted names in `Host` besides loopback ones, lower case, without port. */
  hosts?: readonly string[];
}

const MAX_BODY = 256 * 1024;
const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-?8"?)?\s*$/i;
const HEADERS = ['Content-Type', 'application/json', 'Cache-Control', 'no-store'];

/** Plain results in one go; what may hold exact numbers (values of obligations) is written with care. */
function toText(value: unknown, decisions: readonly Decision[]): string {
  const plain = decisions.every(
    ({ obligations: { set, limits }, candidates }) => set.length + limits.length + candidates.length === 0,
  );
  return plain ? JSON.stringify(value) : stringifyExact(value);
}

function health(source: ActivationSource, now: number): { ready: boolean; body: string } {
  const bundles = source.list().map(({ tenant, sequence, activatedAt, freeze }) => ({
    tenant,
    sequence,
    activated_at: new Date(activatedAt).toISOString(),
    age_seconds: Math.max(0, Math.round((now - activatedAt) / 1000)),
    ...(freeze !== undefined && { freeze }),
  }));
  const ready = bundles.length > 0;
  return { ready, body: JSON.stringify({ live: true, ready, bundles }) };
}

export function createDecisionServer(options: DecisionServerOptions): Server {
  const { source, deps, recent, ticks, onDecision, agent } = options;
  const maxSize = options.maxBody ?? MAX_BODY;
  const hosts = new Set(options.hosts ?? []);

  function refuse(req: IncomingMessage, res: ServerResponse, code: ErrorCode, status: number, detail?: string): void {
    if (status === 403) options.onRefused?.({ code, status, via: 'decisions' });
    sendProblem(
      req,
      res,
      problemFor(code, status, { type: 'request-refused', ...(detail !== undefined && { detail }) }),
    );
  }

  function fail(req: IncomingMessage, res: ServerResponse): (error: unknown) => void {
    return (error) => {
      deps.onError?.(error);
      if (res.headersSent) res.destroy();
      else refuseDecision(req, res, 'AEGIS_INTERNAL', 500, 'The gateway failed; the call is not allowed.');
    };
  }

  /** A defect in one request is one failed request, not the end of the gateway. */
  function guarded<T>(req: IncomingMessage, res: ServerResponse, work: (value: T) => void): (value: T) => void {
    return (value) => {
      try {
        work(value);
      } catch (error) {
        fail(req, res)(error);
      }
    };
  }

  /** A malformed or unanswerable request for a decision is answered with a deny, whatever the client looks at. */
  function refuseDecision(
    req: IncomingMessage,
    res: ServerResponse,
    code: ErrorCode,
    status: number,
    detail: string,
  ): void {
    const id = deps.newId();
    options.onRefused?.({ code, status, via: 'decisions', decisionId: id });
    const reasons = [{ code, message: detail }];
    const enforced = { verdict: 'deny', reasons, obligations: noObligations() };
    const type = status === 503 ? 'unavailable' : 'request-refused';
    const members = {
      type: PROBLEM_TYPES + type,
      title: 'No decision',
      status,
      detail,
      code,
      decision_id: id,
      reasons,
    };
    sendProblem(
      req,
      res,
      renderProblem({ ...members, ...(status === 503 && { retry_after: 5 }), enforced, candidates: [] }),
    );
  }

  function answer(
    { headers }: IncomingMessage,
    res: ServerResponse,
    wrapped: boolean,
    decisions: readonly Decision[],
    started: number,
  ): void {
    const result = resultOf(decisions);
    const id = result.decision_id;
    const text = toText(wrapped ? { result, decision_id: id } : result, decisions);
    send(res, 200, [...HEADERS, 'Aegis-Decision-Id', id], text);
    const traceparent = validTraceparent(headers.traceparent);
    const micros = (ticks() - started) * 1000;
    const info: CallInfo = { micros, via: 'decisions', ...(traceparent !== undefined && { traceparent }) };
    for (const decision of decisions) {
      recent.remember(decision, micros);
      onDecision?.(decision, info);
    }
  }

  function parse(
    req: IncomingMessage,
    res: ServerResponse,
    body: Buffer,
    wrapped: boolean,
  ): DecisionRequest | undefined {
    try {
      return parseDecisionBody(body, wrapped, { agent, maxSize });
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      refuseDecision(req, res, error.code, 400, error.message);
      return undefined;
    }
  }

  function decide(req: IncomingMessage, res: ServerResponse, wrapped: boolean): void {
    const started = ticks();
    const type = req.headers['content-type'];
    if (type === undefined || !JSON_TYPE.test(type) || req.headers['content-encoding'] !== undefined) {
      refuseDecision(req, res, 'AEGIS_REQUEST_REFUSED', 415, 'The body must be application/json without an encoding.');
      return;
    }
    readBody(
      req,
      maxSize,
      guarded(req, res, (body: Buffer | 'too-large') => {
        if (body === 'too-large') {
          refuseDecision(req, res, 'AEGIS_REQUEST_REFUSED', 413, `The body is larger than ${maxSize} bytes.`);
          return;
        }
        if (source.list().length === 0) {
          refuseDecision(req, res, 'AEGIS_NO_BUNDLE', 503, 'No verified bundle is active.');
          return;
        }
        const request = parse(req, res, body, wrapped);
        if (request === undefined) return;
        const decided = decideAll(source, request.inputs, deps, request.dryRun);
        const settle = (decisions: Decision[]) => settleAll(decisions, deps.onError);
        const settled = isPromise(decided) ? decided.then(settle) : settle(decided);
        const reply = guarded(req, res, (decisions: Decision[]) => answer(req, res, wrapped, decisions, started));
        if (isPromise(settled)) settled.then(reply, fail(req, res));
        else reply(settled);
      }),
    );
  }

  function show(req: IncomingMessage, res: ServerResponse, id: string): void {
    const found = recent.find(id);
    if (found === undefined) refuse(req, res, 'AEGIS_DECISION_UNKNOWN', 404);
    else send(res, 200, HEADERS, stringifyExact(found));
  }

  function get(req: IncomingMessage, res: ServerResponse, path: string): void {
    if (path === '/health') {
      const { ready, body } = health(source, deps.now());
      send(res, ready ? 200 : 503, HEADERS, body);
    } else if (path.startsWith('/v1/decisions/')) show(req, res, path.slice('/v1/decisions/'.length));
    else refuse(req, res, 'AEGIS_REQUEST_REFUSED', 404, 'There is no such path.');
  }

  function route(req: IncomingMessage, res: ServerResponse): void {
    const path = (req.url ?? '').split('?', 1)[0] as string;
    if (!isLocalHost(req.headers.host, hosts)) {
      refuse(req, res, 'AEGIS_REQUEST_REFUSED', 403, 'The Host header does not name this machine.');
    } else if (isFromPage(req)) {
      refuse(req, res, 'AEGIS_REQUEST_REFUSED', 403, 'Web pages may not ask.');
    } else if (path === '/v1/decisions' || path === '/v1/data/aegis/decision') {
      if (req.method === 'POST') decide(req, res, path !== '/v1/decisions');
      else refuse(req, res, 'AEGIS_REQUEST_REFUSED', 405, 'Decisions are asked for with POST.');
    } else if (req.method === 'GET' || req.method === 'HEAD') get(req, res, path);
    else refuse(req, res, 'AEGIS_REQUEST_REFUSED', 404, 'There is no such path.');
  }

  return createServer({ keepAliveTimeout: 65_000, requestTimeout: 30_000 }, (req, res) => {
    guarded(req, res, () => route(req, res))(undefined);
  });
}
