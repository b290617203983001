import fc from 'fast-check';
import { WritePace } from '../../../operator/status/write-pace.ts';

test('an object is written once in the interval, and objects one after the other', () => {
  const pace = new WritePace({ interval: 1000, rate: 10 });
  expect(['a', 'b', 'c'].map((key) => pace.delay(key, 1000))).toEqual([0, 100, 200]);
  // who asks again keeps its place
  expect(pace.delay('c', 1100)).toBe(100);
  pace.wrote('a', 1000);
  expect(pace.delay('a', 1001)).toBe(999);
  expect(pace.delay('a', 2000)).toBe(0);
});

test('never more often than the interval allows, and never for ever', () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), after: fc.nat({ max: 400 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const pace = new WritePace({ interval: 1000, rate: 10 });
      const written = new Map<string, number>();
      let now = 0;
      for (const { key, after } of steps) {
        now += after;
        const first = pace.delay(key, now);
        // the end of the interval, then the place in the row
        const second = pace.delay(key, now + first);
        expect(first).toBeLessThanOrEqual(1000);
        expect(second).toBeLessThanOrEqual(400);
        expect(pace.delay(key, now + first + second)).toBe(0);
        now += first + second;
        expect(now - (written.get(key) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(1000);
        written.set(key, now);
        pace.wrote(key, now);
      }
    }),
  );
});

test('over all objects never faster than the rate', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 250 }), { minLength: 2, maxLength: 100 }), (gaps) => {
      const pace = new WritePace({ interval: 1000, rate: 10 });
      let now = 0;
      const moments = gaps.map((gap, index) => {
        now += gap;
        return now + pace.delay(`object-${index}`, now);
      });
      moments.reduce((before, moment) => {
        expect(moment - before).toBeGreaterThanOrEqual(100);
        return moment;
      });
    }),
  );
});
