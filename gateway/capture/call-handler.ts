import type { ErrorCode } from '../../policy/errors.ts';
import type { DecideDeps } from '../enforcement/decide-call.ts';
import type { Decision } from '../enforcement/decision.ts';
import { type ProblemResponse, problemFor } from '../enforcement/problem.ts';
import { definitiveRefusal } from '../limits/definitive-refusal.ts';
import { endReservation, isPromise } from '../limits/limit-store.ts';
import { hostDeny } from '../listeners/answer-decisions.ts';
import type { RecentDecisions } from '../listeners/recent-decisions.ts';
import type { MappingLimits } from '../mapping/map-request.ts';
import { responseChanges } from '../sanitize/request-changes.ts';
import type { ResponseSanitizer } from '../sanitize/response-sanitizer.ts';
import { type CallHooks, type CallInfo, type CallOutcome, validTraceparent } from '../telemetry/call-hooks.ts';
import type { ForwardEvents, ForwardRequest, UpgradedClient, Upstreams, UpstreamTarget } from '../upstream/types.ts';
import type { AttributedCall } from './attribution.ts';
import type { Exchange } from './http/exchange.ts';
import { type OpenedCall, openCall, type ProxyVerdict, type RefusedVerdict, refuseUnmapped } from './proxy-call.ts';
import { refusal } from './way-refusal.ts';

/** An attributed request → decision → the tool's answer, or the denial. Whichever way it came in. */
export interface CallHandler {
  handle(call: AttributedCall, exchange: Exchange): void;
  /** A request to the tool's host that is not below its base URL. */
  unmapped(call: Unmapped, exchange: Exchange): void;
  /** A WebSocket handshake; the exchange answers on the client's socket as long as nothing was passed on. */
  upgrade(call: AttributedCall, exchange: Exchange, client: UpgradedClient): void;
}

export interface CallHandlerOptions {
  deps: DecideDeps;
  recent: RecentDecisions;
  upstreams: Upstreams;
  /** Milliseconds, monotonic, with fractions. */
  ticks(): number;
  hooks: CallHooks;
  limits: MappingLimits;
  /** Changes a response as the decision's obligations say. */
  sanitizerOf(decision: Decision): ResponseSanitizer;
}

type Open = Extract<OpenedCall, { kind: 'open' }>;
type Passing = Extract<ProxyVerdict, { forward: true }>;

type Unmapped = Omit<AttributedCall, 'target' | 'named'>;

interface Run {
  call: AttributedCall;
  exchange: Exchange;
  started: number;
  opened?: Open;
  client?: UpgradedClient;
}

