import fc from 'fast-check';
import type { LimitCharge, Reservation, ReserveResult } from '../../../gateway/limits/limit-store.ts';
import { calendarPeriod, parseWindow, windowSeconds } from '../../../gateway/limits/limit-window.ts';
import { createMemoryLimitStore } from '../../../gateway/limits/memory-limit-store.ts';
import { toNanos, wholeUnits } from '../../../gateway/limits/nanos.ts';
import { NumberLiteral } from '../../../policy/number-literal.ts';

function charge(amount: bigint, more: Partial<LimitCharge> = {}): LimitCharge {
  return {
    key: 'k',
    id: 'l',
    tenant: 't',
    kind: 'budget',
    window: { kind: 'sliding', length: 60_000 },
    max: 10n,
    amount,
    chargeOnly: false,
    ...more,
  };
}

test('no window of the length ever holds more than the maximum, and nothing is ever negative', () => {
  const steps = fc.array(
    fc.record({
      wait: fc.integer({ min: 0, max: 30_000 }),
      amount: fc.bigInt({ min: 0n, max: 8n }),
      end: fc.constantFrom('settle', 'release', 'hold'),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (calls) => {
      let now = 1_000_000;
      const store = createMemoryLimitStore(() => now);
      const spent: { at: number; amount: bigint }[] = [];
      for (const { wait, amount, end } of calls) {
        now += wait;
        const reserved = store.reserve([charge(amount)]) as ReserveResult;
        const inWindow = spent.filter(({ at }) => at > now - 60_000).reduce((sum, entry) => sum + entry.amount, 0n);
        if (!reserved.ok) {
          expect(reserved.refusals[0]?.remaining).toBeGreaterThanOrEqual(0n);
          expect(reserved.refusals[0]?.retryAfter).toBeGreaterThan(0);
          continue;
        }
        expect(inWindow + amount).toBeLessThanOrEqual(10n);
        if (end === 'release') reserved.reservation.release();
        else spent.push({ at: now, amount });
        if (end === 'settle') reserved.reservation.settle();
      }
    }),
  );
});

test('what is refused fits after retryAfter', () => {
  let now = 5_000;
  const store = createMemoryLimitStore(() => now);
  for (const amount of [4n, 4n]) {
    store.reserve([charge(amount)]);
    now += 10_000;
  }
  const refused = store.reserve([charge(5n)]) as ReserveResult;
  if (refused.ok) throw new Error('not refused');
  expect(refused.refusals[0]).toMatchObject({ remaining: 2n });
  now += refused.refusals[0]?.retryAfter ?? 0;
  expect(store.reserve([charge(5n)])).toMatchObject({ ok: true });
});

test('all or none', () => {
  const store = createMemoryLimitStore(() => 0);
  const both = [charge(5n), charge(5n, { key: 'other', max: 4n })];
  expect(store.reserve(both)).toMatchObject({ ok: false, refusals: [{ remaining: 4n }] });
  expect(store.reserve([charge(10n)])).toMatchObject({ ok: true });
});

test('an end counts once, in whatever order and however late', () => {
  let now = 0;
  const store = createMemoryLimitStore(() => now);
  const hold = () => (store.reserve([charge(10n)]) as { reservation: Reservation }).reservation;
  const first = hold();
  first.release();
  first.release();
  const second = hold();
  expect(second).toBeDefined();
  now += 120_000;
  const third = hold();
  second.release();
  expect(store.reserve([charge(1n)])).toMatchObject({ ok: false });
  third.settle();
  expect(store.reserve([charge(1n)])).toMatchObject({ ok: false });
  third.release();
  third.refund();
  expect(() => third.settle()).toThrow('given back');
  expect(store.reserve([charge(10n)])).toMatchObject({ ok: true });
});

test('a charge that only counts is never a reason to refuse', () => {
  const store = createMemoryLimitStore(() => 0);
  expect(store.reserve([charge(50n, { chargeOnly: true })])).toMatchObject({ ok: true });
  expect(store.reserve([charge(1n)])).toMatchObject({ ok: false, refusals: [{ remaining: 0n }] });
});

test('a clock that steps back gives nothing back', () => {
  let now = 1_000_000;
  const store = createMemoryLimitStore(() => now);
  store.reserve([charge(10n)]);
  now = 0;
  expect(store.reserve([charge(1n)])).toMatchObject({ ok: false });
});

test('negative charges are a defect, not a refund', () => {
  expect(() => createMemoryLimitStore(() => 0).reserve([charge(-1n)])).toThrow(RangeError);
});

test('calendar periods are UTC', () => {
  const now = Date.UTC(2026, 1, 11, 13, 30);
  const iso = (unit: Parameters<typeof calendarPeriod>[0]) => {
    const { start, end } = calendarPeriod(unit, now);
    return [new Date(start).toISOString().slice(0, 13), new Date(end).toISOString().slice(0, 13)];
  };
  expect(iso('hour')).toEqual(['2026-02-11T13', '2026-02-11T14']);
  expect(iso('day')).toEqual(['2026-02-11T00', '2026-02-12T00']);
  expect(iso('week')).toEqual(['2026-02-09T00', '2026-02-16T00']);
  expect(iso('month')).toEqual(['2026-02-01T00', '2026-03-01T00']);
  expect(windowSeconds({ kind: 'calendar', unit: 'month' }, now)).toBe(28 * 86_400);
});

test('a calendar budget starts afresh with the period', () => {
  let now = Date.UTC(2026, 0, 31, 23, 59);
  const store = createMemoryLimitStore(() => now);
  const daily = { window: { kind: 'calendar', unit: 'day' } as const };
  expect(store.reserve([charge(10n, daily)])).toMatchObject({ ok: true });
  expect(store.reserve([charge(1n, daily)])).toMatchObject({ ok: false, refusals: [{ retryAfter: 60_000 }] });
  now += 60_000;
  expect(store.reserve([charge(10n, daily)])).toMatchObject({ ok: true });
});

test.each([
  ['1m', 60_000],
  ['24h', 86_400_000],
  ['500ms', 500],
  ['0s', undefined],
  ['1w', undefined],
  ['-1m', undefined],
  ['', undefined],
])('the window "%s"', (text, length) =>
  expect(parseWindow(text)).toEqual(length === undefined ? undefined : { kind: 'sliding', length }));

test('amounts are exact, and what is finer than a billionth is rounded up', () => {
  expect(toNanos(0.1)).toBe(100_000_000n);
  expect(toNanos('20000')).toBe(20_000_000_000_000n);
  expect(toNanos(new NumberLiteral('123456789012.345678'))).toBe(123_456_789_012_345_678_000n);
  expect(toNanos(new NumberLiteral('0.0000000001'))).toBe(1n);
  expect([toNanos(Number.NaN), toNanos('1e3'), toNanos(null), toNanos({})]).toEqual(Array(4).fill(undefined));
  expect(wholeUnits(1_999_999_999n)).toBe(1);
});
