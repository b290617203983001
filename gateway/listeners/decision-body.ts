import { parseDecisionInputs } from '../../policy/decision/parse-input.ts';
import { parseJson } from '../../policy/decision/parse-json.ts';
import type { DecisionInput } from '../../policy/decision/types.ts';
import { AegisError } from '../../policy/errors.ts';

/** The body of a decision request. */
export interface DecisionRequest {
  inputs: DecisionInput[];
  dryRun: boolean;
}

export interface BodyOptions {
  /** The only agent that this listener answers for; absent where callers name it. */
  agent?: string | undefined;
  maxSize: number;
}

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `{input, dryRun?}`, or for the native endpoint the input itself. */
function unwrap(value: unknown, wrapped: boolean): { input: unknown; dryRun: boolean } {
  if (!isFields(value)) throw new AegisError('AEGIS_INPUT_FIELD', 'the body must be an object');
  if (value.input === undefined) {
    if (wrapped) throw new AegisError('AEGIS_INPUT_MISSING', 'input is missing');
    return { input: value, dryRun: false };
  }
  const { input, dryRun = false, ...others } = value;
  if (typeof dryRun !== 'boolean') throw new AegisError('AEGIS_INPUT_FIELD', 'dryRun must be a boolean');
  if (Object.keys(others).length > 0) throw new AegisError('AEGIS_INPUT_FIELD', 'a field beside input is unknown');
  return { input, dryRun };
}

/** The identity of the listener holds; a caller may repeat it, and may not claim another. */
function withAgent(input: unknown, agent: string | undefined): unknown {
  if (agent === undefined || !isFields(input)) return input;
  if (input.agent === undefined) return { ...input, agent };
  if (input.agent !== agent) throw new AegisError('AEGIS_INPUT_FIELD', 'input.agent is not the agent of this gateway');
  return input;
}

/** Only a dry run may ask about another time than now. */
function withoutTime(input: DecisionInput): DecisionInput {
  if (input.context?.time === undefined) return input;
  const { time: _, ...context } = input.context;
  return { ...input, context };
}

/**
 * Parses and checks the body of a decision endpoint. `wrapped`: the OPA data API, where `input` is required.
 * @throws AegisError AEGIS_INPUT_* for whatever is malformed; the message holds no values.
 */
export function parseDecisionBody(body: Uint8Array | string, wrapped: boolean, options: BodyOptions): DecisionRequest {
  const { value } = parseJson(body, { maxSize: options.maxSize });
  const { input, dryRun } = unwrap(value, wrapped);
  const inputs = parseDecisionInputs(withAgent(input, options.agent));
  return { inputs: dryRun ? inputs : inputs.map(withoutTime), dryRun };
}
