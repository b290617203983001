import fc from 'fast-check';
import { decideCall } from '../../../gateway/enforcement/decide-call.ts';
import { type Decision, passes } from '../../../gateway/enforcement/decision.ts';
import type { LimitStore } from '../../../gateway/limits/limit-store.ts';
import type { DecisionInput, LimitObligation, PolicyResult } from '../../../policy/decision/types.ts';
import { compileToolContract } from '../../../policy/mapping/contract.ts';
import { CONTRACT, fakeActivation, fakeDeps, input, result, STRIPE } from '../listeners/fake-activation.ts';

const OPTIONS = { responseSanitize: true };

function decide(
  evaluate: (input: DecisionInput) => PolicyResult,
  params: Record<string, unknown> = {},
  more: {
    options?: Partial<typeof OPTIONS & { dryRun: boolean }>;
    deps?: ReturnType<typeof fakeDeps>;
    call?: Partial<DecisionInput>;
  } = {},
): Decision {
  const deps = more.deps ?? fakeDeps();
  const activation = fakeActivation(evaluate);
  return decideCall(activation, input(params, more.call), deps, { ...OPTIONS, ...more.options }) as Decision;
}

const code = ({ reasons }: Decision) => reasons[0]?.code;
const LIMIT: LimitObligation = { id: 'ns/p/r/daily', per: 'Agent', window: '24h', max: 100, parameter: 'amount' };

test('the policy decides', () => {
  expect(decide(() => result('allow'))).toMatchObject({
    id: 'id-1',
    verdict: 'allow',
    taken: 'allow',
    reasons: [],
    sequence: 7,
  });
  expect(decide(() => result('deny'))).toMatchObject({ verdict: 'deny', taken: 'deny', reasons: [{ code: 'TEST' }] });
});

test('where nobody can be asked, approval_needed is refused at once', () => {
  const approval = { risk: 'high' as const, rules: ['ns/p/r'] };
  const decision = decide(() => result('approval_needed', { approval, limits: [LIMIT] }), { amount: 1 });
  expect(decision).toMatchObject({ taken: 'approval_needed', approval: { status: 'unavailable', ...approval } });
  expect(decision.reservation).toBeUndefined();
});

