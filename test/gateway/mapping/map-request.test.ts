import fc from 'fast-check';
import { buildToolRouter } from '../../../gateway/mapping/action-router.ts';
import { mapRequest } from '../../../gateway/mapping/map-request.ts';
import { stringifyExact } from '../../../policy/decision/stringify.ts';
import { compileToolContract } from '../../../policy/mapping/contract.ts';
import type { ToolAction } from '../../../policy/resources/types.generated.ts';
import { CONTRACT } from '../listeners/fake-activation.ts';

const router = buildToolRouter(CONTRACT);
const FORM = ['Content-Type', 'application/x-www-form-urlencoded'];
const JSON_TYPE = ['Content-Type', 'application/json'];

function map(method: string, target: string, rawHeaders: string[] = [], body = '', tool = router) {
  return mapRequest(tool, { method, target, rawHeaders, body: Buffer.from(body) });
}

function code(mapped: ReturnType<typeof map>): string {
  return mapped.ok ? `mapped to ${mapped.call.action.name}` : mapped.refusal.code.replace('AEGIS_MAPPING_', '');
}

function params(mapped: ReturnType<typeof map>): unknown {
  if (!mapped.ok) throw new Error(`${mapped.refusal.code} ${mapped.refusal.message}`);
  return JSON.parse(stringifyExact(mapped.call.params));
}

function tool(actions: ToolAction[]) {
  return buildToolRouter(compileToolContract('t', { protocol: 'HTTP', upstream: { url: 'http://t' }, actions }));
}

function post(parameters: NonNullable<ToolAction['parameters']>, more: Partial<ToolAction> = {}) {
  return tool([{ name: 'a', effect: 'write', match: { method: 'POST', path: '/a' }, parameters, ...more }]);
}

test('the worked example: minor units become units, the currency its upper case', () => {
  const mapped = map('POST', '/v1/payment_intents', FORM, 'amount=4999&currency=usd&metadata[memo]=a+b%26c');
  expect(params(mapped)).toEqual({ amount: 49.99, currency: 'USD', memo: 'a b&c' });
  if (mapped.ok) expect(mapped.call.target).toBe('/v1/payment_intents');
});

test.each([
  ['amount=4999&currency=jpy', 4999],
  ['amount=4999&currency=KWD', 4.999],
  ['amount=5&currency=eur', 0.05],
  ['amount=-5&currency=eur', -0.05],
  ['amount=0&currency=eur', 0],
  ['amount=500000000000000000&currency=usd', 5_000_000_000_000_000],
])('%s is %s', (body, amount) => {
  expect(params(map('POST', '/v1/payment_intents', FORM, body))).toMatchObject({ amount });
});

test.each([
  ['4999abc'],
  ['1e5'],
  ['+4999'],
  ['%204999'],
  ['4999%20'],
  ['0x10'],
  ['%2B5'],
  [''],
  ['NaN'],
  ['Infinity'],
  ['-0'],
  ['007'],
  ['4999.0'],
  ['4,999'],
  ['1_000'],
  ['٤٩٩٩'.split('').map(encodeURIComponent).join('')],
  ['9'.repeat(19)],
  ['--5'],
  ['5n'],
])('amount=%s is no integer', (text) => {
  expect(code(map('POST', '/v1/payment_intents', FORM, `amount=${text}&currency=usd`))).toBe('MISTYPED');
});

test.each([
  ['', 'MISTYPED'],
  ['&currency=zzz', 'MISTYPED'],
  ['&currency=%C5%BFgd', 'MISTYPED'],
  ['&currency=us', 'MISTYPED'],
])('an amount with the currency "%s" is no amount', (currency, expected) => {
  expect(code(map('POST', '/v1/payment_intents', FORM, `amount=1${currency}`))).toBe(expected);
});

test('only plain decimal text ever becomes a number', () => {
  const numbers = post({ n: { in: 'form', type: 'number' }, i: { in: 'form', type: 'integer' } });
  const alphabet = fc.string({ unit: fc.constantFrom(...'0123456789-+.eExXnN_, \t'), maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom('n', 'i'), fc.oneof(alphabet, fc.string()), (name, text) => {
      const mapped = map('POST', '/a', FORM, `${name}=${encodeURIComponent(text.toWellFormed())}`, numbers);
      if (!mapped.ok) return;
      const value = Number(stringifyExact(mapped.call.params[name]));
      expect(Number.isFinite(value)).toBe(true);
      expect(text).toMatch(name === 'i' ? /^-?[0-9]+$/ : /^-?[0-9]+(\.[0-9]+)?$/);
      expect(value).toBe(Number(text));
    }),
    { numRuns: 5000 },
  );
});

