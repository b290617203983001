/** One JSON text → one decision, on the same way as the gateway's own endpoint takes. Never throws for the text. */

import type { ActivationSource } from '../../gateway/enforcement/activation.ts';
import { type DecideDeps, decideCall } from '../../gateway/enforcement/decide-call.ts';
import { type Decision, noObligations } from '../../gateway/enforcement/decision.ts';
import { parseDecisionInputs } from '../../policy/decision/parse-input.ts';
import { parseJson } from '../../policy/decision/parse-json.ts';
import type { DecisionInput } from '../../policy/decision/types.ts';
import { AegisError } from '../../policy/errors.ts';

/** Limits are not touched: nothing is forwarded. */
const DRY_RUN = { dryRun: true, responseSanitize: true } as const;

export async function decideText(text: string, activations: ActivationSource, deps: DecideDeps): Promise<Decision[]> {
  let inputs: DecisionInput[];
  try {
    const { value } = parseJson(text);
    inputs = parseDecisionInputs(unwrapped(value));
  } catch (error) {
    if (!(error instanceof AegisError)) throw error;
    return [refused(deps, error.code, error.message)];
  }
  const decisions: Decision[] = [];
  for (const input of inputs) decisions.push(await decideInput(input, activations, deps));
  return decisions;
}

export async function decideInput(
  input: DecisionInput,
  activations: ActivationSource,
  deps: DecideDeps,
): Promise<Decision> {
  const activation = activations.get(input.tenant);
  if (activation !== undefined) return decideCall(activation, input, deps, DRY_RUN);
  if (activations.list().length === 0) return refused(deps, 'NO_POLICIES', 'No policies are loaded.');
  const several = input.tenant === undefined && activations.list().length > 1;
  return several
    ? refused(deps, 'TENANT_NEEDED', 'Several tenants are loaded; the call must name its tenant.')
    : refused(deps, 'UNKNOWN_TENANT', 'The call names a tenant that is not loaded here.');
}

/** OPA clients send `{input: …}`. */
export function unwrapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, 'input')) return value;
  return Object.keys(value).length === 1 ? (value as { input: unknown }).input : value;
}

function refused(deps: DecideDeps, code: string, message: string): Decision {
  return {
    id: deps.newId(),
    tenant: '',
    sequence: 0,
    at: deps.now(),
    agent: '',
    tool: '',
    action: '',
    verdict: 'deny',
    taken: 'deny',
    reasons: [{ code, message }],
    obligations: noObligations(),
    candidates: [],
  };
}