describe('what is not a clear answer is a deny', () => {
  const broken: [string, () => unknown, string][] = [
    [
      'throws',
      () => {
        throw new Error('secret 4242');
      },
      'EVALUATION_FAILED',
    ],
    ['undefined', () => undefined, 'EVALUATION_FAILED'],
    ['no outcome', () => ({}), 'EVALUATION_FAILED'],
    ['unknown verdict', () => ({ enforced: { ...result('allow').enforced, verdict: 'ALLOW' } }), 'EVALUATION_FAILED'],
    ['rate_limited', () => result('rate_limited'), 'EVALUATION_FAILED'],
    ['no obligations', () => ({ enforced: { verdict: 'allow', reasons: [] } }), 'EVALUATION_FAILED'],
    ['unknown obligation', () => result('allow', { watermark: true } as never), 'UNKNOWN_OBLIGATION'],
    [
      'unknown operation',
      () => result('sanitize', { set: [{ param: 'memo', op: 'rot13', value: 1 } as never] }),
      'UNKNOWN_OBLIGATION',
    ],
    [
      'two targets',
      () => result('sanitize', { redact: [{ param: 'a', pointer: '/b', op: 'mask' }] }),
      'UNKNOWN_OBLIGATION',
    ],
    ['unknown limit', () => result('allow', { limits: [{ ...LIMIT, burst: 2 } as never] }), 'UNKNOWN_OBLIGATION'],
    ['unknown window', () => result('allow', { limits: [{ ...LIMIT, window: 'fortnight' }] }), 'LIMIT_UNPRICED'],
    ['sanitize without a change', () => result('sanitize'), 'SANITIZE_INEFFECTIVE'],
  ];
  test.each(broken)('%s', (_, evaluate, expected) => {
    const decision = decide(evaluate as () => PolicyResult, { amount: 1 });
    expect(decision.taken).toBe('deny');
    expect(code(decision)).toBe(expected);
    expect(JSON.stringify(decision)).not.toContain('4242');
  });

  test('whatever the evaluator returns, only a complete allow or sanitize passes', () => {
    const verdict = fc.constantFrom(
      'allow',
      'sanitize',
      'deny',
      'approval_needed',
      'rate_limited',
      'Allow',
      '',
      null,
      1,
      true,
    );
    const junk = fc.oneof(fc.anything(), fc.constant([]), fc.constant(null));
    const obligations = fc.oneof(
      junk,
      fc.record({ redact: junk, set: junk, limits: junk, approval: junk, extra: junk }, { requiredKeys: [] }),
      fc.constant({ redact: [], set: [], limits: [], approval: null }),
    );
    const results = fc.oneof(
      junk,
      fc.record({ enforced: fc.oneof(junk, fc.record({ verdict, reasons: junk, obligations })), candidates: junk }),
    );
    fc.assert(
      fc.property(results, (value) => {
        const decision = decide(() => value as PolicyResult, { amount: 1 });
        if (!passes(decision)) return;
        const { enforced } = value as PolicyResult;
        expect(['allow', 'sanitize']).toContain(enforced.verdict);
        expect(Object.keys(enforced.obligations).sort()).toEqual(['approval', 'limits', 'redact', 'set']);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('sanitize', () => {
  const capped =
    (cap: number) =>
    (call: DecisionInput): PolicyResult =>
      Number(call.params.amount) > cap
        ? result('sanitize', { set: [{ param: 'amount', op: 'clamp', value: cap }] })
        : result('allow');

  test('the changed call is decided again', () => {
    expect(decide(capped(50), { amount: 80, memo: 'x' })).toMatchObject({
      taken: 'sanitize',
      params: { amount: 50, memo: 'x' },
    });
    expect(decide(capped(50), { amount: 20 })).toMatchObject({ taken: 'allow' });
  });

  test('the same sanitize again is fine, any other answer is a deny', () => {
    const redact = [{ param: 'memo', op: 'redact' as const }];
    expect(decide(() => result('sanitize', { redact }), { memo: 'x' })).toMatchObject({
      taken: 'sanitize',
      params: { memo: '[REDACTED]' },
    });
    const worse = [
      result('deny'),
      result('approval_needed'),
      result('sanitize', { redact: [{ param: 'memo', op: 'drop' }] }),
      undefined,
    ];
    for (const second of worse) {
      let asked = 0;
      const decision = decide(() => (asked++ === 0 ? result('sanitize', { redact }) : (second as PolicyResult)), {
        memo: 'x',
      });
      expect(decision.taken).toBe('deny');
      expect(['SANITIZE_INEFFECTIVE', 'EVALUATION_FAILED']).toContain(code(decision));
      expect(decision.params).toBeUndefined();
    }
  });

  test('each operation', () => {
    const set = [
      { param: 'a', op: 'set' as const, value: 'new' },
      { param: 'n', op: 'clamp' as const, value: '2.5' },
    ];
    const redact = (['mask', 'hash', 'drop', 'redact'] as const).map((op) => ({ param: op, op }));
    const params = { a: 'old', n: 9, mask: '4242424242424242', hash: 'abc', drop: 1, redact: ['x', 'y'], same: 1 };
    expect(decide(() => result('sanitize', { set, redact }), params).params).toEqual({
      a: 'new',
      n: 2.5,
      mask: '************4242',
      hash: 'hash:3',
      redact: ['[REDACTED]', '[REDACTED]'],
      same: 1,
    });
  });

  test('a response that cannot be changed here must not pass', () => {
    const evaluate = () => result('sanitize', { redact: [{ pointer: '/ssn', op: 'redact' }] });
    expect(decide(evaluate).taken).toBe('sanitize');
    expect(code(decide(evaluate, {}, { options: { responseSanitize: false } }))).toBe('OBLIGATION_UNSUPPORTED');
  });

  test('what the tool contract always changes is changed under an allow too', () => {
    const actions = STRIPE.actions?.map((action) => ({
      ...action,
      sanitize: { request: [{ param: 'memo', op: 'drop' as const }] },
    }));
    const contract = compileToolContract('stripe-payments', { ...STRIPE, actions: actions ?? [] });
    const activation = fakeActivation(() => result('allow'), { contract });
    const decision = decideCall(activation, input({ memo: 'x', amount: 1 }), fakeDeps(), OPTIONS) as Decision;
    expect(decision).toMatchObject({ taken: 'sanitize', params: { amount: 1 } });
    expect(decision.params).not.toHaveProperty('memo');
  });
});

describe('freeze', () => {
  test.each([
    ['Keep', 'create_payment', 'allow'],
    ['DenyWrites', 'create_payment', 'deny'],
    ['DenyWrites', 'get_payment', 'allow'],
    ['DenyWrites', 'unheard', 'deny'],
    ['DenyAll', 'get_payment', 'deny'],
  ] as const)('%s: %s → %s', (freeze, action, taken) => {
    const activation = fakeActivation(() => result('allow'), { freeze });
    expect(decideCall(activation, input({}, { action }), fakeDeps(), OPTIONS)).toMatchObject({
      verdict: 'allow',
      taken,
    });
  });
});

describe('limits', () => {
  const limited = () => result('allow', { limits: [LIMIT] });

  test('a call holds its amount; released it is free again, settled it is spent', () => {
    const deps = fakeDeps();
    const first = decide(limited, { amount: 60 }, { deps });
    expect(decide(limited, { amount: 60 }, { deps })).toMatchObject({ verdict: 'allow', taken: 'rate_limited' });
    first.reservation?.release();
    const second = decide(limited, { amount: 60 }, { deps });
    second.reservation?.settle();
    expect(decide(limited, { amount: 41 }, { deps }).taken).toBe('rate_limited');
    expect(decide(limited, { amount: 40 }, { deps }).taken).toBe('allow');
  });

  test.each([
    [{}],
    [{ amount: -5 }],
    [{ amount: '5' }],
    [{ amount: null }],
  ])('an amount that cannot be counted is a deny: %j', (params) => {
    expect(code(decide(limited, params))).toBe('LIMIT_UNPRICED');
  });

  test('a dry run counts nothing', () => {
    const deps = fakeDeps();
    for (let i = 0; i < 5; i++)
      expect(decide(limited, { amount: 60 }, { deps, options: { dryRun: true } }).taken).toBe('allow');
  });

  test('the sanitised amount is what is charged', () => {
    const deps = fakeDeps();
    const evaluate = (call: DecisionInput) =>
      Number(call.params.amount) > 50
        ? result('sanitize', { set: [{ param: 'amount', op: 'clamp', value: 50 }], limits: [LIMIT] })
        : limited();
    expect(decide(evaluate, { amount: 1000 }, { deps }).taken).toBe('sanitize');
    expect(decide(evaluate, { amount: 1000 }, { deps }).taken).toBe('sanitize');
    expect(decide(evaluate, { amount: 1000 }, { deps }).taken).toBe('rate_limited');
  });

  test('a store that fails refuses, at once or later', async () => {
    const stores: LimitStore[] = [
      {
        reserve: () => {
          throw new Error('down');
        },
      },
      { reserve: () => Promise.reject(new Error('down')) },
    ];
    for (const store of stores) {
      const decision = await decide(limited, { amount: 1 }, { deps: fakeDeps(undefined, store) });
      expect(decision.taken).toBe('deny');
      expect(code(decision)).toBe('LIMITS_UNAVAILABLE');
    }
  });

  test('a cost of the contract, else of the input, prices a cost budget', () => {
    const cost = { id: 'agent/x/cost', per: 'Agent' as const, window: 'day', max: 1, cost: true };
    expect(code(decide(() => result('allow', { limits: [cost] })))).toBe('LIMIT_UNPRICED');
    const call = { context: { cost: '0.75' } };
    const deps = fakeDeps();
    expect(decide(() => result('allow', { limits: [cost] }), {}, { deps, call }).taken).toBe('allow');
    expect(decide(() => result('allow', { limits: [cost] }), {}, { deps, call }).taken).toBe('rate_limited');
    expect(CONTRACT.actions.every((action) => action.cost === undefined)).toBe(true);
  });
});
