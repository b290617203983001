import type { MetricsRegistry } from '../../runtime/telemetry/metrics-registry.ts';
import type { ActivationSource } from '../enforcement/activation.ts';
import { type Decision, passes } from '../enforcement/decision.ts';
import type { CallInfo, CallOutcome, RefusedRequest } from './call-hooks.ts';

/** What is counted of every call. Labels are names that the bundle knows, never what a caller made up. */
export interface CallMetrics {
  decided(decision: Decision, info: CallInfo): void;
  ended(decision: Decision, outcome: CallOutcome): void;
  refused(refused: RefusedRequest): void;
}

const DECISION_SECONDS = [0.00002, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1];
const UPSTREAM_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const OTHER = 'other';
const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

export function createCallMetrics(registry: MetricsRegistry, source: ActivationSource): CallMetrics {
  const decisions = registry.counter(
    'aegis_gateway_decisions_total',
    'Decisions: what the policy says (verdict), what the gateway does (taken), and the first reason.',
    ['tool', 'action', 'verdict', 'taken', 'reason'],
  );
  const duration = registry.histogram(
    'aegis_gateway_decision_duration_seconds',
    'From the complete request to the decision.',
    ['via'],
    DECISION_SECONDS,
  );
  const upstream = registry.histogram(
    'aegis_gateway_upstream_duration_seconds',
    'From the decision to the end of the answer, of calls that passed.',
    ['tool'],
    UPSTREAM_SECONDS,
  );
  const answers = registry.counter(
    'aegis_gateway_upstream_responses_total',
    'Answers to calls that passed: the class of the status, and the error where there was no complete answer.',
    ['tool', 'status', 'error'],
  );
  const refusals = registry.counter(
    'aegis_gateway_refused_total',
    'Requests that were refused before they were a call of a tool.',
    ['code'],
  );

  /** A tool or an action is a label only where the bundle knows it; callers can name anything. */
  function names({ tenant, agent, tool, action }: Decision): [string, string] {
    const contract = source.get(tenant)?.contract(agent, tool);
    if (contract === undefined) return [OTHER, OTHER];
    return [tool, contract.actions.some(({ name }) => name === action) ? action : OTHER];
  }

  return {
    decided(decision, { micros, via }) {
      const [tool, action] = names(decision);
      const code = decision.reasons[0]?.code ?? '';
      const reason = code === '' || CODE.test(code) ? code : OTHER;
      decisions.add([tool, action, decision.verdict, decision.taken, reason]);
      duration.observe(micros / 1e6, [via]);
    },
    refused: ({ code }) => refusals.add([code]),
    ended(decision, { status, millis, error }) {
      if (!passes(decision)) return;
      const [tool] = names(decision);
      upstream.observe(millis / 1000, [tool]);
      answers.add([tool, status === 0 ? 'none' : `${Math.trunc(status / 100)}xx`, error ?? '']);
    },
  };
}
