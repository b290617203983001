import type { DecisionInput } from '../../policy/decision/types.ts';
import type { ActionContract, ToolContract } from '../../policy/mapping/contract.ts';
import type { Activation } from '../enforcement/activation.ts';
import { type DecideDeps, type DecideOptions, decideCall } from '../enforcement/decide-call.ts';
import { type Decision, noObligations, passes } from '../enforcement/decision.ts';
import { type ProblemResponse, problemFor, problemOf } from '../enforcement/problem.ts';
import { endReservation, isPromise, type MaybePromise } from '../limits/limit-store.ts';
import { parseWindow } from '../limits/limit-window.ts';
import { hostDeny } from '../listeners/answer-decisions.ts';
import { routerOf, type ToolRouter } from '../mapping/action-router.ts';
import type { BodyMode } from '../mapping/body-mode.ts';
import {
  DEFAULT_MAPPING_LIMITS,
  type HeadResult,
  type MappedCall,
  type MappingLimits,
  mapBody,
  mapHead,
  mapUnmatched,
  type RawRequest,
  type RequestHead,
  UNMATCHED_ACTION,
} from '../mapping/map-request.ts';
import { operationId } from '../mapping/operation-id.ts';
import type { MappingRefusal } from '../mapping/refusal.ts';
import { rewriteRequest } from '../mapping/rewrite-request.ts';
import { requestHeaders } from '../upstream/forward-headers.ts';

/** Raw request of a tool → decision, and either the exact request to forward or the denial. No sockets here. */
export interface CallerIdentity {
  agent: string;
  tenant?: string;
  /** Verified callers before the agent, the agent last. */
  chain?: string[];
}

export type RefusedVerdict = { forward: false; decision: Decision; problem: ProblemResponse };

/**
 * `request` is what may go to the tool, its target canonical; its body is undefined where there is none, and where it is
 * streamed: then the bytes pass as they come.
 */
export type ProxyVerdict =
  | { forward: true; decision: Decision; request: RawRequest; call: MappedCall }
  | RefusedVerdict;

export interface CallOptions {
  /** The listener changes responses as `decision.obligations` say; where it does not, such calls are denied.
   *  Default true. */
  responseSanitize: boolean;
}

const DEFAULT_OPTIONS: CallOptions = { responseSanitize: true };

export type OpenedCall =
  | { kind: 'refused'; verdict: RefusedVerdict }
  | {
      kind: 'open';
      action: ActionContract;
      /** none: there is no body. read: collect at most `maxBody` of it and pass it. stream: decide without it, forward it as it comes. */
      bodyMode: BodyMode;
      /** Once. Asynchronous only where the limit store is. */
      decide(body: Uint8Array | undefined): MaybePromise<ProxyVerdict>;
      /** The refusal of a body that is larger than `maxBody`. */
      tooLarge(): RefusedVerdict;
    };

const STATUS: Partial<Record<MappingRefusal['code'], number>> = {
  AEGIS_MAPPING_UNKNOWN_TOOL: 403,
  AEGIS_MAPPING_UNMAPPED: 403,
  AEGIS_MAPPING_TOO_LARGE: 413,
  AEGIS_MAPPING_CONTENT_TYPE: 415,
};

/** What is no call of the tool is denied like a call, with an id, so that it can be looked up and counted. */
export function refuseUnmapped(
  activation: Activation,
  caller: CallerIdentity,
  tool: string,
  refusal: MappingRefusal,
  deps: DecideDeps,
  options: { action?: string | undefined; contract?: ToolContract | undefined } = {},
): RefusedVerdict {
  const { code, message, param } = refusal;
  const input: DecisionInput = {
    tenant: activation.tenant,
    agent: caller.agent,
    tool,
    action: options.action ?? UNMATCHED_ACTION,
    params: {},
  };
  const decision = hostDeny(input, deps, code, message, activation.sequence);
  const reasons = [{ code, message, ...(param !== undefined && { param }) }];
  decision.reasons = reasons;
  const status = STATUS[code] ?? 400;
  const problem = problemFor(code, status, {
    type: status === 403 ? 'policy-denied' : 'request-refused',
    detail: param === undefined ? message : `${param}: ${message}`,
    decisionId: decision.id,
    reasons,
    sequence: activation.sequence,
    ...(options.contract !== undefined && { denial: options.contract.denial }),
  });
  return { forward: false, decision, problem };
}

function inputOf(
  activation: Activation,
  caller: CallerIdentity,
  contract: ToolContract,
  head: RequestHead,
  call: MappedCall,
): DecisionInput {
  const { region } = contract.upstream;
  const host = destinationOf(contract, head);
  return {
    tenant: activation.tenant,
    agent: caller.agent,
    tool: contract.tool,
    action: call.action.name,
    params: call.params,
    context: { destination: { ...(host !== undefined && { host }), ...(region !== undefined && { region }) } },
    ...(caller.chain !== undefined && { chain: caller.chain }),
    request: { protocol: 'http', method: head.method, path: call.source.path },
  };
}

const hosts = new Map<string, string | undefined>();

function hostOf(url: string): string | undefined {
  if (!hosts.has(url)) {
    if (hosts.size > 1000) hosts.clear();
    hosts.set(url, URL.canParse(url) ? new URL(url).hostname : undefined);
  }
  return hosts.get(url);
}

