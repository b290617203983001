import { decideCall } from '../../../gateway/enforcement/decide-call.ts';
import type { Decision } from '../../../gateway/enforcement/decision.ts';
import type { LimitStore, Reservation } from '../../../gateway/limits/limit-store.ts';
import { settleAll } from '../../../gateway/listeners/answer-decisions.ts';
import { AegisError } from '../../../policy/errors.ts';
import { fakeActivation, fakeDeps, input, result } from './fake-activation.ts';

const LIMIT = { id: 'l', per: 'Agent' as const, window: '1m', max: 9 };

/** A store whose n-th hold cannot be settled; `told` says what became of each. */
function failingAt(bad: number) {
  const told: string[][] = [];
  const reserve = () => {
    const words: string[] = [];
    const mine = told.push(words) - 1;
    const reservation: Reservation = {
      limits: [],
      settle: async () => {
        words.push('settle');
        if (mine === bad) throw new AegisError('AEGIS_LIMITS_UNAVAILABLE', 'down');
      },
      release: async () => void words.push('release'),
      refund: async () => void words.push('refund'),
    };
    return Promise.resolve({ ok: true as const, reservation });
  };
  return { told, store: { reserve } satisfies LimitStore };
}

async function decided(store: LimitStore, deny = false): Promise<Decision[]> {
  const deps = fakeDeps(undefined, store);
  const allow = fakeActivation(() => result('allow', { limits: [LIMIT] }));
  const denied = fakeActivation(() => result('deny'));
  const activations = [allow, allow, deny ? denied : allow];
  return Promise.all(
    activations.map((activation) => decideCall(activation, input(), deps, { responseSanitize: true })),
  );
}

test('the answer waits until everything is spent', async () => {
  const { told, store } = failingAt(-1);
  const settled = await settleAll(await decided(store), undefined);
  expect(settled.map(({ taken }) => taken)).toEqual(['allow', 'allow', 'allow']);
  expect(told).toEqual([['settle'], ['settle'], ['settle']]);
});

test('where one cannot be spent, none passes and none is spent', async () => {
  const { told, store } = failingAt(1);
  const errors: unknown[] = [];
  const settled = await settleAll(await decided(store), (error) => errors.push(error));
  expect(settled.map(({ taken, reasons }) => [taken, reasons[0]?.code])).toEqual(
    Array(3).fill(['deny', 'LIMITS_UNAVAILABLE']),
  );
  expect(settled.some(({ reservation }) => reservation !== undefined)).toBe(false);
  expect(told).toEqual(Array(3).fill(['settle', 'release']));
  expect(errors).toHaveLength(1);
});

test('refused together, nothing is spent', async () => {
  const { told, store } = failingAt(-1);
  await settleAll(await decided(store, true), undefined);
  expect(told).toEqual([['release'], ['release']]);
});
