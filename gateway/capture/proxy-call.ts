import type { DecisionInput } from '../../policy/decision/types.ts';
import type { ToolContract } from '../../policy/mapping/contract.ts';
import type { Activation } from '../enforcement/activation.ts';
import { type DecideDeps, decideCall } from '../enforcement/decide-call.ts';
import { type Decision, noObligations, passes } from '../enforcement/decision.ts';
import { type ProblemResponse, problemFor, problemOf } from '../enforcement/problem.ts';
import { endReservation, isPromise, type MaybePromise } from '../limits/limit-store.ts';
import { hostDeny } from '../listeners/answer-decisions.ts';
import { routerOf, type ToolRouter } from '../mapping/action-router.ts';
import { type MappedCall, type MappingLimits, mapRequest, type RawRequest } from '../mapping/map-request.ts';
import type { MappingRefusal } from '../mapping/refusal.ts';
import { rewriteRequest } from '../mapping/rewrite-request.ts';

/** Raw request of a tool → decision, and either the exact request to forward or the denial. No sockets here. */
export interface CallerIdentity {
  agent: string;
  tenant?: string;
  /** Verified callers before the agent, the agent last. */
  chain?: string[];
}

export type ProxyVerdict =
  | { forward: true; decision: Decision; request: RawRequest; call: MappedCall }
  | { forward: false; decision: Decision; problem: ProblemResponse };

const STATUS: Partial<Record<MappingRefusal['code'], number>> = {
  AEGIS_MAPPING_UNKNOWN_TOOL: 403,
  AEGIS_MAPPING_UNMAPPED: 403,
  AEGIS_MAPPING_TOO_LARGE: 413,
  AEGIS_MAPPING_CONTENT_TYPE: 415,
};
const OPTIONS = { responseSanitize: false };

/** What is no call of the tool is denied like a call, with an id, so that it can be looked up and counted. */
export function refuseUnmapped(
  activation: Activation,
  caller: CallerIdentity,
  tool: string,
  refusal: MappingRefusal,
  deps: DecideDeps,
  options: { action?: string | undefined; contract?: ToolContract | undefined } = {},
): ProxyVerdict & { forward: false } {
  const { code, message, param } = refusal;
  const input: DecisionInput = {
    tenant: activation.tenant,
    agent: caller.agent,
    tool,
    action: options.action ?? '?',
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
  raw: RawRequest,
  call: MappedCall,
): DecisionInput {
  const { url, region } = contract.upstream;
  const host = url === undefined ? undefined : hostOf(url);
  return {
    tenant: activation.tenant,
    agent: caller.agent,
    tool: contract.tool,
    action: call.action.name,
    params: call.params,
    context: { destination: { ...(host !== undefined && { host }), ...(region !== undefined && { region }) } },
    ...(caller.chain !== undefined && { chain: caller.chain }),
    request: { protocol: 'http', method: raw.method, path: call.source.path },
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

function ineffective(decision: Decision, deps: DecideDeps): Decision {
  endReservation(decision.reservation, 'release', deps.onError);
  const { reservation: _, params: __, ...rest } = decision;
  const message = 'The sanitised call cannot be written back into the request.';
  return { ...rest, taken: 'deny', reasons: [{ code: 'SANITIZE_INEFFECTIVE', message }], obligations: noObligations() };
}

function conclude(
  router: ToolRouter,
  raw: RawRequest,
  call: MappedCall,
  decided: Decision,
  deps: DecideDeps,
): ProxyVerdict {
  let decision = decided;
  if (passes(decision)) {
    if (decision.params === undefined) return { forward: true, decision, request: raw, call };
    const rewritten = rewriteRequest(router, raw, call, decision.params);
    if (rewritten !== undefined) return { forward: true, decision, ...rewritten };
    decision = ineffective(decision, deps);
  }
  return { forward: false, decision, problem: problemOf(decision, call.action.denial ?? router.contract.denial) };
}

/** Maps and decides one complete request. Asynchronous only where the limit store is. */
export function decideRequest(
  activation: Activation,
  caller: CallerIdentity,
  tool: string,
  raw: RawRequest,
  deps: DecideDeps,
  limits: MappingLimits,
): MaybePromise<ProxyVerdict> {
  const contract = activation.contract(caller.agent, tool);
  if (contract === undefined) {
    const refusal = { code: 'AEGIS_MAPPING_UNKNOWN_TOOL' as const, message: 'The agent has no tool of this name.' };
    return refuseUnmapped(activation, caller, tool, refusal, deps);
  }
  const router = routerOf(contract);
  const mapped = mapRequest(router, raw, limits);
  if (!mapped.ok) {
    return refuseUnmapped(activation, caller, tool, mapped.refusal, deps, { action: mapped.action, contract });
  }
  const { call } = mapped;
  const decided = decideCall(activation, inputOf(activation, caller, contract, raw, call), deps, OPTIONS);
  if (isPromise(decided)) return decided.then((decision) => conclude(router, raw, call, decision, deps));
  return conclude(router, raw, call, decided, deps);
}
