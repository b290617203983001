import fc from 'fast-check';
import { buildToolRouter } from '../../../gateway/mapping/action-router.ts';
import { mapRequest, type RawRequest } from '../../../gateway/mapping/map-request.ts';
import { rewriteRequest } from '../../../gateway/mapping/rewrite-request.ts';
import { CONTRACT } from '../listeners/fake-activation.ts';

const router = buildToolRouter(CONTRACT);

function request(method: string, target: string, type: string, body: string): RawRequest {
  return { method, target, rawHeaders: type === '' ? [] : ['content-type', type], body: Buffer.from(body) };
}

const FORM = request(
  'POST',
  '/v1/payment_intents',
  'application/x-www-form-urlencoded',
  'amount=999999&metadata[memo]=a+b&currency=usd',
);
const JSON_CALL = request(
  'POST',
  '/v1/accounts/a/transfers',
  'application/json',
  '{"tags":["x"],"transfer":{"amount":1.5,"to":"me"}}',
);
const READ = request('GET', '/v1/payment_intents/search?query=x&limit=3', '', '');

function rewrite(raw: RawRequest, change: Record<string, unknown>) {
  const mapped = mapRequest(router, raw);
  if (!mapped.ok) throw new Error(mapped.refusal.message);
  const rewritten = rewriteRequest(router, raw, mapped.call, { ...mapped.call.params, ...change });
  return rewritten && { target: rewritten.request.target, body: rewritten.request.body?.toString() };
}

test.each([
  [FORM, { amount: 50 }, 'amount=5000&metadata[memo]=a+b&currency=usd'],
  [FORM, { memo: '[REDACTED]' }, 'amount=999999&metadata[memo]=%5BREDACTED%5D&currency=usd'],
  [FORM, { memo: undefined }, 'amount=999999&currency=usd'],
  [FORM, { memo: 'x&amount=1' }, 'amount=999999&metadata[memo]=x%26amount%3D1&currency=usd'],
  [JSON_CALL, { amount: 0.25 }, '{"tags":["x"],"transfer":{"amount":0.25,"to":"me"}}'],
  [JSON_CALL, { to: undefined }, '{"tags":["x"],"transfer":{"amount":1.5}}'],
  [JSON_CALL, { to: 'a"b' }, '{"tags":["x"],"transfer":{"amount":1.5,"to":"a\\"b"}}'],
])('writes the changed parameters only', (raw, change, body) => {
  expect(rewrite(raw, change)?.body).toBe(body);
});

test('path and query are written canonically', () => {
  expect(rewrite(READ, { query: 'a b&c' })?.target).toBe('/v1/payment_intents/search?query=a+b%26c&limit=3');
  expect(rewrite(JSON_CALL, { account: 'b c' })?.target).toBe('/v1/accounts/b%20c/transfers');
});

test.each([
  [FORM, { amount: '[REDACTED]' }],
  [FORM, { amount: 0.001 }],
  [FORM, { currency: 'JPY' }],
  [FORM, { currency: 'ZZZ', amount: 5 }],
  [FORM, { unheard: 1 }],
  [JSON_CALL, { account: '../refunds' }],
  [JSON_CALL, { account: '' }],
  [JSON_CALL, { amount: '1' }],
])('what cannot be written faithfully is refused', (raw, change) => {
  expect(rewrite(raw, change)).toBeUndefined();
});

test('what is forwarded maps to what was decided on', () => {
  const text = fc.string({ unit: 'binary', maxLength: 20 });
  fc.assert(
    fc.property(
      fc.constantFrom(FORM, JSON_CALL),
      fc.option(text),
      fc.integer({ min: 0, max: 10 ** 9 }),
      (raw, memo, cents) => {
        const name = raw === FORM ? 'memo' : 'to';
        const change = { [name]: memo ?? undefined, amount: Number((cents / 100).toFixed(2)) };
        const mapped = mapRequest(router, raw);
        if (!mapped.ok) throw new Error('unmapped');
        const wanted = { ...mapped.call.params, ...change };
        const rewritten = rewriteRequest(router, raw, mapped.call, wanted);
        if (rewritten === undefined) return;
        const again = mapRequest(router, rewritten.request);
        expect(again.ok && JSON.parse(JSON.stringify(again.call.params))).toEqual(JSON.parse(JSON.stringify(wanted)));
      },
    ),
    { numRuns: 2000 },
  );
});
