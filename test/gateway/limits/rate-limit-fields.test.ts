import fc from 'fast-check';
import { definitiveRefusal } from '../../../gateway/limits/definitive-refusal.ts';
import { endReservation, type Reservation } from '../../../gateway/limits/limit-store.ts';
import type { LimitWindow } from '../../../gateway/limits/limit-window.ts';
import { windowSeconds } from '../../../gateway/limits/limit-window.ts';
import { createMemoryLimitStore } from '../../../gateway/limits/memory-limit-store.ts';
import { rateLimitFields, secondsUntil } from '../../../gateway/limits/rate-limit-fields.ts';
import { charge } from './open-store.ts';

const DAY: LimitWindow = { kind: 'sliding', length: 86_400_000 };
const NOON = Date.UTC(2026, 2, 4, 12);

test('what is left, in whole units', () => {
  const limit = { id: 'ns/p/r/"x"', window: DAY, max: 20_000_000_000_000n, remaining: 1_999_999_999n };
  expect(rateLimitFields([limit], NOON)).toEqual([
    'RateLimit-Policy',
    '"ns/p/r/\\"x\\"";q=20000;w=86400',
    'RateLimit',
    '"ns/p/r/\\"x\\"";r=1',
  ]);
  const daily = { ...limit, id: 'd', window: { kind: 'calendar', unit: 'day' } as const };
  expect(rateLimitFields([daily, { ...limit, id: 's', retryAfter: 1_001 }], NOON)[3]).toBe(
    '"d";r=1;t=43200, "s";r=1;t=2',
  );
  expect(rateLimitFields([], NOON)).toEqual([]);
});

test('no number has more digits than RFC 9651 allows', () => {
  const limit = { id: 'x', window: DAY, max: 10n ** 40n, remaining: 10n ** 40n };
  expect(rateLimitFields([limit], NOON)[1]).toBe('"x";q=999999999999999;w=86400');
});

test('nobody is asked to wait for longer than the window', () => {
  const windows = fc.oneof(
    fc.record({ kind: fc.constant('sliding' as const), length: fc.integer({ min: 1, max: 10 ** 8 }) }),
    fc.record({ kind: fc.constant('calendar' as const), unit: fc.constantFrom('hour', 'day', 'week', 'month') }),
  ) as fc.Arbitrary<LimitWindow>;
  const waits = fc.array(fc.integer({ min: 0, max: 10 ** 7 }), { maxLength: 30 });
  const start = fc.integer({ min: 0, max: 2 * 10 ** 12 });
  fc.assert(
    fc.property(windows, waits, start, fc.bigInt({ min: 0n, max: 40n }), (window, times, first, wanted) => {
      let now = first;
      const store = createMemoryLimitStore(() => now);
      const limit = { window, max: 20n };
      for (const time of times) {
        now += time;
        store.reserve([charge(2n, limit)]);
      }
      const result = store.reserve([charge(wanted, limit)]);
      if (!('refusals' in result)) return;
      const [refusal] = result.refusals;
      if (refusal === undefined) throw new Error('no refusal');
      expect(refusal.retryAfter).toBeGreaterThan(0);
      if (window.kind === 'sliding') expect(refusal.retryAfter).toBeLessThanOrEqual(window.length);
      expect(secondsUntil(refusal, now)).toBeLessThanOrEqual(windowSeconds(window, now));
      now += refusal.retryAfter;
      if (wanted <= 20n) expect(store.reserve([charge(wanted, limit)])).toMatchObject({ ok: true });
    }),
    { numRuns: 500 },
  );
});

test('only a status by which the tool certainly did nothing is a definitive refusal', () => {
  const refused = Array.from({ length: 600 }, (_, status) => status).filter(definitiveRefusal);
  expect(refused).toEqual([400, 401, 403, 404, 405, 410, 411, 413, 414, 415, 417, 421, 422, 426, 428, 429, 431, 451]);
});

test('an end that the store did not hear of is told, and never thrown', async () => {
  const errors: unknown[] = [];
  const note = (error: unknown) => errors.push(error);
  const reservation = (settle: Reservation['settle']): Reservation => ({
    limits: [],
    settle,
    release: () => undefined,
    refund: () => Promise.resolve(),
  });
  const throwing = reservation(() => {
    throw new Error('sync');
  });
  const rejecting = reservation(() => Promise.reject(new Error('later')));
  expect(endReservation(undefined, 'settle', note)).toBe(true);
  expect(endReservation(throwing, 'settle', note)).toBe(false);
  expect(await endReservation(rejecting, 'settle', note)).toBe(false);
  expect(endReservation(throwing, 'release', note)).toBe(true);
  expect(await endReservation(throwing, 'refund', note)).toBe(true);
  expect(errors.map(String)).toEqual(['Error: sync', 'Error: later']);
});
