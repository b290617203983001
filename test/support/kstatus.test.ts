import { kstatusOf } from './kstatus.ts';

const object = (observedGeneration: unknown, conditions: Record<string, string> = {}, metadata: object = {}) => ({
  metadata: { name: 'x', generation: 3, ...metadata },
  status: {
    observedGeneration,
    conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })),
  },
});

test.each([
  ['deletion comes first', object(-1, { Stalled: 'True' }, { deletionTimestamp: 'now' }), 'Terminating'],
  ['an older generation was seen', object(2, { Ready: 'True' }), 'InProgress'],
  ['none was seen, by the default of the schema', object(-1), 'InProgress'],
  ['a generation was seen that is not there yet', object(4, { Stalled: 'True' }), 'InProgress'],
  ['an older generation failed', object(2, { Stalled: 'True' }), 'InProgress'],
  ['Reconciling, though Ready', object(3, { Ready: 'True', Reconciling: 'True' }), 'InProgress'],
  ['Stalled, though Ready', object(3, { Ready: 'True', Stalled: 'True' }), 'Failed'],
  ['both, this one first', object(3, { Reconciling: 'True', Stalled: 'True' }), 'InProgress'],
  ['both, that one first', object(3, { Stalled: 'True', Reconciling: 'True' }), 'Failed'],
  ['neither is true', object(3, { Reconciling: 'False', Stalled: 'Unknown', Ready: 'True' }), 'Current'],
  ['not Ready never fails', object(3, { Ready: 'False' }), 'InProgress'],
  ['Ready is unknown', object(3, { Ready: 'Unknown' }), 'InProgress'],
  ['another condition is false', object(3, { RolloutComplete: 'False', Ready: 'True' }), 'Current'],
  ['nothing is said', object(3), 'Current'],
  ['no observedGeneration', object(undefined, { Ready: 'True' }), 'Current'],
  ['no status at all', { metadata: { generation: 1 } }, 'Current'],
])('%s', (_, each, expected) => {
  expect(kstatusOf(each)).toBe(expected);
});

test.each([
  ['3', 'status.observedGeneration is no integer'],
  [3.5, 'status.observedGeneration is no integer'],
])('observedGeneration %p is an error', (observedGeneration, message) => {
  expect(() => kstatusOf(object(observedGeneration, { Ready: 'True' }))).toThrow(message);
});

test.each([
  ['status is no map', { metadata: {}, status: [] }],
  ['status.conditions is no list', { metadata: {}, status: { conditions: {} } }],
  ['a condition is no map', { metadata: {}, status: { conditions: ['Ready'] } }],
])('an error: %s', (message, each) => {
  expect(() => kstatusOf(each)).toThrow(message);
});
