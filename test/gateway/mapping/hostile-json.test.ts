import { code, expectRefused, map, params, post } from './support.ts';

const PARAMETERS = {
  amount: { in: 'json', type: 'integer', pointer: '/payment/amount' },
  to: { in: 'json', type: 'string', pointer: '/payment/to' },
  price: { in: 'json', type: 'string', role: 'amount' },
  tags: { in: 'json', type: 'array', items: 'string' },
  first: { in: 'json', type: 'string', pointer: '/list/0/id' },
  raw: { in: 'json', type: 'object' },
} as const;
const shut = post(PARAMETERS);
const open = post(PARAMETERS, { undeclared: 'Allow' });
const send = (body: string | Uint8Array, router = shut, type = 'application/json') =>
  map(router, 'POST', '/a', ['Content-Type', type], body);

test('the plain form is accepted', () => {
  const body = '{"payment":{"amount":1,"to":"a"},"tags":["x"],"list":[{"id":"i"}],"raw":{"any":[1,{"a":null}]}}';
  expect(params(send(body))).toEqual({
    amount: 1,
    to: 'a',
    tags: ['x'],
    first: 'i',
    raw: { any: [1, { a: null }] },
  });
  expect(code(send('{}', shut, 'application/vnd.api+json; charset="utf-8"'))).toBe('mapped to a');
});

test.each([
  ['a member twice', '{"payment":{"amount":1,"amount":2}}'],
  ['a member twice, once escaped', '{"payment":{"amount":1,"\\u0061mount":2}}'],
  ['a member twice with the same value', '{"payment":{"to":"a","to":"a"}}'],
  ['an object twice', '{"payment":{"amount":1},"payment":{"amount":2}}'],
  ['a member twice in what no parameter reads', '{"raw":{"a":1,"a":2}}'],
  ['the prototype', '{"__proto__":{"payment":{"amount":1}}}'],
  ['the prototype inside', '{"payment":{"__proto__":{"amount":1}}}'],
  ['an escaped prototype', '{"\\u005f_proto__":{}}'],
  ['a member in upper case', '{"payment":{"Amount":1}}'],
  ['a member with a space', '{"payment":{"amount ":1}}'],
  ['a member with a NUL', '{"payment":{"amount\\u0000":1}}'],
  ['a member with a zero width space', '{"payment":{"am\\u200bount":1}}'],
  ['a dotted member', '{"payment.amount":1}'],
  ['a pointer as a member', '{"/payment/amount":1}'],
  ['a member with brackets', '{"payment[amount]":1}'],
  ['an undeclared member', '{"payment":{"fee":1}}'],
  ['an undeclared member at the top', '{"fee":1}'],
  ['a list for an object', '{"payment":[{"amount":1}]}'],
  ['more elements than declared', '{"list":[{"id":"a"},{"id":"b"}]}'],
  ['text for an integer', '{"payment":{"amount":"1"}}'],
  ['a fraction for an integer', '{"payment":{"amount":1.5}}'],
  ['a boolean for an integer', '{"payment":{"amount":true}}'],
  ['null for an integer', '{"payment":{"amount":null}}'],
  ['a list for an integer', '{"payment":{"amount":[1]}}'],
  ['a huge exponent', '{"payment":{"amount":1e999}}'],
  ['too many digits', '{"payment":{"amount":12345678901234567890123}}'],
  ['a number that a double rounds', '{"raw":{"a":0.12345678901234567890}}'],
  ['a leading zero', '{"payment":{"amount":01}}'],
  ['a plus sign', '{"payment":{"amount":+1}}'],
  ['a bare point', '{"payment":{"amount":1.}}'],
  ['a hexadecimal number', '{"payment":{"amount":0x10}}'],
  ['an underscore in a number', '{"payment":{"amount":1_000}}'],
  ['NaN', '{"payment":{"amount":NaN}}'],
  ['Infinity', '{"payment":{"amount":-Infinity}}'],
  ['a number for text', '{"payment":{"to":5}}'],
  ['null for text', '{"payment":{"to":null}}'],
  ['a number for a decimal text', '{"price":10}'],
  ['an exponent in a decimal text', '{"price":"1e3"}'],
  ['a space in a decimal text', '{"price":" 10"}'],
  ['a comma in a decimal text', '{"price":"1,000"}'],
  ['a number in a list of texts', '{"tags":["a",1]}'],
  ['a text for a list', '{"tags":"a"}'],
  ['a list for an object parameter', '{"raw":[]}'],
  ['a text at the top', '"payment"'],
  ['a number at the top', '1'],
  ['null at the top', 'null'],
  ['nothing but space', ' '],
  ['two texts', '{"payment":{"amount":1}}{"payment":{"amount":2}}'],
  ['a text behind the text', '{"payment":{"amount":1}} x'],
  ['lines of JSON', '{"payment":{"amount":1}}\n{"payment":{"amount":2}}'],
  ['an unfinished text', '{"payment":{"amount":1}'],
  ['a trailing comma', '{"payment":{"amount":1,}}'],
  ['a comment', '{"payment":{"amount":1/* */}}'],
  ['a line comment', '{"payment":{"amount":1}//\n}'],
  ['single quotes', "{'payment':{'amount':1}}"],
  ['a bare key', '{payment:{"amount":1}}'],
  ['a prefix against cross-site inclusion', ')]}\'\n{"payment":{"amount":1}}'],
  ['a byte order mark', '\ufeff{"payment":{"amount":1}}'],
  ['half of a surrogate pair', '{"payment":{"to":"\\ud800"}}'],
  ['a reversed surrogate pair', '{"payment":{"to":"\\udc00\\ud800"}}'],
  ['an unknown escape', '{"payment":{"to":"\\x41"}}'],
  ['an incomplete escape', '{"payment":{"to":"\\u00"}}'],
  ['a raw control character', '{"payment":{"to":"a\u0001"}}'],
  ['a raw line break', '{"payment":{"to":"a\nb"}}'],
  ['an escaped NUL', '{"payment":{"to":"a\\u0000b"}}'],
  ['another kind of space', '{\u00a0"payment":{"amount":1}}'],
  ['a vertical tab as space', '{\u000b"payment":{"amount":1}}'],
  ['too many levels', `{"raw":{"a":${'['.repeat(64)}${']'.repeat(64)}}}`],
  ['very many levels', '['.repeat(200_000)],
  ['too many values', `{"raw":{"a":[${'1,'.repeat(60_000)}1]}}`],
])('%s is refused', (_, body) => {
  expectRefused(send(body));
});