function destinationOf({ upstream: { url } }: ToolContract, { host }: RequestHead): string | undefined {
  return host ?? (url === undefined ? undefined : hostOf(url));
}

function ineffective(decision: Decision, deps: DecideDeps): Decision {
  endReservation(decision.reservation, 'release', deps.onError);
  const { reservation: _, params: __, ...rest } = decision;
  const message = 'The sanitised call cannot be written back into the request.';
  return { ...rest, taken: 'deny', reasons: [{ code: 'SANITIZE_INEFFECTIVE', message }], obligations: noObligations() };
}

function conclude(
  router: ToolRouter,
  request: RawRequest,
  call: MappedCall,
  decided: Decision,
  deps: DecideDeps,
): ProxyVerdict {
  let decision = decided;
  if (passes(decision)) {
    if (decision.params === undefined) return { forward: true, decision, request, call };
    const rewritten = rewriteRequest(router, request, call, decision.params);
    if (rewritten !== undefined) return { forward: true, decision, ...rewritten };
    decision = ineffective(decision, deps);
  }
  return { forward: false, decision, problem: problemOf(decision, call.action.denial ?? router.contract.denial) };
}

/**
 * What a retry of the same call is known by: where it goes and the headers that reach the tool there. A body that is
 * not read could be another one each time.
 */
function operationOf(
  { activation, caller, router, request: head }: Opening,
  request: RawRequest,
  { bodyMode, plan }: MappedCall['source'],
): DecideOptions['operation'] {
  const { contract } = router;
  const { idempotency, tool } = contract;
  if (idempotency === undefined || bodyMode === 'stream') return undefined;
  const window = parseWindow(idempotency.window);
  if (window?.kind !== 'sliding') return undefined;
  const kept = new Set(plan.header.map(({ wire }) => wire));
  const rawHeaders = requestHeaders(request.rawHeaders, { kept }).list;
  const host = destinationOf(contract, head) ?? '';
  const parts = { tenant: activation.tenant, agent: caller.agent, tool, host, ...request, rawHeaders };
  const id = operationId(parts, idempotency);
  return id === undefined ? undefined : { id, window: window.length };
}

interface Opening {
  activation: Activation;
  caller: CallerIdentity;
  router: ToolRouter;
  request: RequestHead;
  deps: DecideDeps;
  limits: MappingLimits;
  options: CallOptions;
}

function decideMapped(opening: Opening, call: MappedCall, body: Uint8Array | undefined): MaybePromise<ProxyVerdict> {
  const { activation, caller, router, deps, options } = opening;
  const { method, rawHeaders } = opening.request;
  const { contract } = router;
  const request = { method, target: call.target, rawHeaders, body };
  const operation = operationOf(opening, request, call.source);
  const decided = decideCall(activation, inputOf(activation, caller, contract, opening.request, call), deps, {
    responseSanitize: options.responseSanitize,
    ...(operation !== undefined && { operation }),
    ...(call.action.name === UNMATCHED_ACTION && contract.unmatched !== undefined && { unmatched: contract.unmatched }),
  });
  if (isPromise(decided)) return decided.then((decision) => conclude(router, request, call, decision, deps));
  return conclude(router, request, call, decided, deps);
}

function refusedBy({ activation, caller, router, deps }: Opening, refusal: MappingRefusal, action?: string) {
  const { contract } = router;
  return refuseUnmapped(activation, caller, contract.tool, refusal, deps, { action, contract });
}

/** What no action matches passes unread where the contract says that it is only observed; never what is ambiguous. */
function understand({ router, request }: Opening): HeadResult {
  const mapped = mapHead(router, request);
  const unmatched = !mapped.ok && mapped.refusal.code === 'AEGIS_MAPPING_UNMAPPED';
  return unmatched && router.contract.unmatched !== undefined ? mapUnmatched(router.contract, request) : mapped;
}

/**
 * First stage: the head alone says which action this is and how its body is to be taken; whatever the head suffices to
 * refuse is refused here. The second stage, `decide`, needs the body where the first one asks for it.
 */
export function openCall(
  activation: Activation,
  caller: CallerIdentity,
  tool: string,
  head: RequestHead,
  deps: DecideDeps,
  limits: MappingLimits = DEFAULT_MAPPING_LIMITS,
  options: CallOptions = DEFAULT_OPTIONS,
): OpenedCall {
  const contract = activation.contract(caller.agent, tool);
  if (contract === undefined) {
    const refusal = { code: 'AEGIS_MAPPING_UNKNOWN_TOOL' as const, message: 'The agent has no tool of this name.' };
    return { kind: 'refused', verdict: refuseUnmapped(activation, caller, tool, refusal, deps) };
  }
  const router = routerOf(contract);
  const opening: Opening = { activation, caller, router, request: head, deps, limits, options };
  const understood = understand(opening);
  if (!understood.ok) return { kind: 'refused', verdict: refusedBy(opening, understood.refusal, understood.action) };
  const { action, bodyMode } = understood.head;
  return {
    kind: 'open',
    action,
    bodyMode,
    decide: (body) => {
      const mapped = mapBody(router, understood.head, body, limits);
      return mapped.ok ? decideMapped(opening, mapped.call, body) : refusedBy(opening, mapped.refusal, action.name);
    },
    tooLarge: () => {
      const message = `The body is larger than ${limits.maxBody} bytes.`;
      return refusedBy(opening, { code: 'AEGIS_MAPPING_TOO_LARGE', message }, action.name);
    },
  };
}
