import { stringifyExact } from '../../policy/decision/stringify.ts';
import type {
  DecisionInput,
  LimitObligation,
  Obligations,
  PolicyResult,
  Reason,
  Verdict,
} from '../../policy/decision/types.ts';
import type { ActionContract } from '../../policy/mapping/contract.ts';
import { responseTargetProblem } from '../../policy/sanitize/detectors.ts';
import { isPromise, type LimitStore, type MaybePromise, type Operation } from '../limits/limit-store.ts';
import { applyRequestChanges, requestChanges, responseChanges } from '../sanitize/request-changes.ts';
import type { Activation } from './activation.ts';
import { checkResult } from './check-result.ts';
import { type Decision, noObligations } from './decision.ts';
import { type KeptLimits, keepLimits, type LimitRules, UNCOUNTED } from './keep-limits.ts';
import { tooStale } from './staleness.ts';

export interface DecideDeps {
  /** ms since the epoch. */
  now(): number;
  newId(): string;
  limits: LimitStore;
  limitRules?: LimitRules;
  /** Keyed digest of a text, for `hash`. */
  hash(text: string): string;
  /** The decision log can take nothing more, and calls that write shall not pass without a line in it. */
  mustDenyWrites?(): boolean;
  /** Told what went wrong inside; must not throw. Messages may hold values: they are for the log of the host only. */
  onError?(error: unknown): void;
}

export interface DecideOptions {
  /** The caller can change responses; otherwise a call whose response must be changed is denied. */
  responseSanitize: boolean;
  /** Do not touch the limits. */
  dryRun?: boolean;
  /** Names the call so that its retries spend once. */
  operation?: Operation;
  /** The call is a request that no action of the tool matches, and the pair is only observed so far. */
  unmatched?: { limits: readonly LimitObligation[] };
}

type Base = Omit<Decision, 'verdict' | 'taken' | 'reasons' | 'obligations'>;

function deny(base: Base, verdict: Verdict, code: string, message: string): Decision {
  return { ...base, verdict, taken: 'deny', reasons: [{ code, message }], obligations: noObligations() };
}

/** The sanitising that the tool's contract asks for on every call stands beside the policy's. */
function withContract(obligations: Obligations, action: ActionContract | undefined): Obligations {
  const { request = [], response = [] } = action?.sanitize ?? {};
  if (request.length === 0 && response.length === 0) return obligations;
  const merged: Obligations = {
    ...obligations,
    redact: [...obligations.redact, ...response],
    set: [...obligations.set],
  };
  for (const { param, op, value } of request) {
    if (op === 'set' || op === 'clamp') merged.set.push({ param, op, value });
    else merged.redact.push({ param, op });
  }
  return merged;
}

function sameChanges(a: Obligations, b: Obligations): boolean {
  const text = ({ redact, set }: Obligations): string => stringifyExact([redact, set]);
  return text(a) === text(b);
}

interface Passing {
  params: Record<string, unknown>;
  changed: boolean;
  obligations: Obligations;
}

/**
 * Carries out what the policy (and the contract) wants changed, and has the changed call decided again: anything but
 * allow, or the very same changes, means that they do not make the call acceptable.
 */
function sanitize(
  activation: Activation,
  input: DecisionInput,
  result: PolicyResult,
  action: ActionContract | undefined,
  deps: DecideDeps,
): Passing | 'ineffective' | 'unknown-obligation' | 'malformed' {
  const first = result.enforced;
  const obligations = withContract(first.obligations, action);
  if (responseChanges(obligations).some((change) => responseTargetProblem(change) !== undefined)) {
    return 'unknown-obligation';
  }
  const { redact, set } = requestChanges(obligations);
  if (redact.length === 0 && set.length === 0) {
    if (first.verdict === 'sanitize' && obligations.redact.length === 0) return 'ineffective';
    return { params: input.params, changed: false, obligations };
  }
  const params = applyRequestChanges(input.params, obligations, deps.hash);
  const again = activation.evaluate({ ...input, params });
  const check = checkResult(again);
  if (check !== 'ok') return check;
  const { verdict, obligations: second } = again.enforced;
  const accepted = verdict === 'allow' || (verdict === 'sanitize' && sameChanges(second, first.obligations));
  if (!accepted) return 'ineffective';
  return { params, changed: true, obligations: { ...obligations, limits: second.limits } };
}

const FAILURES = {
  malformed: ['EVALUATION_FAILED', 'The policy could not be evaluated.'],
  'unknown-obligation': ['UNKNOWN_OBLIGATION', 'The policy asks for something that this gateway does not know.'],
  ineffective: ['SANITIZE_INEFFECTIVE', 'Sanitising the call does not make it acceptable.'],
} as const;

function failed(base: Base, verdict: Verdict, kind: keyof typeof FAILURES): Decision {
  const [code, message] = FAILURES[kind];
  return deny(base, verdict, code, message);
}

const STALE = 'The policy of this gateway is out of date; calls pass again once a newer one has arrived.';

function frozen(activation: Activation, action: ActionContract | undefined): string | undefined {
  if (activation.freeze === 'DenyAll') return 'The tenant is frozen; every call is refused.';
  if (activation.freeze !== 'DenyWrites' || action?.effect === 'read') return undefined;
  return 'The tenant is frozen; only reads pass.';
}

