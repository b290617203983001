import fc from 'fast-check';
import { jsonMembers } from '../../../gateway/activation/json-members.ts';
import { canonicalJson } from '../../../policy/bundle/canonical-json.ts';

test('keeps the spelling of every value', () => {
  const members = jsonMembers('{"a":{"n":1.50,"s":"}\\",{"},"b":[1,{"c":2}],"c":12345678901234567890}');
  expect([...(members ?? [])]).toEqual([
    ['a', '{"n":1.50,"s":"}\\",{"}'],
    ['b', '[1,{"c":2}]'],
    ['c', '12345678901234567890'],
  ]);
});

test.each(['', '[]', '"a"', '{"a":1', '{"a"1}', '{a:1}', 'null'])('%s is no object', (text) => {
  expect(jsonMembers(text)).toBeNull();
});

test('splits every canonical object into what JSON.parse reads', () => {
  const value = fc.jsonValue({ noUnicodeString: false } as fc.JsonSharedConstraints);
  fc.assert(
    fc.property(fc.dictionary(fc.string(), value, { noNullPrototype: true }), (object) => {
      const plain = JSON.parse(JSON.stringify(object).replaceAll('-0', '0')) as Record<string, unknown>;
      let text: string;
      try {
        text = canonicalJson(plain);
      } catch {
        return; // not every JavaScript value has a canonical form
      }
      const members = jsonMembers(text);
      const read = Object.fromEntries([...(members ?? [])].map(([name, raw]) => [name, JSON.parse(raw)]));
      expect(read).toEqual(JSON.parse(text));
    }),
  );
});
