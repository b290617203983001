import { askedHost } from '../../capture/asked.ts';
import { openCall, type ProxyVerdict } from '../../capture/proxy-call.ts';
import { problemTypeOf, type WayRefusal } from '../../capture/way-refusal.ts';
import type { DecideDeps } from '../../enforcement/decide-call.ts';
import { type Decision, noObligations } from '../../enforcement/decision.ts';
import { problemFor, problemOf } from '../../enforcement/problem.ts';
import { endReservation } from '../../limits/limit-store.ts';
import type { MappingLimits } from '../../mapping/map-request.ts';
import { type CallHooks, validTraceparent } from '../../telemetry/call-hooks.ts';
import type { EnvoyAttribution, EnvoyCall } from './attribute.ts';
import { type EnvoyRequest, readCheckRequest } from './check-request.ts';
import { allowedResponse, deniedResponse } from './check-response.ts';
import type { CheckRequest, CheckResponse } from './messages.ts';
import { requestEdits } from './request-edits.ts';

/**
 * Decides what Envoy asks, with the same mapping and the same policy as the inline gateway. Envoy forwards, so limits
 * are spent with the answer, and what Envoy cannot carry out (a changed body, a changed response) is a denial.
 */
export interface AuthorizeOptions {
  deps: DecideDeps;
  limits: MappingLimits;
  attribute(request: EnvoyRequest): EnvoyAttribution;
  /** Milliseconds, monotonic, with fractions. */
  ticks(): number;
  hooks: Pick<CallHooks, 'onDecision' | 'onRefused'>;
}

const OPTIONS = { responseSanitize: false };

function traceparentOf(rawHeaders: readonly string[]): string | undefined {
  const index = rawHeaders.findIndex((text, at) => at % 2 === 0 && text.toLowerCase() === 'traceparent');
  return validTraceparent(index < 0 ? undefined : rawHeaders[index + 1]);
}

function unsupported(decision: Decision): Decision {
  const message = 'The body would have to be changed, which Envoy cannot do here.';
  const { reservation: _, params: __, ...rest } = decision;
  return {
    ...rest,
    taken: 'deny',
    reasons: [{ code: 'OBLIGATION_UNSUPPORTED', message }],
    obligations: noObligations(),
  };
}

export function createAuthorize(options: AuthorizeOptions): (message: CheckRequest) => Promise<CheckResponse> {
  const { deps, limits, attribute, ticks, hooks } = options;

  function refuse(refused: WayRefusal, authority?: string): CheckResponse {
    const { code, status, detail } = refused;
    const decisionId = deps.newId();
    hooks.onRefused?.({ code, status, via: 'ext-authz', host: askedHost(authority), decisionId });
    const about = { type: problemTypeOf(refused), decisionId };
    return deniedResponse(problemFor(code, status, detail === undefined ? about : { ...about, detail }));
  }

  function note({ rawHeaders }: EnvoyRequest, decision: Decision, started: number): void {
    const traceparent = traceparentOf(rawHeaders);
    const micros = (ticks() - started) * 1000;
    hooks.onDecision?.(decision, { micros, via: 'ext-authz', ...(traceparent !== undefined && { traceparent }) });
  }

  /** What was held is spent with the answer: nobody tells what becomes of the call. */
  async function answer(
    request: EnvoyRequest,
    { target, basePath }: EnvoyCall,
    verdict: ProxyVerdict,
    started: number,
  ): Promise<CheckResponse> {
    const { decision } = verdict;
    if (!verdict.forward) {
      note(request, decision, started);
      return deniedResponse(verdict.problem, decision);
    }
    const { rawHeaders, body } = request;
    const edits = requestEdits({ target, rawHeaders, body }, verdict.request, basePath);
    if (edits === undefined) {
      endReservation(decision.reservation, 'release', deps.onError);
      const denied = unsupported(decision);
      note(request, denied, started);
      return deniedResponse(problemOf(denied), denied);
    }
    await decision.reservation?.settle();
    note(request, decision, started);
    return allowedResponse(decision, edits);
  }

  return async function authorize(message) {
    const started = ticks();
    const read = readCheckRequest(message);
    if (!read.ok) return refuse({ code: 'AEGIS_REQUEST_REFUSED', status: 403, detail: read.detail });
    const { request } = read;
    const attribution = attribute(request);
    if (!attribution.ok) return refuse(attribution.refusal, request.host);
    const { call } = attribution;
    const { method, rawHeaders, hasBody, body } = request;
    const { target, host } = call;
    const head = { method, target, rawHeaders, hasBody, ...(host !== undefined && { host }) };
    const opened = openCall(call.activation, call.caller, call.tool, head, deps, limits, OPTIONS);
    if (opened.kind === 'refused') return answer(request, call, opened.verdict, started);
    if (body !== undefined && body.length > limits.maxBody) return answer(request, call, opened.tooLarge(), started);
    return answer(request, call, await opened.decide(body), started);
  };
}
