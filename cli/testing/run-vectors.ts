/** Runs vectors against the activated policies: the same decisions as `aegis run` makes, without touching limits. */
import type { Activation } from '../../gateway/enforcement/activation.ts';
import type { DecideDeps } from '../../gateway/enforcement/decide-call.ts';
import { parseDecisionInput } from '../../policy/decision/parse-input.ts';
import type { DecisionInput, Reason, Verdict } from '../../policy/decision/types.ts';
import { AegisError } from '../../policy/errors.ts';
import type { Coverage } from '../../policy/explain/coverage.ts';
import { decideInput } from '../workspace/decide-text.ts';
import type { LocalSystem } from '../workspace/local-system.ts';
import type { TracedCall, Tracer } from '../workspace/tracer.ts';
import { mapVector } from './raw-request.ts';
import type { Vector } from './vectors.ts';

export interface VectorResult {
  vector: Vector;
  status: 'passed' | 'failed' | 'skipped';
  /** What the gateway would do. */
  got?: Verdict;
  reasons: Reason[];
  /** Why it failed or was skipped, where the verdict alone does not say it. */
  note?: string;
  traced?: TracedCall;
  tenant?: string;
  milliseconds: number;
}

export interface RunDeps {
  system: LocalSystem;
  tracer: Tracer;
  coverage: Coverage;
  decide: DecideDeps;
}

export async function runVectors(vectors: readonly Vector[], deps: RunDeps): Promise<VectorResult[]> {
  const results: VectorResult[] = [];
  for (const vector of vectors) {
    const started = performance.now();
    const result = await runVector(vector, deps);
    results.push({ vector, ...result, milliseconds: performance.now() - started });
  }
  return results;
}

type Outcome = Omit<VectorResult, 'vector' | 'milliseconds'>;

async function runVector(vector: Vector, deps: RunDeps): Promise<Outcome> {
  if (vector.suspended) return { status: 'skipped', reasons: [], note: 'the policy is suspended' };
  const { test } = vector;
  if (test.mcp !== undefined) return { status: 'skipped', reasons: [], note: 'mcp vectors cannot be run yet' };
  const named = test.input?.tenant ?? test.http?.tenant ?? vector.tenant;
  const activation = deps.system.activations.get(named);
  const call = callOf(vector, named ?? activation?.tenant, activation, deps.decide.now());
  if ('malformed' in call) {
    const { code, message } = call.malformed;
    const note = `the vector itself is malformed: ${message}`;
    return judged(vector, { got: 'deny', reasons: [{ code, message }], note });
  }
  if ('refusal' in call) return judged(vector, { got: 'deny', reasons: [call.refusal] });
  const decision = await decideInput(call.input, deps.system.activations, deps.decide);
  const result = judged(vector, { got: decision.taken, reasons: decision.reasons });
  if (activation === undefined) return result;
  const traced = deps.tracer.trace(activation, call.input);
  const { tenant } = activation;
  const index = deps.tracer.sources(tenant)?.index;
  if (index !== undefined) deps.coverage.record(traced.trace, index, call.input.tool, call.input.action);
  if (traced.mismatch === undefined) return { ...result, traced, tenant };
  return { ...result, status: 'failed', traced, tenant, note: `internal error: ${traced.mismatch}` };
}

/** A vector that is malformed passes only where it says with which code it must be refused. */
function judged({ test }: Vector, outcome: { got: Verdict; reasons: Reason[]; note?: string }): Outcome {
  const coded = test.reason === undefined || outcome.reasons.some(({ code }) => code === test.reason);
  const passed = outcome.got === test.expect && coded && (outcome.note === undefined || test.reason !== undefined);
  if (passed) return { status: 'passed', got: outcome.got, reasons: outcome.reasons };
  const note = outcome.note ?? noteOf(test.expect, outcome, test.reason);
  return { status: 'failed', got: outcome.got, reasons: outcome.reasons, ...(note === undefined ? {} : { note }) };
}

function noteOf(expected: Verdict, { got, reasons }: { got: Verdict; reasons: Reason[] }, reason?: string) {
  if (expected === 'rate_limited') return 'vectors do not count against limits, so rate_limited cannot be tested here';
  if (got !== expected || reason === undefined) return undefined;
  const codes = reasons.map(({ code }) => code).join(', ');
  return `expected the reason ${reason}, got ${codes === '' ? 'none' : codes}`;
}

type Call = { input: DecisionInput } | { refusal: Reason } | { malformed: Reason };

function callOf({ test }: Vector, tenant: string | undefined, activation: Activation | undefined, now: number): Call {
  const about = tenant === undefined ? {} : { tenant };
  if (test.http !== undefined) {
    const contract = activation?.contract(test.http.agent, test.http.tool);
    if (contract === undefined) {
      const message = 'The agent has no such tool, so that its requests cannot be mapped.';
      return { refusal: { code: 'AEGIS_MAPPING_UNKNOWN_TOOL', message } };
    }
    const mapped = mapVector(contract, test.http);
    return 'refusal' in mapped ? mapped : checked({ ...about, ...mapped.input }, now);
  }
  return checked({ params: {}, ...about, ...test.input }, now);
}

/** Evaluated twice (decided and traced), so that both must see the same time. */
function checked(value: Record<string, unknown>, now: number): Call {
  try {
    const input = parseDecisionInput(value);
    const time = input.context?.time ?? new Date(now).toISOString();
    return { input: { ...input, context: { ...input.context, time } } };
  } catch (error) {
    if (!(error instanceof AegisError)) throw error;
    return { malformed: { code: error.code, message: error.message } };
  }
}
