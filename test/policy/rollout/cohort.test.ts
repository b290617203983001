import fc from 'fast-check';
import { cohortOf } from '../../../policy/rollout/cohort.ts';

const agents = fc.uniqueArray(fc.stringMatching(/^[a-z0-9]{1,8}$/), { maxLength: 40 });
const percent = fc.integer({ min: 0, max: 100 });

test('exactly the share, rounded up', () => {
  const three = ['a', 'b', 'c'];
  const size = (share: number): number => cohortOf('ns/p', three, { percent: share }).size;
  expect([0, 1, 33, 34, 66, 67, 100].map(size)).toEqual([0, 1, 1, 2, 2, 3, 3]);
  fc.assert(
    fc.property(agents, percent, (all, share) => {
      expect(cohortOf('ns/p', all, { percent: share }).size).toBe(Math.ceil((all.length * share) / 100));
    }),
  );
});

test('sticky: a larger share contains the smaller one, whatever the order', () => {
  fc.assert(
    fc.property(agents, percent, percent, (all, a, b) => {
      const small = cohortOf('ns/p', all, { percent: Math.min(a, b) });
      const large = cohortOf('ns/p', [...all].reverse(), { percent: Math.max(a, b) });
      for (const agent of small) expect(large.has(agent)).toBe(true);
    }),
  );
});

test('other policies have other cohorts', () => {
  const all = Array.from({ length: 100 }, (_, index) => `agent-${index}`);
  const first = [...cohortOf('ns/one', all, { percent: 50 })];
  const common = first.filter((agent) => cohortOf('ns/two', all, { percent: 50 }).has(agent));
  expect(common.length).toBeGreaterThan(10);
  expect(common.length).toBeLessThan(40);
});

test('listed agents win, as far as they are in scope', () => {
  expect([...cohortOf('ns/p', ['a', 'b', 'c'], { agents: ['c', 'z'], percent: 100 })]).toEqual(['c']);
  expect(cohortOf('ns/p', ['a'], { agents: [], percent: 100 }).size).toBe(0);
});

test('nonsense is nobody, and nobody twice', () => {
  expect(cohortOf('ns/p', ['a'], { percent: Number.NaN }).size).toBe(0);
  expect(cohortOf('ns/p', ['a'], { percent: -5 }).size).toBe(0);
  expect([...cohortOf('ns/p', ['a', 'a', 'b'], { percent: 1000 })]).toEqual(['a', 'b']);
});
