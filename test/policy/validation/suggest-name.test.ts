import fc from 'fast-check';
import { editDistance, suggestName } from '../../../policy/validation/suggest-name.ts';

const FIELDS = ['scope', 'rules', 'change', 'suspend', 'tests', 'rollout', 'maxAmount', 'agentId', 'max', 'min'];

test.each([
  ['scop', 'scope'],
  ['scpoe', 'scope'],
  ['SCOPE', 'scope'],
  ['rule', 'rules'],
  ['suspended', 'suspend'],
  ['max_amount', 'maxAmount'],
  ['max-amount', 'maxAmount'],
  ['agentID', 'agentId'],
  ['maxx', 'max'],
])('%s is probably %s', (typo, meant) => {
  expect(suggestName(typo, FIELDS)).toBe(meant);
});

test.each(['xyzzy', 'q', '', 'completelyDifferent'])('%j is nothing known', (name) => {
  expect(suggestName(name, FIELDS)).toBeUndefined();
});

test('the distance is a symmetric count that is zero for equal texts only', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), fc.string({ maxLength: 12 }), (a, b) => {
      const distance = editDistance(a, b, 99);
      expect(distance).toBe(editDistance(b, a, 99));
      expect(distance === 0).toBe(a === b);
      expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
    }),
  );
});