test('scaling is exact for every integer', () => {
  const amounts = fc.bigInt({ min: -(10n ** 17n), max: 10n ** 17n });
  fc.assert(
    fc.property(
      amounts,
      fc.constantFrom(['USD', 2], ['JPY', 0], ['BHD', 3], ['CLF', 4]),
      (amount, [currency, digits]) => {
        const mapped = map('POST', '/v1/payment_intents', FORM, `amount=${amount}&currency=${currency}`);
        if (!mapped.ok) throw new Error(mapped.refusal.message);
        const text = stringifyExact(mapped.call.params.amount);
        const [whole = '', fraction = ''] = text.replace('-', '').split('.');
        const back = BigInt(whole + fraction.padEnd(digits as number, '0')) * (text.startsWith('-') ? -1n : 1n);
        expect(text).not.toMatch(/e/);
        expect(back).toBe(amount);
      },
    ),
  );
});

describe('fields', () => {
  const target = '/v1/payment_intents';
  test.each([
    ['amount=1&amount=2&currency=usd', 'DUPLICATE'],
    ['amount=1&%61mount=2&currency=usd', 'DUPLICATE'],
    ['amount=1&currency=usd&confirm=true', 'UNDECLARED'],
    ['amount=1&currency=usd&Amount=5', 'UNDECLARED'],
    ['amount=1&currency=usd&_method=DELETE', 'HEADER'],
    ['amount=1;currency=usd', 'ENCODING'],
    ['amount=1&currency=usd&=x', 'ENCODING'],
    ['amount=1&currency=usd&metadata[memo]=%00', 'ENCODING'],
    ['amount=1&currency=usd&metadata[memo]=%ff', 'ENCODING'],
    ['amount=1&currency=usd&%2561mount=5', 'ENCODING'],
  ])('the form %s is refused as %s', (body, expected) => {
    expect(code(map('POST', target, FORM, body))).toBe(expected);
  });

  test('a declared parameter in the wrong place is undeclared there', () => {
    expect(code(map('POST', `${target}?amount=1`, FORM, 'currency=usd'))).toBe('UNDECLARED');
  });

  test('a read lets undeclared fields pass, unless they pass for a declared one', () => {
    const search = '/v1/payment_intents/search?query=x';
    expect(params(map('GET', `${search}&limit=3&expand[]=a&expand[]=b`))).toEqual({ query: 'x' });
    for (const more of ['&QUERY=y', '&query[]=y', '&query[a]=y'])
      expect(code(map('GET', search + more))).toBe('DUPLICATE');
    expect(code(map('GET', `${search}&limit=1&limit=2`))).toBe('DUPLICATE');
    expect(code(map('GET', '/v1/payment_intents/search'))).toBe('MISSING');
  });

  test.each([
    [['X-HTTP-Method-Override', 'DELETE'], 'HEADER'],
    [['X_HTTP_Method_Override', 'DELETE'], 'HEADER'],
    [['X-Original-URL', '/v1/refunds'], 'HEADER'],
    [['Content-Type', 'application/json'], 'CONTENT_TYPE'],
    [['Content_Type', 'application/json'], 'HEADER'],
    [['Content-Encoding', 'gzip'], 'CONTENT_TYPE'],
    [['X-A', 'a\u0001b'], 'ENCODING'],
  ])('the header %s is refused', (header, expected) => {
    expect(code(map('POST', target, [...FORM, ...header], 'amount=1&currency=usd'))).toBe(expected);
  });

  test.each([
    ['application/json', '{"amount":1}'],
    ['text/plain', 'amount=1&currency=usd'],
    ['application/x-www-form-urlencoded; charset=utf-7', 'amount=1&currency=usd'],
    ['application/x-www-form-urlencoded; charset', 'amount=1&currency=usd'],
    ['multipart/form-data; boundary=x', '--x--'],
    ['', 'amount=1&currency=usd'],
  ])('a body of type "%s" is not expected', (type, body) => {
    expect(code(map('POST', target, ['content-type', type], body))).toBe('CONTENT_TYPE');
  });

  test('size has a bound', () => {
    expect(code(map('POST', target, FORM, `metadata[memo]=${'a'.repeat(1024 * 1024)}`))).toBe('TOO_LARGE');
    expect(code(map('POST', target, FORM, 'a=1&'.repeat(1001)))).toBe('TOO_LARGE');
  });
});

