import type { DecisionInput, DecisionResult } from '../../policy/decision/types.ts';
import { VERDICTS } from '../../policy/decision/types.ts';
import type { Activation, ActivationSource } from '../enforcement/activation.ts';
import { type DecideDeps, decideCall } from '../enforcement/decide-call.ts';
import { type Decision, noObligations, passes, toResult } from '../enforcement/decision.ts';
import { UNAVAILABLE } from '../enforcement/keep-limits.ts';
import { endReservation, isPromise, type MaybePromise } from '../limits/limit-store.ts';

/** Decides the inputs of one request to a decision endpoint, and keeps their limits. */

/** A deny of the host itself, where no policy was asked. */
export function hostDeny(
  input: DecisionInput,
  deps: DecideDeps,
  code: string,
  message: string,
  sequence = 0,
): Decision {
  return {
    id: deps.newId(),
    tenant: input.tenant ?? '',
    sequence,
    at: deps.now(),
    agent: input.agent,
    tool: input.tool,
    action: input.action,
    verdict: 'deny',
    taken: 'deny',
    reasons: [{ code, message }],
    obligations: noObligations(),
    candidates: [],
  };
}

/** The caller of a decision endpoint enforces what it is told, so it gets response obligations too. */
const OPTIONS = { responseSanitize: true };

export function decideInput(
  source: ActivationSource,
  input: DecisionInput,
  deps: DecideDeps,
  dryRun: boolean,
): MaybePromise<Decision> {
  const activation: Activation | undefined = source.get(input.tenant);
  if (activation === undefined) {
    const message =
      input.tenant === undefined
        ? 'Several tenants are loaded, and the call names none.'
        : 'The call names a tenant that is not loaded here.';
    return hostDeny(input, deps, 'UNKNOWN_TENANT', message);
  }
  return decideCall(activation, input, deps, dryRun ? { ...OPTIONS, dryRun } : OPTIONS);
}

/**
 * What the endpoint held is spent before it answers: the caller goes on by itself. Refused together, nothing is spent;
 * and where the store does not take note of one, all are refused.
 */
export function settleAll(decisions: readonly Decision[], onError: DecideDeps['onError']): MaybePromise<Decision[]> {
  const end = (how: 'settle' | 'release'): MaybePromise<boolean>[] =>
    decisions.map(({ reservation }) => endReservation(reservation, how, onError));
  if (!decisions.every(passes)) {
    end('release');
    return [...decisions];
  }
  const conclude = (settled: readonly boolean[]): Decision[] => {
    if (settled.every(Boolean)) return [...decisions];
    end('release');
    return decisions.map(({ reservation: _, params: __, ...decision }) => ({
      ...decision,
      taken: 'deny',
      reasons: [UNAVAILABLE],
      obligations: noObligations(),
    }));
  };
  const settled = end('settle');
  return settled.some(isPromise) ? Promise.all(settled).then(conclude) : conclude(settled as boolean[]);
}

export function decideAll(
  source: ActivationSource,
  inputs: readonly DecisionInput[],
  deps: DecideDeps,
  dryRun: boolean,
): MaybePromise<Decision[]> {
  const decisions = inputs.map((input) => decideInput(source, input, deps, dryRun));
  if (decisions.some(isPromise)) return Promise.all(decisions);
  return decisions as Decision[];
}

/** One call: its result. Several: the strictest one's, with all of them in `calls`. */
export function resultOf(decisions: readonly Decision[]): DecisionResult & { calls?: DecisionResult[] } {
  const rank = ({ taken }: Decision): number => VERDICTS.indexOf(taken);
  const strictest = decisions.reduce((worst, decision) => (rank(decision) > rank(worst) ? decision : worst));
  const result = toResult(strictest);
  return decisions.length === 1 ? result : { ...result, calls: decisions.map(toResult) };
}
