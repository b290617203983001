import { type Condition, findCondition, removeCondition, setCondition } from '../../../operator/kube/conditions.ts';

const ready: Condition = {
  type: 'Ready',
  status: 'True',
  observedGeneration: 1,
  lastTransitionTime: '2026-01-01T00:00:00Z',
  reason: 'Succeeded',
  message: 'all is well',
};
const later = '2026-01-02T00:00:00Z';

test('a new one comes last, with the time', () => {
  const { lastTransitionTime: _, ...accepted } = { ...ready, type: 'Accepted' };
  const list = setCondition([ready], accepted, later);
  expect(list).toEqual([ready, { ...accepted, lastTransitionTime: later }]);
});

test('the time changes with the status and with nothing else', () => {
  const said = setCondition([ready], { ...ready, reason: 'Other', message: 'other', observedGeneration: 2 }, later);
  expect(said).toEqual([{ ...ready, reason: 'Other', message: 'other', observedGeneration: 2 }]);
  expect(setCondition([ready], { ...ready, status: 'False' }, later)).toEqual([
    { ...ready, status: 'False', lastTransitionTime: later },
  ]);
  expect(setCondition([ready], { ...ready, status: 'Unknown' }, later)[0]?.lastTransitionTime).toBe(later);
});

test('nothing is changed in place', () => {
  const list = Object.freeze([Object.freeze({ ...ready })]);
  setCondition(list, { ...ready, status: 'False' }, later);
  removeCondition(list, 'Ready');
  expect(list).toEqual([ready]);
});

test('a message has at most 1024 characters, and no half of one', () => {
  const [long] = setCondition([], { ...ready, message: 'x'.repeat(2000) }, later);
  expect(long?.message).toHaveLength(1024);
  const [pair] = setCondition([], { ...ready, message: '🙂'.repeat(600).slice(1) }, later);
  expect(pair?.message.at(-2)).not.toMatch(/[\uD800-\uDBFF]/);
});

test('find and remove', () => {
  expect(findCondition([ready], 'Ready')).toBe(ready);
  expect(findCondition([ready], 'Stalled')).toBeUndefined();
  expect(removeCondition([ready], 'Ready')).toEqual([]);
  expect(removeCondition([ready], 'Stalled')).toEqual([ready]);
});
