import type { JournalEntry } from '../../../gateway/telemetry/call-journal.ts';
import { decisionSpan } from '../../../gateway/telemetry/decision-span.ts';
import { parseTraceparent } from '../../../gateway/telemetry/traceparent.ts';
import { NumberLiteral } from '../../../policy/number-literal.ts';
import { decisionOf } from './decisions.ts';

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: Record<string, unknown> }[];
  status?: object;
}

const spanOf = (entry: JournalEntry): Span => JSON.parse(decisionSpan(entry)) as Span;
const attributes = (span: Span): Record<string, unknown> =>
  Object.fromEntries(span.attributes.map(({ key, value }) => [key, Object.values(value)[0]]));

const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00';

test('a forwarded call is a client span below the span of the caller', () => {
  const decision = decisionOf({ cost: 0.5, reasons: [{ code: 'PERMITTED', message: 'ok', policy: 'p', rule: 'r' }] });
  const span = spanOf({
    decision,
    info: { micros: 1500, via: 'prefix', traceparent: TRACE },
    outcome: { status: 200, bytes: 10, millis: 20.25 },
  });
  expect(span).toMatchObject({
    traceId: '0af7651916cd43dd8448eb211c80319c',
    parentSpanId: 'b7ad6b7169203331',
    name: 'execute_tool stripe-payments',
    kind: 3,
    startTimeUnixNano: '1699999999998500000',
    endTimeUnixNano: '1700000000020250000',
  });
  expect(span.spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(span.status).toBeUndefined();
  expect(attributes(span)).toEqual({
    'aegis.agent_id': 'finance-agent',
    'aegis.tenant': 'fintech',
    'aegis.tool': 'stripe-payments',
    'aegis.action': 'create_payment',
    'aegis.decision_id': decision.id,
    'aegis.decision': 'allow',
    'aegis.action_taken': 'allow',
    'aegis.policy_version': '7',
    'aegis.decision_reason': 'PERMITTED',
    'aegis.policy': 'p',
    'aegis.rule': 'r',
    'aegis.cost.estimated': 0.5,
    'aegis.timestamp': '2023-11-14T22:13:20.000Z',
    'aegis.via': 'prefix',
    'aegis.decision.duration_us': '1500',
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'stripe-payments',
    'gen_ai.agent.id': 'finance-agent',
    'gen_ai.guardrail.verdict.type': 'allow',
    'gen_ai.guardrail.action.type': 'allow',
    'http.response.status_code': '200',
    'http.response.body.size': '10',
  });
});

test('verdict and action taken differ where the gateway does something else than the policy says', () => {
  const span = spanOf({
    decision: decisionOf({ verdict: 'approval_needed', taken: 'deny', reasons: [{ code: 'FROZEN', message: '' }] }),
    info: { micros: 1, via: 'decisions' },
  });
  expect(span.kind).toBe(2);
  expect(span).not.toHaveProperty('parentSpanId');
  expect(attributes(span)).toMatchObject({
    'aegis.decision': 'approval_needed',
    'aegis.action_taken': 'deny',
    'gen_ai.guardrail.verdict.type': 'escalate',
    'gen_ai.guardrail.action.type': 'block',
    'error.type': 'deny',
  });
});

test('without a usable parent the trace is the decision, and no parameter is in the span', () => {
  for (const traceparent of [undefined, 'junk', TRACE.replace(/[1-9a-f]/g, '0'), `ff${TRACE.slice(2)}`]) {
    const decision = decisionOf({
      params: { card: '4242 4242 4242 4242' },
      cost: new NumberLiteral('1.00000000000000000001'),
    });
    const info = { micros: 1, via: 'tls', ...(traceparent !== undefined && { traceparent }) } as const;
    const span = spanOf({
      decision,
      info,
      outcome: { status: 0, bytes: 0, millis: 1, error: 'AEGIS_UPSTREAM_TIMEOUT' },
    });
    expect(span.traceId).toBe(decision.id.replaceAll('-', ''));
    expect(JSON.stringify(span)).not.toContain('4242');
    expect(attributes(span)['aegis.cost.estimated']).toBe('1.00000000000000000001');
    expect(span.status).toEqual({ code: 2, message: 'AEGIS_UPSTREAM_TIMEOUT' });
  }
  expect(parseTraceparent(TRACE)).toEqual({ traceId: TRACE.slice(3, 35), spanId: TRACE.slice(36, 52) });
});
