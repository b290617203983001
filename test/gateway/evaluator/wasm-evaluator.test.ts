import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as sdk from '@open-policy-agent/opa-wasm';
import fc from 'fast-check';
import { createEvaluator, type Evaluator } from '../../../gateway/evaluator/wasm-evaluator.ts';
import { AegisError } from '../../../policy/errors.ts';
import { NumberLiteral } from '../../../policy/number-literal.ts';
import { compilePolicy, evaluateWithOpa } from './opa.ts';

const small = compilePolicy('small');
const edge = compilePolicy('edge');

const action = {
  max: { amount: 5000 },
  currency: 'USD',
  patterns: { memo: '^[a-z ]+$' },
  maxDepth: 2,
  callers: { 'planner-agent': true },
  failureAction: 'approval_needed',
  limits: [{ id: 'fintech/finance-payments/cap/daily', per: 'Agent', window: '24h', max: 20000, parameter: 'amount' }],
};
const data = JSON.stringify({
  aegis: { agents: { 'finance-agent': { tools: { 'stripe-payments': { actions: { create_payment: action } } } } } },
});

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof AegisError ? error.code : String(error);
  }
}

const call = {
  agent: 'finance-agent',
  tool: 'stripe-payments',
  action: 'create_payment',
  params: { amount: 4999, currency: 'USD', memo: 'lunch with the team' },
  chain: ['planner-agent', 'finance-agent'],
};

describe('answers', () => {
  const params = fc.record({
    amount: fc.constantFrom(0, 4999, 5000, 5000.01, 50000, '4999', null, 1e15),
    currency: fc.constantFrom('USD', 'EUR', 1),
    memo: fc.constantFrom('a b', 'A', '', 'é', 'abc\n', 7, ['a']),
  });
  const calls = fc.record({
    agent: fc.constantFrom('finance-agent', 'other-agent'),
    tool: fc.constant('stripe-payments'),
    action: fc.constantFrom('create_payment', 'create_payment', 'other'),
    params,
    chain: fc.array(fc.constantFrom('planner-agent', 'finance-agent', 'évil'), { maxLength: 5 }),
  });

  test('are those of stock opa and of the SDK', () => {
    const inputs = fc.sample(calls, { numRuns: 400, seed: 1 }).map((input) => JSON.stringify(input));
    const expected = evaluateWithOpa('small', inputs, data);
    const evaluator = createEvaluator({ module: small, data });
    expect(inputs.map((input) => evaluator.evaluate(input))).toEqual(expected);
  });

  test('of an identity are the input, whatever JSON it is', () => {
    const evaluator = createEvaluator({ module: edge, data: '{}' });
    const finite = fc.oneof(
      fc.integer(),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => Number(n.toPrecision(6)) || 0),
    );
    const text = fc.string({ unit: 'binary' }).filter((s) => s.isWellFormed());
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof({ maxDepth: 5 }, finite, text, fc.boolean(), fc.constant(null), tie('array'), tie('object')),
      array: fc.array(tie('value'), { maxLength: 12 }),
      object: fc.dictionary(text, tie('value'), { maxKeys: 12 }),
    }));
    const plain = (v: unknown) =>
      JSON.parse(JSON.stringify(v, (_k, x) => (x instanceof NumberLiteral ? Number(x.text) : x)));
    fc.assert(
      fc.property(value, (v) => {
        expect(plain(evaluator.evaluate(JSON.stringify({ value: v })))).toEqual(plain(v));
      }),
      { numRuns: 500 },
    );
  });

  test('keep numbers that a double cannot hold, and the prototype', () => {
    const evaluator = createEvaluator({ module: edge, data: '{"value":{"a":9007199254740993,"b":[0.1,1e3,-0]}}' });
    expect(evaluator.evaluate('{"mode":"data"}')).toEqual({
      a: new NumberLiteral('9007199254740993'),
      b: [0.1, new NumberLiteral('1e3'), -0],
    });
    const own = evaluator.evaluate('{"value":{"__proto__":{"admin":true}}}') as Record<string, unknown>;
    expect(Object.keys(own)).toEqual(['__proto__']);
    expect(own.admin).toBeUndefined();
  });

  test('of the real policy are documents', () => {
    const module = new Uint8Array(readFileSync(join(__dirname, '../../../policy/rego/policy.wasm')));
    const evaluator = createEvaluator({ module, data: '{"aegis":{}}' });
    expect(evaluator.evaluate(JSON.stringify(call))).toMatchObject({ enforced: { verdict: 'deny' }, candidates: [] });
  });
});

