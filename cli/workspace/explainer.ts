/** Calls and stored decisions → explanations, with the policies of a workspace. */
import type { Activation } from '../../gateway/enforcement/activation.ts';
import type { DecideDeps } from '../../gateway/enforcement/decide-call.ts';
import { type Decision, passes } from '../../gateway/enforcement/decision.ts';
import type { DecisionInput, LimitObligation, Obligations } from '../../policy/decision/types.ts';
import { AegisError } from '../../policy/errors.ts';
import { type ExplainContext, explainReasons } from '../../policy/explain/explain-call.ts';
import { explainStored } from '../../policy/explain/explain-stored.ts';
import type { ExplainedCall, Explanation } from '../../policy/explain/explanation.ts';
import { nearestRules } from '../../policy/explain/nearest-rules.ts';
import { suggestName } from '../../policy/validation/suggest-name.ts';
import { decideInput } from './decide-text.ts';
import type { StoredDecision } from './fetch-decision.ts';
import type { LocalSystem } from './local-system.ts';
import type { Tracer } from './tracer.ts';

export class Explainer {
  readonly #system: LocalSystem;
  readonly #tracer: Tracer;
  readonly #deps: DecideDeps;

  constructor(system: LocalSystem, tracer: Tracer, deps: DecideDeps) {
    this.#system = system;
    this.#tracer = tracer;
    this.#deps = deps;
  }

  /** @throws AegisError `AEGIS_INTERNAL` where the trace and the policy disagree. */
  async call(given: DecisionInput): Promise<Explanation> {
    const time = given.context?.time ?? new Date(this.#deps.now()).toISOString();
    const input = { ...given, context: { ...given.context, time } };
    const decision = await decideInput(input, this.#system.activations, this.#deps);
    const activation = this.#system.activations.get(input.tenant);
    const context = activation && this.#context(activation, input.agent);
    if (activation === undefined || context === undefined) return this.#noTenant(input, decision);
    const { trace, mismatch, input: seen, outcome } = this.#tracer.trace(activation, input);
    if (mismatch !== undefined) throw new AegisError('AEGIS_INTERNAL', `The explanation is wrong: ${mismatch}.`);
    const reasons = explainReasons(decision.reasons, trace, seen, context);
    const permitted = !trace.reasons.some(({ reason }) => reason.code === 'NO_PERMIT');
    return {
      call: callOf(activation.tenant, input),
      verdict: decision.verdict,
      taken: decision.taken,
      reasons,
      nearest: permitted ? [] : nearestRules(trace, seen, context),
      notes: [...hostNotes(decision), ...(passes(decision) ? obligationNotes(outcome.obligations) : [])],
    };
  }

  stored(decision: StoredDecision): Explanation {
    const { tenant, verdict, taken, reasons } = decision;
    const activation = this.#system.activations.get(tenant);
    const context = activation && this.#context(activation, decision.agent);
    const notes = [`decided at ${decision.time} with bundle ${decision.sequence}; parameters are not stored`];
    if (context === undefined) notes.push(`these policies have no tenant ${tenant}`);
    return {
      call: callOf(tenant, decision),
      verdict,
      taken,
      reasons: reasons.map((reason) => (context === undefined ? reason : explainStored(reason, decision, context))),
      nearest: [],
      notes,
    };
  }

  #context(activation: Activation, agent: string): ExplainContext | undefined {
    const sources = this.#tracer.sources(activation.tenant);
    if (sources === undefined) return undefined;
    const { index, resources, slices } = sources;
    return { slice: slices.get(agent), index, resources, tenants: this.#tenants() };
  }

  #tenants(): string[] {
    return this.#system.activations.list().map(({ tenant }) => tenant);
  }

  #noTenant(input: DecisionInput, { verdict, taken, reasons }: Decision): Explanation {
    const known = this.#tenants();
    const meant = input.tenant === undefined ? undefined : suggestName(input.tenant, known);
    const call = meant === undefined ? `name a tenant: ${known.join(', ')}` : `did you mean ${meant}?`;
    return {
      call: callOf(input.tenant ?? '', input),
      verdict,
      taken,
      reasons: reasons.map((reason) => ({ ...reason, ...(known.length > 0 && { call }) })),
      nearest: [],
      notes: [],
    };
  }
}

function callOf(
  tenant: string,
  { agent, tool, action, chain }: { agent: string; tool: string; action: string; chain?: string[] },
): ExplainedCall {
  return { tenant, agent, tool, action, ...(chain !== undefined && { chain }) };
}

function hostNotes({ verdict, taken }: Decision): string[] {
  if (taken === verdict) return [];
  return [`the policy alone says ${verdict}; the gateway makes it ${taken}`];
}

const DONE = { redact: 'redacted', mask: 'masked', hash: 'hashed', drop: 'dropped', set: 'set', clamp: 'clamped' };

function obligationNotes({ redact, set, limits }: Obligations): string[] {
  return [
    ...redact.map(({ param, pointer, detector, op }) => {
      const what = param === undefined ? `in the response, ${pointer ?? detector}` : `parameter ${param}`;
      return `${what} is ${DONE[op]}`;
    }),
    ...set.map(({ param, op }) => `parameter ${param} is ${DONE[op]}`),
    ...limits.map((limit) => `limit ${limit.id}: ${limitText(limit)} (not counted here)`),
  ];
}

function limitText({ max, parameter, cost, window, per, chargeOnly }: LimitObligation): string {
  const what = parameter ?? (cost === true ? 'cost' : 'calls');
  const charged = chargeOnly === true ? ', charged only' : '';
  return `at most ${max} (${what}) in ${window} per ${per.toLowerCase()}${charged}`;
}
