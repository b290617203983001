import fc from 'fast-check';
import { entityTags, isKnown, pollPreference } from '../../../operator/serving/conditional-request.ts';

test.each<[string | undefined, readonly string[] | '*']>([
  [undefined, []],
  ['"a"', ['a']],
  ['W/"a"', ['a']],
  ['"a", W/"b","c"', ['a', 'b', 'c']],
  ['*', '*'],
  [' * ', '*'],
  ['a', []],
  ['"a', []],
  ['""', ['']],
])('If-None-Match: %s', (header, tags) => {
  expect(entityTags(header)).toEqual(tags);
});

test.each<[string | undefined, boolean, number]>([
  [undefined, false, 0],
  ['modes=snapshot', true, 0],
  ['modes=snapshot;wait=30', true, 30],
  ['modes=snapshot,delta;wait=30', true, 30],
  ['wait=10, respond-async', true, 10],
  ['respond-async, wait="10"', true, 10],
  ['Wait = 5', true, 5],
  ['wait=600', true, 60],
  ['wait=99999999999', false, 0],
  ['wait=-1', false, 0],
  ['wait=1e9', false, 0],
  ['wait=5, wait=50', true, 5],
  ['await=5', false, 0],
])('Prefer: %s', (header, longPoll, waitSeconds) => {
  expect(pollPreference(header)).toEqual({ longPoll, waitSeconds });
});

test('every list of tags is read back, and any other text is no error and takes no time', () => {
  const tag = fc.stringMatching(/^[\x21\x23-\x7e]{0,40}$/);
  fc.assert(
    fc.property(fc.array(fc.tuple(tag, fc.boolean()), { maxLength: 20 }), tag, (tags, other) => {
      const header = tags.map(([text, weak]) => `${weak ? 'W/' : ''}"${text}"`).join(', ');
      const read = entityTags(header);
      expect(read).toEqual(tags.map(([text]) => text));
      expect(isKnown(read, other)).toBe(tags.some(([text]) => text === other));
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 4_000 }), (text) => {
      entityTags(text);
      const { waitSeconds } = pollPreference(text);
      expect(waitSeconds >= 0 && waitSeconds <= 60).toBe(true);
    }),
  );
});