describe('failing closed', () => {
  let evaluator: Evaluator;
  beforeEach(() => {
    evaluator = createEvaluator({ module: edge, data: '{"value":1}', limits: { maxEvaluationBytes: 16 << 20 } });
  });

  test('undefined is an error, never a value', () => {
    expect(codeOf(() => evaluator.evaluate('{}'))).toBe('AEGIS_EVALUATION_UNDEFINED');
    expect(evaluator.stats).toMatchObject({ evaluations: 1, failures: 1, rebuilds: 0 });
  });

  test('conflicting documents are an error', () => {
    expect(codeOf(() => evaluator.evaluate('{"value":2,"mode":"data"}'))).toBe('AEGIS_EVALUATION_FAILED');
  });

  test('after an abort the instance is built anew', () => {
    const huge = '{"mode":"invalid number","huge":1e99999999999999999999}';
    for (let i = 1; i <= 3; i++) {
      expect(codeOf(() => evaluator.evaluate(huge))).toBe('AEGIS_EVALUATION_FAILED');
      expect(evaluator.evaluate('{"value":"fine"}')).toBe('fine');
      expect(evaluator.stats.rebuilds).toBe(i);
    }
  });

  test('out of memory is an error, and the memory is given back', () => {
    const before = evaluator.stats.memoryBytes;
    const list = Array.from({ length: 1_000 }, (_, i) => i);
    expect(codeOf(() => evaluator.evaluate(JSON.stringify({ mode: 'product', list })))).toBe('AEGIS_EVALUATION_FAILED');
    expect(evaluator.evaluate('{"value":"fine"}')).toBe('fine');
    expect(evaluator.stats.memoryBytes).toBe(before);
  });

  test('memory that grows during an evaluation does not disturb the next', () => {
    const before = evaluator.stats.memoryBytes;
    const list = Array.from({ length: 150 }, (_, i) => `item ${i}`);
    expect(evaluator.evaluate(JSON.stringify({ mode: 'product', list }))).toBe(22_500);
    const grown = evaluator.stats.memoryBytes;
    expect(grown).toBeGreaterThan(before);
    expect(evaluator.evaluate(JSON.stringify({ value: list }))).toEqual(list);
    expect(evaluator.evaluate(JSON.stringify({ mode: 'product', list }))).toBe(22_500);
    expect(evaluator.stats.memoryBytes).toBe(grown);
  });

  test('input is bounded in bytes, and must be JSON', () => {
    const bounded = createEvaluator({ module: edge, data: '{}', limits: { maxInputBytes: 1_000 } });
    const fill = (text: string, n: number) => JSON.stringify({ value: text.repeat(n) });
    expect(bounded.evaluate(fill('x', 988))).toBe('x'.repeat(988));
    expect(bounded.evaluate(fill('é', 494))).toBe('é'.repeat(494));
    expect(codeOf(() => bounded.evaluate(fill('x', 989)))).toBe('AEGIS_INPUT_TOO_LARGE');
    expect(codeOf(() => bounded.evaluate(fill('é', 495)))).toBe('AEGIS_INPUT_TOO_LARGE');
    for (const text of ['', '{', '{"a"}', '{1,2}', 'set()', '[1,']) {
      expect(codeOf(() => bounded.evaluate(text))).toBe('AEGIS_INPUT_SYNTAX');
    }
    expect(bounded.evaluate('{"value":true}')).toBe(true);
  });

  test('engine and data are checked when they are loaded', () => {
    expect(codeOf(() => createEvaluator({ module: compilePolicy('foreign'), data: '{}' }))).toBe(
      'AEGIS_ENGINE_BUILTIN',
    );
    expect(codeOf(() => createEvaluator({ module: new Uint8Array([0, 97, 115, 109]), data: '{}' }))).toBe(
      'AEGIS_ENGINE_ABI',
    );
    const empty = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
    expect(codeOf(() => createEvaluator({ module: empty, data: '{}' }))).toBe('AEGIS_ENGINE_ABI');
    const entrypoint = 'aegis/other';
    expect(codeOf(() => createEvaluator({ module: edge, data: '{}', entrypoint }))).toBe('AEGIS_ENGINE_ENTRYPOINT');
    for (const bad of ['', '[]', '{"a":', 'null']) {
      expect(codeOf(() => createEvaluator({ module: edge, data: bad }))).toBe('AEGIS_EVALUATOR_DATA');
    }
    const limits = { maxMemoryBytes: 1 << 20 };
    expect(codeOf(() => createEvaluator({ module: edge, data: '{}', limits }))).toBe('AEGIS_EVALUATOR_DATA');
  });

  test('a disposed evaluator answers no more', () => {
    evaluator.dispose();
    expect(codeOf(() => evaluator.evaluate('{"value":1}'))).toBe('AEGIS_EVALUATION_FAILED');
  });
});

describe('memory', () => {
  test('a million evaluations leave it as it was', () => {
    const evaluator = createEvaluator({ module: small, data });
    const inputs = [4999, 50000, null].map((amount) => JSON.stringify({ ...call, params: { ...call.params, amount } }));
    for (const input of inputs) evaluator.evaluate(input);
    const before = evaluator.stats.memoryBytes;
    for (let i = 0; i < 1_000_000; i++) evaluator.evaluate(inputs[i % 3] as string);
    expect(evaluator.stats).toMatchObject({ evaluations: 1_000_003, failures: 0, rebuilds: 0, memoryBytes: before });
  });

  test('is sized so that loading large data does not let it grow', () => {
    const agents = Object.fromEntries(
      Array.from({ length: 2_000 }, (_, i) => [`agent-${i}`, { tools: { t: { actions: { a: action } } } }]),
    );
    const text = JSON.stringify({ aegis: { agents } });
    const evaluator = createEvaluator({ module: small, data: text });
    const before = evaluator.stats.memoryBytes;
    expect(before).toBeLessThan(text.length * 18 + (3 << 20));
    const input = JSON.stringify({ ...call, agent: 'agent-1999', tool: 't', action: 'a' });
    expect(evaluator.evaluate(input)).toMatchObject({ verdict: 'allow' });
    expect(evaluator.stats.memoryBytes).toBe(before);
  });

  test('the SDK gives the same answers with data loaded by itself', () => {
    const { loadPolicySync } = (sdk as unknown as { default: typeof sdk }).default;
    const policy = loadPolicySync(small, { initial: 50 } as never, { 'regex.find_n': () => ['a'] });
    policy.setData(JSON.parse(data));
    const evaluator = createEvaluator({ module: small, data });
    expect(policy.evaluate(call)).toEqual([{ result: evaluator.evaluate(JSON.stringify(call)) }]);
  });
});