describe('JSON bodies', () => {
  const target = '/v1/accounts/acct_1/transfers';
  const send = (body: string) => map('POST', target, JSON_TYPE, body);

  test('pointers and types', () => {
    const mapped = send('{"transfer":{"amount":12.50,"to":"x"},"tags":["a"]}');
    expect(params(mapped)).toEqual({ account: 'acct_1', amount: 12.5, to: 'x', tags: ['a'] });
    const exact = send('{"transfer":{"amount":1234567890.12345678}}');
    expect(exact.ok && stringifyExact(exact.call.params.amount)).toBe('1234567890.12345678');
  });

  test.each([
    ['{"transfer":{"amount":"12"}}', 'MISTYPED'],
    ['{"transfer":{"amount":null}}', 'MISTYPED'],
    ['{"transfer":{"amount":[1]}}', 'MISTYPED'],
    ['{"transfer":5}', 'MISTYPED'],
    ['{"transfer":{"amount":1e999}}', 'MISTYPED'],
    ['{"transfer":{"amount":1,"to":5}}', 'MISTYPED'],
    ['{"tags":["a",1]}', 'MISTYPED'],
    ['[]', 'mapped to transfer'],
    ['"x"', 'MISTYPED'],
    ['{"transfer":{"amount":1,"amount":2}}', 'DUPLICATE'],
    ['{"transfer":{"amount":1,"\\u0061mount":2}}', 'DUPLICATE'],
    ['{"transfer":{"amount":1,"Amount":2}}', 'DUPLICATE'],
    ['{"transfer":{"amount":1,"fee":2}}', 'UNDECLARED'],
    ['{"extra":1}', 'UNDECLARED'],
    ['{"transfer":{"amount":01}}', 'MISTYPED'],
    ['{"transfer":{"amount":NaN}}', 'BODY'],
    ['{"transfer":{"to":"\\ud800"}}', 'BODY'],
    ['{"transfer":{"to":"a\\u0000"}}', 'ENCODING'],
    ['{"transfer":{"amount":1}', 'BODY'],
    ['{"transfer":{"amount":1}} {}', 'BODY'],
    ['\ufeff{}', 'BODY'],
    ['{"__proto__":{"transfer":{"amount":1}}}', 'BODY'],
  ])('%s → %s', (body, expected) => {
    expect(code(send(body))).toBe(expected);
  });

  test('depth has a bound', () => expect(code(send('['.repeat(100_000)))).toBe('BODY'));

  test('a decimal string with role amount is a number for policies', () => {
    const paypal = post({ amount: { in: 'json', type: 'string', role: 'amount', pointer: '/amount/value' } });
    expect(params(map('POST', '/a', JSON_TYPE, '{"amount":{"value":"10.00"}}', paypal))).toEqual({ amount: 10 });
    expect(code(map('POST', '/a', JSON_TYPE, '{"amount":{"value":10}}', paypal))).toBe('MISTYPED');
    expect(code(map('POST', '/a', JSON_TYPE, '{"amount":{"value":"1e3"}}', paypal))).toBe('MISTYPED');
  });
});

test('formats, booleans, headers and lists', () => {
  const formats = post({
    url: { in: 'form', type: 'string', format: 'uri' },
    host: { in: 'form', type: 'string', format: 'host' },
    ip: { in: 'form', type: 'string', format: 'ip' },
    path: { in: 'form', type: 'string', format: 'path' },
    on: { in: 'form', type: 'boolean' },
    list: { in: 'form', type: 'array', items: 'integer', name: 'list[]' },
    key: { in: 'header', type: 'string', name: 'Idempotency-Key' },
  });
  const good = 'url=https%3A%2F%2Fa.example%2Fx&host=a.example&ip=::1&path=/a/b&on=true&list[]=1&list[]=2';
  expect(params(map('POST', '/a', [...FORM, 'IDEMPOTENCY-KEY', 'k'], good, formats))).toEqual({
    url: 'https://a.example/x',
    host: 'a.example',
    ip: '::1',
    path: '/a/b',
    on: true,
    list: [1, 2],
    key: 'k',
  });
  for (const bad of ['url=//a', 'url=https://a@b', 'host=a+b', 'ip=1', 'path=/a/../b', 'on=1', 'on=True', 'list[]=x']) {
    expect(code(map('POST', '/a', FORM, bad, formats))).toBe('MISTYPED');
  }
  expect(code(map('POST', '/a', ['idempotency-key', 'k', 'idempotency-key', 'l'], '', formats))).toBe('DUPLICATE');
});

test('nothing that a client sends makes the mapping throw', () => {
  const bytes = fc.uint8Array({ maxLength: 64 });
  const types = fc.constantFrom('application/json', 'application/x-www-form-urlencoded', 'x', '');
  fc.assert(
    fc.property(fc.string(), fc.string(), types, bytes, fc.boolean(), (method, path, type, body, known) => {
      const target = known ? '/v1/payment_intents' : path;
      mapRequest(router, {
        method: known ? 'POST' : method,
        target,
        rawHeaders: ['content-type', type, 'x', path],
        body,
      });
    }),
    { numRuns: 2000 },
  );
});
