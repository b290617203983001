import fc from 'fast-check';
import { findContradiction, mandatory } from '../../../../policy/compiler/analysis/contradiction.ts';
import type { Condition, ConditionTest } from '../../../../policy/compiler/slice.ts';

const max = (v: number): ConditionTest => ({ k: 'max', p: 'n', t: 'number', v });
const min = (v: number): ConditionTest => ({ k: 'min', p: 'n', t: 'number', v });
const one = (...v: number[]): ConditionTest => ({ k: 'one', p: 'n', t: 'number', v });
const listed = (...names: string[]): ConditionTest => ({
  k: 'in',
  p: 's',
  t: 'string',
  v: Object.fromEntries(names.map((name) => [name, true])),
});
const length = (v: number): ConditionTest => ({ k: 'length', p: 's', t: 'string', v });

test.each<[string, ConditionTest[]]>([
  ['low above high', [min(6), max(5)]],
  ['disjoint lists', [listed('a', 'b'), listed('c')]],
  ['disjoint numbers', [one(1, 2), one(3)]],
  ['all out of range', [one(1, 9), min(2), max(8)]],
  ['all too long', [listed('abc', 'abcd'), length(2)]],
  ['forbidden and needed', [{ k: 'forbidden', p: 's' }, length(2)]],
  [
    'two purposes',
    [
      { k: 'purpose', v: { care: true } },
      { k: 'purpose', v: { billing: true } },
    ],
  ],
])('%s', (_, conditions) => {
  expect(findContradiction(conditions)).toBeDefined();
  expect(findContradiction([...conditions].reverse())).toBeDefined();
});

test.each<[string, ConditionTest[]]>([
  ['one number', [min(5), max(5)]],
  ['a common name', [listed('a', 'b'), listed('b')]],
  ['forbidden alone', [{ k: 'forbidden', p: 's' }]],
  ['different parameters', [max(5), { k: 'min', p: 'm', t: 'number', v: 6 }]],
  ['arrays, which may be empty', [{ k: 'each', p: 's', t: 'array', c: { k: 'in', p: 's', t: 'string', v: {} } }]],
])('%s is none', (_, conditions) => {
  expect(findContradiction(conditions)).toBeUndefined();
});

test('whatever some value fulfils is no contradiction', () => {
  const number = fc.integer({ min: 0, max: 12 });
  const test = fc.oneof(
    number.map(max),
    number.map(min),
    fc.array(number, { minLength: 1, maxLength: 4 }).map((v) => one(...v)),
  );
  fc.assert(
    fc.property(fc.array(test, { minLength: 1, maxLength: 5 }), (conditions) => {
      const fulfils = (value: number, condition: ConditionTest): boolean => {
        if (condition.k === 'max') return value <= Number(condition.v);
        if (condition.k === 'min') return value >= Number(condition.v);
        return condition.k === 'one' && condition.v.includes(value);
      };
      const possible = Array.from({ length: 15 }, (_, i) => i - 1).some((value) =>
        conditions.every((c) => fulfils(value, c)),
      );
      if (possible) expect(findContradiction(conditions)).toBeUndefined();
      else if (conditions.every(({ k }) => k !== 'one')) expect(findContradiction(conditions)).toBeDefined();
    }),
    { numRuns: 2000 },
  );
});

test('only conditions whose failure denies are mandatory', () => {
  const conditions = [4, 3, 1].map((bad) => ({ ...max(5), bad, m: '' }) as Condition);
  expect(mandatory(conditions)).toEqual([conditions[0]]);
  expect(mandatory(undefined)).toEqual([]);
});
