import fc from 'fast-check';
import { parseDecisionInput, parseDecisionInputs } from '../../../policy/decision/parse-input.ts';
import { AegisError } from '../../../policy/errors.ts';
import { NumberLiteral } from '../../../policy/number-literal.ts';

const call = {
  tenant: 'fintech',
  agent: 'finance-agent',
  tool: 'stripe-payments',
  action: 'create_payment',
  params: { amount: 4999, currency: 'USD', nested: [{ a: null }, new NumberLiteral('0.30000000000000004')] },
  context: {
    purpose: 'payout',
    destination: { host: 'api.stripe.com', region: 'eu-west-1' },
    time: '2026-01-02T03:04:05.678Z',
    cost: '0.25',
  },
  chain: ['planner-agent', 'finance-agent'],
  request: { id: '1', protocol: 'http', method: 'POST', path: '/v1/payment_intents', digest: 'sha256:00' },
};

function errorOf(value: unknown, parse: (value: unknown) => unknown = parseDecisionInput): AegisError {
  try {
    parse(value);
  } catch (error) {
    if (error instanceof AegisError) return error;
    throw error;
  }
  throw new Error('was accepted');
}

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

describe('a decision input', () => {
  test('is returned as it is', () => {
    expect(parseDecisionInput(call)).toBe(call);
    const bare = { agent: 'a', tool: 't', action: 'x', params: {} };
    expect(parseDecisionInput(bare)).toBe(bare);
    const without = Object.assign(Object.create(null), bare) as unknown;
    expect(parseDecisionInput(without)).toBe(without);
  });

  test.each([
    ['AEGIS_INPUT_MISSING', { agent: undefined }, 'input.agent'],
    ['AEGIS_INPUT_MISSING', { params: undefined }, 'input.params'],
    ['AEGIS_INPUT_FIELD', { agents: 'x' }, 'input.agents is unknown'],
    ['AEGIS_INPUT_FIELD', { 'sp ace': 1 }, 'a field of input is unknown'],
    ['AEGIS_INPUT_FIELD', { toString: 1 }, 'input.toString is unknown'],
    ['AEGIS_INPUT_FIELD', { agent: 'Finance' }, 'input.agent'],
    ['AEGIS_INPUT_FIELD', { agent: ['finance-agent'] }, 'input.agent'],
    ['AEGIS_INPUT_FIELD', { agent: 'a\n' }, 'input.agent'],
    ['AEGIS_INPUT_FIELD', { tool: '' }, 'input.tool'],
    ['AEGIS_INPUT_FIELD', { tenant: null }, 'input.tenant'],
    ['AEGIS_INPUT_FIELD', { action: '*' }, 'input.action'],
    ['AEGIS_INPUT_FIELD', { action: 'a b' }, 'input.action'],
    ['AEGIS_INPUT_FIELD', { params: [] }, 'input.params'],
    ['AEGIS_INPUT_FIELD', { params: null }, 'input.params'],
    ['AEGIS_INPUT_FIELD', { params: new Map() }, 'input.params'],
    ['AEGIS_INPUT_FIELD', { params: { at: new Date(0) } }, 'input.params.at'],
    ['AEGIS_INPUT_FIELD', { params: { f: () => 1 } }, 'input.params.f'],
    ['AEGIS_INPUT_FIELD', { params: { a: undefined } }, 'input.params.a'],
    ['AEGIS_INPUT_FIELD', { params: { a: 1n } }, 'input.params.a'],
    ['AEGIS_INPUT_NUMBER', { params: { a: Number.NaN } }, 'input.params.a'],
    ['AEGIS_INPUT_NUMBER', { params: { a: [Number.NEGATIVE_INFINITY] } }, 'input.params.a'],
    ['AEGIS_INPUT_NUMBER', { params: { a: 1e300 } }, 'input.params.a'],
    ['AEGIS_INPUT_NUMBER', { params: { a: new NumberLiteral('1e999999') } }, 'input.params.a'],
    ['AEGIS_INPUT_STRING', { params: { a: '\ud800' } }, 'input.params.a'],
    ['AEGIS_INPUT_KEY', { params: JSON.parse('{"__proto__":1}') }, 'input.params'],
    ['AEGIS_INPUT_KEY', { params: { a: JSON.parse('{"__proto__":1}') } }, 'input.params.a'],
    ['AEGIS_INPUT_KEY', { params: { ['k'.repeat(257)]: 1 } }, 'input.params'],
    ['AEGIS_INPUT_DEPTH', { params: { a: nested(40) } }, 'input.params.a'],
    ['AEGIS_INPUT_TOO_LARGE', { params: { a: 'x'.repeat(65_537) } }, 'input.params.a'],
    ['AEGIS_INPUT_TOO_LARGE', { params: { a: Array(10_001).fill(0) } }, 'input.params.a'],
    [
      'AEGIS_INPUT_TOO_LARGE',
      { params: Object.fromEntries(Array.from({ length: 257 }, (_, i) => [i, 0])) },
      'input.params',
    ],
    ['AEGIS_INPUT_TOO_LARGE', { chain: Array(33).fill('a') }, 'input.chain'],
    ['AEGIS_INPUT_FIELD', { chain: ['ok', 'NOT'] }, 'input.chain[1]'],
    ['AEGIS_INPUT_FIELD', { chain: 'a' }, 'input.chain'],
    ['AEGIS_INPUT_FIELD', { context: { purpos: 'x' } }, 'input.context.purpos is unknown'],
    ['AEGIS_INPUT_FIELD', { context: { purpose: 1 } }, 'input.context.purpose'],
    ['AEGIS_INPUT_FIELD', { context: { destination: { port: 1 } } }, 'input.context.destination.port'],
    ['AEGIS_INPUT_FIELD', { context: { time: 'now' } }, 'input.context.time'],
    ['AEGIS_INPUT_FIELD', { context: { cost: 'much' } }, 'input.context.cost'],
    ['AEGIS_INPUT_FIELD', { context: { local: {} } }, 'input.context.local is for the host'],
    ['AEGIS_INPUT_FIELD', { cohort: {} }, 'input.cohort is for the host'],
    ['AEGIS_INPUT_FIELD', { request: { headers: {} } }, 'input.request.headers'],
    ['AEGIS_INPUT_TOO_LARGE', { request: { path: '/'.repeat(9_000) } }, 'input.request.path'],
  ])('is refused with %s (row %#)', (code, change, message) => {
    const error = errorOf({ ...call, ...change });
    expect({ code: error.code, message: error.message }).toEqual({ code, message: expect.stringContaining(message) });
  });

  test('may carry the fields of the host only where the host speaks', () => {
    const cohort = { 'fintech/finance-payments': true };
    const local = { UTC: { day: 'Mon', minute: 5 } };
    const input = { ...call, cohort, context: { ...call.context, local } };
    expect(parseDecisionInput(input, { hostFields: true })).toBe(input);
    const bad = { ...call, cohort: { 'no policy': true } };
    expect(errorOf(bad, (value) => parseDecisionInput(value, { hostFields: true })).code).toBe('AEGIS_INPUT_FIELD');
  });

  test('of any kind is accepted or refused with a code', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true }),
        (value) => {
          expect(errorOf(value).code).toMatch(/^AEGIS_INPUT_/);
          const params = { ...call, params: value };
          try {
            expect(parseDecisionInput(params)).toBe(params);
          } catch (error) {
            expect(error).toBeInstanceOf(AegisError);
          }
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test('never shows values in errors', () => {
    const error = errorOf({ ...call, agent: 'SECRET', params: { a: 'SECRET' } });
    expect(error.message).not.toContain('SECRET');
  });
});

