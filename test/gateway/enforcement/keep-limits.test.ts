import { type DecideOptions, decideCall } from '../../../gateway/enforcement/decide-call.ts';
import { type Decision, passes } from '../../../gateway/enforcement/decision.ts';
import type { LimitRules } from '../../../gateway/enforcement/keep-limits.ts';
import { problemOf } from '../../../gateway/enforcement/problem.ts';
import type { LimitStore } from '../../../gateway/limits/limit-store.ts';
import { createMemoryLimitStore } from '../../../gateway/limits/memory-limit-store.ts';
import type { LimitObligation, RiskTier } from '../../../policy/decision/types.ts';
import { AegisError } from '../../../policy/errors.ts';
import { compileToolContract, type Effect } from '../../../policy/mapping/contract.ts';
import { openStore, until } from '../limits/open-store.ts';
import { startRedis } from '../limits/redis-server.ts';
import { fakeActivation, fakeDeps, input, result, STRIPE } from '../listeners/fake-activation.ts';

const RATE: LimitObligation = { id: 'ns/p/r/burst', per: 'Agent', window: '1m', max: 3 };
const BUDGET: LimitObligation = { id: 'ns/p/r/daily', per: 'Agent', window: '24h', max: 100, parameter: 'amount' };

interface Setting {
  effect?: Effect;
  riskTier?: RiskTier;
  limits?: LimitObligation[];
  rules?: LimitRules;
  store: LimitStore;
  options?: Partial<DecideOptions>;
  action?: string;
}

async function decide(setting: Setting): Promise<Decision> {
  const { effect = 'write', riskTier = 'low', limits = [BUDGET] } = setting;
  const actions = STRIPE.actions?.map((action) => ({ ...action, effect, riskTier }));
  const contract = compileToolContract('stripe-payments', { ...STRIPE, riskTier: 'low', actions: actions ?? [] });
  const activation = fakeActivation(() => result('allow', { limits }), { contract });
  const deps = { ...fakeDeps(undefined, setting.store), limitRules: setting.rules ?? {} };
  const call = input({ amount: 60 }, setting.action === undefined ? {} : { action: setting.action });
  return decideCall(activation, call, deps, { responseSanitize: true, ...setting.options });
}

const failing = (error: Error): LimitStore => ({ shared: true, reserve: () => Promise.reject(error) });
const DOWN = failing(new AegisError('AEGIS_LIMITS_UNAVAILABLE', 'down'));

describe('the store cannot be asked', () => {
  test.each([
    ['read', 'low', 'ByRisk', true],
    ['read', 'low', undefined, true],
    ['read', 'low', 'Deny', false],
    ['read', 'medium', 'ByRisk', false],
    ['write', 'low', 'ByRisk', false],
    ['irreversible', 'low', 'ByRisk', false],
    ['read', 'critical', undefined, false],
  ] as const)('%s of risk %s, %s: passes %s', async (effect, riskTier, onUnavailable, expected) => {
    const told: boolean[] = [];
    const rules = {
      ...(onUnavailable !== undefined && { onUnavailable }),
      onUnavailableCall: (passed: boolean) => told.push(passed),
    };
    for (const limits of [[RATE], [BUDGET], [RATE, BUDGET]]) {
      const decision = await decide({ effect, riskTier, limits, rules, store: DOWN });
      expect(passes(decision)).toBe(expected);
      expect(decision.reasons[0]?.code).toBe('LIMITS_UNAVAILABLE');
      expect(decision.reservation).toBeUndefined();
      if (!expected)
        expect(problemOf(decision)).toMatchObject({ status: 503, headers: expect.arrayContaining(['Retry-After']) });
    }
    expect(told).toEqual([expected, expected, expected]);
  });

  test('a defect is not an outage: refused, whatever the risk', async () => {
    const store = failing(new TypeError('x is not a function'));
    expect(passes(await decide({ effect: 'read', riskTier: 'low', store }))).toBe(false);
  });

  test('an action that the contract does not know is no read', async () => {
    expect(passes(await decide({ effect: 'read', riskTier: 'low', store: DOWN, action: 'unheard' }))).toBe(false);
  });

  test('a real server that stops answering: by risk within the time that a command has, and back once it answers', async () => {
    const redis = await startRedis();
    const store = await openStore({ url: redis.url, timeout: 100 });
    try {
      const ask = (effect: Effect) => decide({ effect, riskTier: 'low', limits: [RATE], store });
      expect((await ask('write')).taken).toBe('allow');
      redis.signal('SIGSTOP');
      const started = performance.now();
      expect(await ask('write')).toMatchObject({ taken: 'deny', reasons: [{ code: 'LIMITS_UNAVAILABLE' }] });
      expect(await ask('read')).toMatchObject({ taken: 'allow', reasons: [{ code: 'LIMITS_UNAVAILABLE' }] });
      expect(performance.now() - started).toBeLessThan(1_000);
      redis.signal('SIGCONT');
      await until(() => store.status().state === 'ready');
      expect(await ask('write')).toMatchObject({ taken: 'allow', reasons: [] });
    } finally {
      await store.close();
      await redis.remove();
    }
  });
});

describe('several gateways that each count for themselves', () => {
  const memory = () => createMemoryLimitStore(() => 0);
  test.each([
    ['write', [BUDGET], 2, false],
    ['irreversible', [RATE, BUDGET], 2, false],
    ['write', [{ ...BUDGET, parameter: undefined, cost: true } as never], 2, false],
    ['write', [RATE], 2, true],
    ['read', [BUDGET], 2, true],
    ['write', [BUDGET], 1, true],
  ] as const)('%s with %j on %s: passes %s', async (effect, limits, replicas, expected) => {
    const decision = await decide({ effect, limits: [...limits], rules: { replicas }, store: memory() });
    expect(passes(decision)).toBe(expected);
    if (!expected) expect(decision.reasons).toMatchObject([{ code: 'LIMITS_NOT_SHARED' }]);
  });

  test('a shared store keeps them', async () => {
    const store = { ...memory(), shared: true };
    expect(passes(await decide({ rules: { replicas: 9 }, store }))).toBe(true);
  });
});

test('retries of one operation spend once; another operation is another call', async () => {
  const store = createMemoryLimitStore(() => 0);
  const ask = (id: string) => decide({ store, options: { operation: { id, window: 1_000 } } });
  expect([(await ask('a')).taken, (await ask('a')).taken, (await ask('b')).taken]).toEqual([
    'allow',
    'allow',
    'rate_limited',
  ]);
  expect((await decide({ store })).taken).toBe('rate_limited');
});

test('a call that passes says what is left', async () => {
  const decision = await decide({ store: createMemoryLimitStore(() => 0) });
  expect(decision.reservation?.limits).toMatchObject([{ id: 'ns/p/r/daily', remaining: 40_000_000_000n }]);
});