export function createCallHandler(options: CallHandlerOptions): CallHandler {
  const { deps, recent, upstreams, ticks, hooks, limits, sanitizerOf } = options;

  /** A defect in one call is one failed call: nothing was allowed by it. */
  function fail({ exchange }: Run): (error: unknown) => void {
    return (error) => {
      deps.onError?.(error);
      if (exchange.answered) exchange.res.destroy();
      else exchange.refuse(refusal('AEGIS_INTERNAL', 500));
    };
  }

  function guarded<T>(run: Run, work: (value: T) => void): (value: T) => void {
    return (value) => {
      try {
        work(value);
      } catch (error) {
        fail(run)(error);
      }
    };
  }

  function note({ call, exchange, started }: Run, decision: Decision): void {
    const traceparent = validTraceparent(exchange.req.headers.traceparent);
    const info: CallInfo = {
      micros: (ticks() - started) * 1000,
      via: call.via,
      ...(traceparent !== undefined && { traceparent }),
    };
    recent.remember(decision, info.micros);
    hooks.onDecision?.(decision, info);
  }

  function open(run: Run): OpenedCall {
    const { call, exchange } = run;
    const { method = '', rawHeaders } = exchange.req;
    const head = { method, target: call.target, rawHeaders, hasBody: exchange.hasBody };
    const named = call.named === undefined ? head : { ...head, host: call.named.host };
    return openCall(call.activation, call.caller, call.tool, named, deps, limits);
  }

  function deny(run: Run, { decision, problem }: RefusedVerdict): void {
    const at = ticks();
    note(run, decision);
    const gone = run.exchange.gone;
    run.exchange.answer(problem);
    hooks.onOutcome?.(decision, {
      status: gone ? 0 : problem.status,
      bytes: gone ? 0 : Buffer.byteLength(problem.body),
      millis: ticks() - at,
    });
  }

  function decide(run: Run, opened: Open, body: Uint8Array | undefined): void {
    run.started = ticks();
    const verdict = opened.decide(body);
    const conclude = guarded(run, (value: ProxyVerdict) => {
      if (value.forward) pass(run, value);
      else deny(run, value);
    });
    if (isPromise(verdict)) verdict.then(conclude, fail(run));
    else conclude(verdict);
  }

  function readAndDecide(run: Run, opened: Open): void {
    const { exchange } = run;
    const finish = guarded(run, (body: Buffer | 'too-large') => {
      run.started = ticks();
      if (body === 'too-large') deny(run, opened.tooLarge());
      else decide(run, opened, body);
    });
    // Refused before a client that waits for `100 Continue` sends it.
    if (Number(exchange.req.headers['content-length'] ?? 0) > limits.maxBody) finish('too-large');
    else exchange.read(limits.maxBody, finish);
  }

  function targetOf({ call }: Run): UpstreamTarget | { code: ErrorCode; detail: string } {
    if (call.named !== undefined) return call.named.upstream;
    const contract = call.activation.contract(call.caller.agent, call.tool);
    if (contract === undefined) return { code: 'AEGIS_UPSTREAM_UNKNOWN', detail: 'The tool has no upstream.' };
    return upstreams.resolve(contract);
  }

  function requestOf(run: Run, { decision, request, call }: Passing): ForwardRequest {
    const streamed = run.opened?.bodyMode === 'stream' && request.body === undefined;
    return {
      method: request.method,
      target: request.target,
      rawHeaders: request.rawHeaders,
      keptHeaders: new Set(call.source.plan.header.map(({ wire }) => wire)),
      body: streamed ? run.exchange.upload() : request.body,
      repeatable: call.action.effect === 'read',
      decisionId: decision.id,
      ...(responseChanges(decision.obligations).length > 0 && { sanitizer: sanitizerOf(decision) }),
    };
  }

  function pass(run: Run, verdict: Passing): void {
    const { exchange } = run;
    const { decision } = verdict;
    const { reservation } = decision;
    const at = ticks();
    note(run, decision);
    const unsent = (error: ErrorCode, status: number): void => {
      endReservation(reservation, 'release', deps.onError);
      hooks.onOutcome?.(decision, { status, bytes: 0, millis: ticks() - at, error });
    };
    const target = targetOf(run);
    if (exchange.answered) {
      unsent('AEGIS_CALLER_GONE', 0);
      return;
    }
    if ('code' in target) {
      unsent(target.code, 502);
      exchange.refuse(refusal(target.code, 502, target.detail), { decisionId: decision.id });
      return;
    }
    const events = eventsOf(run, decision, at);
    const request = requestOf(run, verdict);
    if (run.client === undefined) upstreams.forward(target, request, exchange.res, events);
    else upstreams.tunnel(target, request, run.client, events);
  }

  /** What the call costs follows from what happened to it: spent before the first byte leaves, given back if none did. */
  function eventsOf({ exchange }: Run, decision: Decision, at: number): ForwardEvents {
    const { reservation } = decision;
    const outcome: CallOutcome = { status: 0, bytes: 0, millis: 0 };
    let sending = false;
    return {
      sending() {
        sending = true;
        return reservation?.settle();
      },
      responded(status) {
        outcome.status = status;
        if (definitiveRefusal(status)) endReservation(reservation, 'refund', deps.onError);
      },
      failed({ code, status }, error, { sent }) {
        if (!sent) endReservation(reservation, 'release', deps.onError);
        outcome.error = code;
        if (code === 'AEGIS_CALLER_GONE' || exchange.gone) return;
        deps.onError?.(error);
        outcome.status = exchange.answered ? exchange.res.statusCode : status;
        exchange.refuse(refusal(code, status), { decisionId: decision.id });
      },
      closed({ bytes, error }) {
        if (!sending) endReservation(reservation, 'release', deps.onError);
        outcome.bytes = bytes;
        outcome.millis = ticks() - at;
        if (error !== undefined) outcome.error = error;
        hooks.onOutcome?.(decision, outcome);
      },
    };
  }

  function run(call: AttributedCall, exchange: Exchange, client?: UpgradedClient): void {
    const state: Run = { call, exchange, started: ticks(), ...(client !== undefined && { client }) };
    guarded(state, () => {
      const opened = open(state);
      if (opened.kind === 'refused') deny(state, opened.verdict);
      else {
        state.opened = opened;
        if (client !== undefined && opened.action.webSocket !== true) deny(state, noWebSocket(state, opened));
        else if (opened.bodyMode === 'read') readAndDecide(state, opened);
        else decide(state, opened, undefined);
      }
    })(undefined);
  }

  function noWebSocket({ call }: Run, { action }: Open): RefusedVerdict {
    const { activation, caller, tool } = call;
    const message = `${action.name} does not become a WebSocket.`;
    const input = { tenant: activation.tenant, agent: caller.agent, tool, action: action.name, params: {} };
    const decision = hostDeny(input, deps, 'AEGIS_UPGRADE_REFUSED', message, activation.sequence);
    const denial = action.denial ?? activation.contract(caller.agent, tool)?.denial;
    const problem: ProblemResponse = problemFor('AEGIS_UPGRADE_REFUSED', 403, {
      type: 'policy-denied',
      detail: message,
      decisionId: decision.id,
      reasons: decision.reasons,
      sequence: activation.sequence,
      ...(denial !== undefined && { denial }),
    });
    return { forward: false, decision, problem };
  }

  function unmapped(call: Unmapped, exchange: Exchange): void {
    const { activation, caller, tool } = call;
    const message = 'The path is not below the base URL of the tool.';
    const contract = activation.contract(caller.agent, tool);
    const refused = { code: 'AEGIS_MAPPING_UNMAPPED' as const, message };
    const state: Run = { call: { ...call, target: '' }, exchange, started: ticks() };
    guarded(state, () => deny(state, refuseUnmapped(activation, caller, tool, refused, deps, { contract })))(undefined);
  }

  return {
    unmapped,
    handle: (call, exchange) => run(call, exchange),
    upgrade: (call, exchange, client) => run(call, exchange, client),
  };
}