describe("OPA's tool calls", () => {
  const params = { a: 1 };

  test('become one input each', () => {
    const inputs = parseDecisionInputs({
      tenant: 't',
      agent: 'a',
      chain: ['a'],
      tool_calls: [
        { tool: 'stripe/create', params },
        { tool: 'acme.tools.send', params },
        { tool: 'acme.tools', action: 'send.now', params },
        { tool: 'acme.tools/send.now', params },
      ],
    });
    expect(inputs.map(({ tool, action }) => [tool, action])).toEqual([
      ['stripe', 'create'],
      ['acme.tools', 'send'],
      ['acme.tools', 'send.now'],
      ['acme.tools', 'send.now'],
    ]);
    expect(inputs[0]).toEqual({ tenant: 't', agent: 'a', chain: ['a'], tool: 'stripe', action: 'create', params });
  });

  test('and the native shape passes as one', () => {
    expect(parseDecisionInputs(call)).toEqual([call]);
  });

  test.each([
    ['AEGIS_INPUT_MISSING', { agent: 'a', tool_calls: [] }],
    ['AEGIS_INPUT_MISSING', { agent: 'a', tool_calls: [{ params }] }],
    ['AEGIS_INPUT_MISSING', { agent: 'a', tool_calls: [{ tool: 't/x' }] }],
    ['AEGIS_INPUT_MISSING', { agent: 'a', tool_calls: [{ tool: 'plain', params }] }],
    ['AEGIS_INPUT_MISSING', { tool_calls: [{ tool: 't/x', params }] }],
    ['AEGIS_INPUT_FIELD', { agent: 'a', tool_calls: {} }],
    ['AEGIS_INPUT_FIELD', { agent: 'a', tool_calls: ['t/x'] }],
    ['AEGIS_INPUT_FIELD', { agent: 'a', tool_calls: [{ tool: 't/x', params, extra: 1 }] }],
    ['AEGIS_INPUT_FIELD', { agent: 'a', tool_calls: [{ tool: 't/x', params }], tool: 't' }],
    ['AEGIS_INPUT_FIELD', { agent: 'a', tool_calls: [{ tool: '/x', params }] }],
    ['AEGIS_INPUT_FIELD', { agent: 'a', tool_calls: [{ tool: 't/', params }] }],
    ['AEGIS_INPUT_TOO_LARGE', { agent: 'a', tool_calls: Array(65).fill({ tool: 't/x', params }) }],
  ])('are refused with %s (row %#)', (code, value) => {
    expect(errorOf(value, parseDecisionInputs).code).toBe(code);
  });
});
