import fc from 'fast-check';
import type { RefusedRequest } from '../../../gateway/telemetry/call-hooks.ts';
import { RefusedRequests } from '../../../gateway/telemetry/refused-requests.ts';

const UNKNOWN: RefusedRequest = { code: 'AEGIS_HOST_UNKNOWN', status: 403, via: 'proxy', host: 'evil.example' };
const START = 1_700_000_000_000;

beforeEach(() => jest.useFakeTimers({ now: START }));
afterEach(() => jest.useRealTimers());

function recorder() {
  const texts: string[] = [];
  const refused = new RefusedRequests({
    append: (line) => texts.push(line),
    tenant: 'fintech',
    agent: 'finance-agent',
    now: () => Date.now(),
    ticks: () => performance.now(),
  });
  const lines = () => texts.map((line) => JSON.parse(line) as Record<string, unknown>);
  return { refused, texts, lines };
}

test('a refused request is one line: when, who, where to, why', () => {
  const { refused, texts, lines } = recorder();
  refused.refused({ ...UNKNOWN, decisionId: '0190-1' });
  expect(lines()).toEqual([
    {
      kind: 'refused',
      decision_id: '0190-1',
      time: '2023-11-14T22:13:20.000Z',
      tenant: 'fintech',
      agent: 'finance-agent',
      code: 'AEGIS_HOST_UNKNOWN',
      status: 403,
      via: 'proxy',
      host: 'evil.example',
      count: 1,
    },
  ]);
  expect(texts[0]).toMatch(/^[^\n]+\n$/);
  refused.close();
  expect(lines()).toHaveLength(1);
});

test('the same again is counted, and told ever more rarely; other codes, ways and hosts have lines of their own', () => {
  const { refused, lines } = recorder();
  for (let second = 0; second < 600; second++) {
    for (let i = 0; i < 50; i++) refused.refused(UNKNOWN);
    jest.advanceTimersByTime(1000);
  }
  const told = lines().length;
  expect(told).toBeLessThanOrEqual(20);
  for (const other of [{ host: 'b.example' }, { via: 'http' as const }, { code: 'AEGIS_CALLER_REFUSED' as const }]) {
    refused.refused({ ...UNKNOWN, ...other });
  }
  expect(lines()).toHaveLength(told + 3);
  refused.close();
  const same = lines().filter(
    ({ host, via, code }) => host === UNKNOWN.host && via === 'proxy' && code === UNKNOWN.code,
  );
  expect(same.reduce((sum, { count }) => sum + (count as number), 0)).toBe(600 * 50);
  // Of several there is no one id.
  expect(lines().some(({ decision_id, count }) => decision_id !== undefined && count !== 1)).toBe(false);
});

test('after a quiet time it is a line at once again', () => {
  const { refused, lines } = recorder();
  refused.refused(UNKNOWN);
  jest.advanceTimersByTime(3000);
  refused.refused(UNKNOWN);
  expect(lines().map(({ count }) => count)).toEqual([1, 1]);
  expect(lines()[1]?.time).toBe('2023-11-14T22:13:23.000Z');
  jest.advanceTimersByTime(3000);
  expect(jest.getTimerCount()).toBe(0);
});

test('who makes up hosts fills no log: beyond a bound they are counted without', () => {
  const { refused, texts, lines } = recorder();
  let sent = 0;
  for (let second = 0; second < 300; second++) {
    for (let i = 0; i < 100; i++) refused.refused({ ...UNKNOWN, host: `h${sent++}.example`, decisionId: `id-${sent}` });
    jest.advanceTimersByTime(1000);
  }
  expect(texts.length).toBeLessThanOrEqual(100 + 300 + 20);
  refused.close();
  expect(lines().reduce((sum, { count }) => sum + (count as number), 0)).toBe(sent);
  const without = lines().filter(({ host }) => host === undefined);
  expect(without.length).toBeGreaterThan(0);
  expect(without.every(({ decision_id }) => decision_id === undefined)).toBe(true);
});

test('whatever comes when: every refusal is counted once, and lines are few', () => {
  const request = fc.record({
    code: fc.constantFrom('AEGIS_HOST_UNKNOWN' as const, 'AEGIS_HTTP_MALFORMED' as const),
    via: fc.constantFrom('proxy' as const, 'tls' as const),
    host: fc.option(
      fc.integer({ min: 0, max: 300 }).map((n) => `h${n}.example`),
      { nil: undefined },
    ),
    times: fc.integer({ min: 1, max: 40 }),
    pause: fc.integer({ min: 0, max: 5000 }),
  });
  fc.assert(
    fc.property(fc.array(request, { maxLength: 400 }), (requests) => {
      const { refused, lines } = recorder();
      let sent = 0;
      let passed = 0;
      for (const { times, pause, ...rest } of requests) {
        for (let i = 0; i < times; i++) refused.refused({ ...rest, status: 403 });
        sent += times;
        passed += pause;
        jest.advanceTimersByTime(pause);
      }
      // A line that begins, and for each at most one a second that tells how it went on.
      expect(lines().length).toBeLessThanOrEqual(2 * (100 + passed / 1000) + 8);
      refused.close();
      expect(lines().reduce((sum, { count }) => sum + (count as number), 0)).toBe(sent);
      expect(jest.getTimerCount()).toBe(0);
    }),
    { numRuns: 50 },
  );
});
