import type { Decision } from '../../enforcement/decision.ts';
import type { ProblemResponse } from '../../enforcement/problem.ts';
import type { CheckResponse, HeaderOption, Struct } from './messages.ts';

const OK = 0;
const PERMISSION_DENIED = 7;
const OVERWRITE_IF_EXISTS_OR_ADD = 2;

function option(key: string, value: string): HeaderOption {
  return { header: { key, value }, append_action: OVERWRITE_IF_EXISTS_OR_ADD };
}

/** Alternating names and values → options; a name that occurs twice keeps its last value. */
function options(pairs: readonly string[]): HeaderOption[] {
  const list: HeaderOption[] = [];
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    list.push(option(pairs[index] as string, pairs[index + 1] as string));
  }
  return list;
}

/** What later filters and access logs of Envoy see under `envoy.filters.http.ext_authz`; never a parameter value. */
function metadata(decision: Decision | undefined): Struct {
  if (decision === undefined) return { fields: {} };
  const { id, agent, tool, action, verdict, taken, sequence, reasons } = decision;
  const texts: Record<string, string> = {
    decision_id: id,
    agent_id: agent,
    tool,
    action,
    decision: verdict,
    action_taken: taken,
    policy_version: String(sequence),
    decision_reason: reasons[0]?.code ?? '',
  };
  return { fields: Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, { string_value: text }])) };
}

export function deniedResponse(problem: ProblemResponse, decision?: Decision): CheckResponse {
  return {
    status: { code: PERMISSION_DENIED },
    denied_response: { status: { code: problem.status }, headers: options(problem.headers), body: problem.body },
    dynamic_metadata: metadata(decision),
  };
}

export interface RequestEdits {
  /** Headers to set, alternating names and values; `:path` sets the path. */
  set: string[];
  remove: string[];
}

export function allowedResponse(decision: Decision, edits: RequestEdits): CheckResponse {
  return {
    status: { code: OK },
    ok_response: {
      headers: options(edits.set),
      headers_to_remove: edits.remove,
      response_headers_to_add: [option('aegis-decision-id', decision.id)],
    },
    dynamic_metadata: metadata(decision),
  };
}
