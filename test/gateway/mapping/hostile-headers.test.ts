import { code, expectRefused, FORM, map, params, post } from './support.ts';

const router = post({
  amount: { in: 'form', type: 'integer' },
  account: { in: 'header', type: 'string', name: 'Stripe-Account' },
  depth: { in: 'header', type: 'integer', name: 'Depth' },
});
const send = (...headers: string[]) => map(router, 'POST', '/a', [...FORM, ...headers], 'amount=1');

test('the plain form is accepted, and a value is without its outer white space', () => {
  expect(params(send('stripe-account', ' acct_1\t', 'Depth', '3'))).toEqual({ amount: 1, account: 'acct_1', depth: 3 });
});

test.each([
  ['X-HTTP-Method', 'DELETE'],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['x-http-method-override', 'POST'],
  ['X_HTTP_METHOD_OVERRIDE', 'DELETE'],
  ['X-Method-Override', 'DELETE'],
  ['X-Original-Method', 'DELETE'],
  ['X-Original-URL', '/v1/refunds'],
  ['X-Original-URI', '/v1/refunds'],
  ['X-Override-URL', '/v1/refunds'],
  ['X-Rewrite-URL', '/v1/refunds'],
  ['X_Rewrite_URL', '/v1/refunds'],
  ['X-Forwarded-Prefix', '/admin'],
  ['X-Forwarded-URI', '/admin'],
  ['X-Forwarded_Uri', '/admin'],
  ['Content_Length', '5'],
  ['Content_Type', 'application/json'],
  ['Content-Type', 'application/x-www-form-urlencoded'],
  ['Content-Encoding', 'gzip'],
  ['Content-Encoding', 'GZIP'],
  ['Content-Encoding', 'identity, gzip'],
  ['Content-Encoding', ''],
  ['Transfer_Encoding', 'chunked'],
  ['Stripe_Account', 'acct_2'],
  ['STRIPE_ACCOUNT', 'acct_2'],
  ['Stripe-Account', 'ac\u0000ct'],
  ['Stripe-Account', 'acct\r\nX: y'],
  ['Stripe-Account', 'acct\nX: y'],
  ['Stripe-Account', 'acct\u007f'],
  ['Stripe-Account', 'acct_\u00e9'],
  ['Stripe-Account', '\u20ac'],
  ['Depth', ''],
  ['Depth', '1, 2'],
  ['Depth', '1;q=1'],
  ['Depth', '0x1'],
  ['Depth', '1\u00a0'],
  ['Depth', 'infinity'],
])('%s: %j is refused', (name, value) => {
  expectRefused(send(name, value));
});

test.each([
  ['Content-Length', '8', '9'],
  ['content-length', '8', '8'],
  ['Transfer-Encoding', 'chunked', 'identity'],
  ['Host', 'a', 'b'],
  ['Content-Encoding', 'identity', 'identity'],
  ['Stripe-Account', 'a', 'b'],
  ['stripe-account', 'a', 'a'],
])('%s twice (%s, %s) is refused', (name, first, second) => {
  expectRefused(send(name, first, name.toUpperCase(), second));
});

test.each([
  'application/x-www-form-urlencoded; charset=utf-7',
  'application/x-www-form-urlencoded; charset=iso-8859-1',
  'application/x-www-form-urlencoded; charset=utf-8; charset=utf-16',
  'application/x-www-form-urlencoded; charset',
  'application/x-www-form-urlencoded; =x',
  'application/x-www-form-urlencoded, application/json',
  'application/x-www-form-urlencoded application/json',
  'application/x-www-form-urlencoded; a="b',
  'application/x-www-form-urlencoded; a="b\\""',
  'application/json, application/x-www-form-urlencoded',
  'application/x-www-form-urlencode',
  'application/x-www-form-urlencoded2',
  'multipart/form-data; boundary=x',
  'text/plain',
  'text/plain; application/x-www-form-urlencoded',
  '*/*',
  ';',
  ' ',
])('a form of type "%s" is refused', (type) => {
  expect(code(map(router, 'POST', '/a', ['Content-Type', type], 'amount=1'))).toBe('CONTENT_TYPE');
});

test.each([
  'get',
  'Post',
  'POST ',
  'PO ST',
  'P\u00d6ST',
  'POST\r\n',
  '',
  'A'.repeat(17),
  'M-SEARCH',
  'POST/1',
])('the method %j is refused', (method) => expect(code(map(router, method, '/a', FORM, 'amount=1'))).toBe('HEADER'));

test.each(['TRACE', 'CONNECT', 'PROPFIND', 'HEAD', 'GET', 'OPTIONS', 'PRI'])('the method %s is no action', (method) => {
  expect(code(map(router, method, '/a', FORM, 'amount=1'))).toBe('UNMAPPED');
});
