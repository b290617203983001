import { stringifyExact } from '../../policy/decision/stringify.ts';
import type { Verdict } from '../../policy/decision/types.ts';
import { type Decision, passes } from '../enforcement/decision.ts';
import { costOf } from '../enforcement/decision-record.ts';
import type { JournalEntry } from './call-journal.ts';
import { parseTraceparent } from './traceparent.ts';

/**
 * The span of a decision, as the JSON form of OTLP (opentelemetry-proto, `trace/v1`) has it. Attributes: `aegis.*`, and
 * beside them those of OpenTelemetry's conventions for generative AI (tool execution, guardrails). No parameters.
 */
type AttributeValue = string | number | readonly string[];

const SERVER = 2;
const CLIENT = 3;
const ERROR = 2;
const MAX_NAME = 128;

/** What the policy says and what the gateway does, in the words of `gen_ai.guardrail.*`. */
const VERDICT: Record<Verdict, string> = {
  allow: 'allow',
  sanitize: 'modify',
  approval_needed: 'escalate',
  rate_limited: 'deny',
  deny: 'deny',
};
const ACTION: Record<Verdict, string> = {
  allow: 'allow',
  sanitize: 'modify',
  approval_needed: 'escalate',
  rate_limited: 'block',
  deny: 'block',
};

/** An `AnyValue` of OTLP as JSON text; written out, because there are two dozen of them for every call. */
function valueText(value: AttributeValue): string {
  if (typeof value === 'string') return `{"stringValue":${JSON.stringify(value)}}`;
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) ? `{"intValue":"${value}"}` : `{"doubleValue":${value}}`;
  }
  return `{"arrayValue":{"values":[${value.map(valueText).join(',')}]}}`;
}

/** Nanoseconds since the epoch as text: beyond what a double holds. */
function nanos(millis: number): string {
  const whole = Math.trunc(millis);
  return `${whole}${String(Math.trunc((millis - whole) * 1e6)).padStart(6, '0')}`;
}

function attributesOf({ decision, info, outcome }: JournalEntry): Record<string, AttributeValue | undefined> {
  const { reasons, limits, approval } = decision;
  const named = reasons.find(({ policy }) => policy !== undefined);
  const approvalId = approval !== undefined && 'id' in approval ? String(approval.id) : undefined;
  return {
    'aegis.agent_id': decision.agent,
    'aegis.tenant': decision.tenant,
    'aegis.tool': decision.tool,
    'aegis.action': decision.action,
    'aegis.decision_id': decision.id,
    'aegis.decision': decision.verdict,
    'aegis.action_taken': decision.taken,
    'aegis.policy_version': String(decision.sequence),
    'aegis.decision_reason': reasons[0]?.code,
    'aegis.policy': named?.policy,
    'aegis.rule': named?.rule,
    'aegis.limits': limits?.map(({ id }) => id),
    'aegis.approval_id': approvalId,
    'aegis.approval_status': approval?.status,
    'aegis.cost.estimated': costAttribute(decision),
    'aegis.timestamp': new Date(decision.at).toISOString(),
    'aegis.via': info.via,
    'aegis.decision.duration_us': Math.round(info.micros),
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': decision.tool,
    'gen_ai.agent.id': decision.agent,
    'gen_ai.guardrail.verdict.type': VERDICT[decision.verdict],
    'gen_ai.guardrail.action.type': ACTION[decision.taken],
    'http.response.status_code': outcome?.status === 0 ? undefined : outcome?.status,
    'http.response.body.size': outcome?.bytes,
    'error.type': outcome?.error ?? (passes(decision) ? undefined : decision.taken),
  };
}

function costAttribute(decision: Decision): AttributeValue | undefined {
  const cost = costOf(decision);
  if (cost !== undefined || decision.cost === undefined) return cost;
  // A sum with its currency, as a caller of the decision API may state it.
  return stringifyExact(decision.cost);
}

/**
 * The span as JSON text. Ids: the parent is the one that the caller names (untrusted, for correlation; its sampling
 * flag is not heeded, or an agent could hide its calls); without one the trace id is the decision id. The span's own
 * id is the decision id's random half.
 */
export function decisionSpan(entry: JournalEntry): string {
  const { decision, info, outcome } = entry;
  const id = decision.id.replaceAll('-', '');
  const parent = parseTraceparent(info.traceparent);
  const begin = decision.at - info.micros / 1000;
  const attributes = attributesOf(entry);
  let list = '';
  for (const key in attributes) {
    const value = attributes[key];
    if (value !== undefined) list += `${list === '' ? '' : ','}{"key":"${key}","value":${valueText(value)}}`;
  }
  const head = JSON.stringify({
    traceId: parent?.traceId ?? id,
    spanId: id.slice(16),
    ...(parent !== undefined && { parentSpanId: parent.spanId }),
    name: `execute_tool ${decision.tool.slice(0, MAX_NAME)}`,
    // The gateway calls the tool for the agent; where it only answers what is allowed, it serves.
    kind: info.via === 'decisions' || info.via === 'ext-authz' ? SERVER : CLIENT,
    startTimeUnixNano: nanos(begin),
    endTimeUnixNano: nanos(decision.at + (outcome?.millis ?? 0)),
    ...(outcome?.error !== undefined && { status: { code: ERROR, message: outcome.error } }),
  });
  return `${head.slice(0, -1)},"attributes":[${list}]}`;
}