test.each([
  '{"payment":{"Amount":1}}',
  '{"payment":{"AMOUNT":1,"amount":2}}',
  '{"payment":{"amount ":1}}',
  '{"payment":{"am_ount":1}}',
  '{"Payment":{"amount":1}}',
  '{"payment[amount]":1}',
  '{"payment.amount":1}',
  '{"payment":5}',
  '{"payment":[{"amount":1}]}',
  '{"_method":"DELETE"}',
])('where undeclared members pass, %s is refused', (body) => {
  expectRefused(send(body, open));
});

test.each([
  ['bytes that are not UTF-8', Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ['UTF-16', Uint8Array.from([0xff, 0xfe, 0x7b, 0, 0x7d, 0])],
  ['UTF-16 without a mark', Uint8Array.from([0x7b, 0, 0x7d, 0])],
  ['an overlong quote', Uint8Array.from([0x7b, 0xc0, 0xa2, 0x7d])],
])('%s is refused', (_, bytes) => {
  expectRefused(send(bytes));
});

test.each([
  'application/json; charset=utf-16',
  'application/json; charset=utf-8; charset=utf-16',
  'application/json, text/plain',
  'application/json;;;charset',
  'application/jsonx',
  'application/json-seq',
  'application/x-ndjson',
  'text/json',
  'application/json\u00a0',
  'application/ json',
  'application',
  '',
])('a body of type "%s" is refused', (type) => {
  expect(code(send('{"payment":{"amount":1}}', shut, type))).toBe('CONTENT_TYPE');
});