/** What the gateway itself withholds, whatever the policy says. */
function withheld(activation: Activation, action: ActionContract | undefined, deps: DecideDeps): Reason | undefined {
  const freeze = frozen(activation, action);
  if (freeze !== undefined) return { code: 'FROZEN', message: freeze };
  if (action?.effect === 'read' || deps.mustDenyWrites?.() !== true) return undefined;
  return { code: 'LOG_UNAVAILABLE', message: 'The decision log cannot be written now; only reads pass.' };
}

/** Observed is what the policy refuses for no other reason than that it does not know the action. */
function observed(result: PolicyResult, unmatched: DecideOptions['unmatched']): PolicyResult {
  if (unmatched === undefined || checkResult(result) !== 'ok') return result;
  const { verdict, reasons } = result.enforced;
  if (verdict !== 'deny' || reasons.length !== 1 || reasons[0]?.code !== 'UNKNOWN_ACTION') return result;
  const message = 'No action of the tool matches; the request is observed, because no policy is in force for it yet.';
  return {
    enforced: {
      verdict: 'allow',
      reasons: [{ code: 'UNMATCHED_OBSERVE', message }],
      obligations: { ...noObligations(), limits: [...unmatched.limits] },
    },
    candidates: [],
  };
}

function afterLimits(base: Base, verdict: Verdict, passing: Passing, kept: KeptLimits | undefined): Decision {
  const { obligations, params, changed } = passing;
  if (typeof kept === 'object' && 'code' in kept) return deny(base, verdict, kept.code, kept.message);
  if (typeof kept === 'object' && !kept.ok) {
    const reasons = kept.refusals.map(({ id }) => ({
      code: 'LIMIT_EXCEEDED',
      message: `The limit ${id} is reached.`,
    }));
    return {
      ...base,
      verdict,
      taken: 'rate_limited',
      reasons,
      obligations: noObligations(),
      limits: kept.refusals,
    };
  }
  const sanitizes = obligations.redact.length > 0 || obligations.set.length > 0;
  const decision: Decision = { ...base, verdict, taken: sanitizes ? 'sanitize' : 'allow', reasons: [], obligations };
  if (changed) decision.params = params;
  if (typeof kept === 'object') decision.reservation = kept.reservation;
  return decision;
}

function pass(
  activation: Activation,
  input: DecisionInput,
  base: Base,
  result: PolicyResult,
  action: ActionContract | undefined,
  deps: DecideDeps,
  options: DecideOptions,
): MaybePromise<Decision> {
  const { verdict, reasons } = result.enforced;
  const passing = sanitize(activation, input, result, action, deps);
  if (typeof passing === 'string') return failed(base, verdict, passing);
  if (!options.responseSanitize && responseChanges(passing.obligations).length > 0) {
    return deny(
      base,
      verdict,
      'OBLIGATION_UNSUPPORTED',
      'The response would have to be changed, which is not possible here.',
    );
  }
  const finish = (kept: KeptLimits | undefined): Decision => {
    const decision = afterLimits(base, verdict, passing, kept);
    if (kept === 'uncounted') return { ...decision, reasons: [UNCOUNTED, ...reasons] };
    return decision.reasons.length === 0 ? { ...decision, reasons } : decision;
  };
  const { limits } = passing.obligations;
  if (limits.length === 0 || options.dryRun === true) return finish(undefined);
  const call = { action, cost: base.cost, operation: options.operation };
  const kept = keepLimits(limits, activation.tenant, { ...input, params: passing.params }, call, deps);
  return isPromise(kept) ? kept.then(finish) : finish(kept);
}

/**
 * Decides one call with one activation. Never throws and never allows by accident: what fails, is undefined, or asks
 * for something unknown is a deny with a code. Denied and pending calls touch no limit; a call that passes holds its
 * limits in `reservation` until the caller settles or releases it. Where nobody can be asked, approval_needed is
 * refused at once. Asynchronous only where the limit store is.
 */
export function decideCall(
  activation: Activation,
  input: DecisionInput,
  deps: DecideDeps,
  options: DecideOptions,
): MaybePromise<Decision> {
  const base: Base = {
    id: deps.newId(),
    tenant: activation.tenant,
    sequence: activation.sequence,
    at: deps.now(),
    agent: input.agent,
    tool: input.tool,
    action: input.action,
    candidates: [],
  };
  try {
    const action = activation.contract(input.agent, input.tool)?.actions.find(({ name }) => name === input.action);
    const cost = action?.cost ?? input.context?.cost;
    if (cost !== undefined) base.cost = cost;
    if (tooStale(activation, input)) return deny(base, 'deny', 'BUNDLE_STALE', STALE);
    const result = observed(activation.evaluate(input), options.unmatched);
    const check = checkResult(result);
    if (check !== 'ok') return failed(base, 'deny', check);
    base.candidates = Array.isArray(result.candidates) ? result.candidates : [];
    const { verdict, reasons, obligations } = result.enforced;
    if (verdict === 'deny') return { ...base, verdict, taken: 'deny', reasons, obligations: noObligations() };
    const held = withheld(activation, action, deps);
    if (held !== undefined) return deny(base, verdict, held.code, held.message);
    if (verdict === 'approval_needed') {
      const { risk, rules } = obligations.approval ?? { risk: 'critical' as const, rules: [] };
      const approval = { status: 'unavailable' as const, risk, rules };
      return {
        ...base,
        verdict,
        taken: verdict,
        reasons,
        obligations: { ...noObligations(), approval: { risk, rules } },
        approval,
      };
    }
    return pass(activation, input, base, result, action, deps, options);
  } catch (error) {
    deps.onError?.(error);
    return failed(base, 'deny', 'malformed');
  }
}
