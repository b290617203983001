/** A changed parameter changes its own bytes and no others. */
import fc from 'fast-check';
import type { ToolRouter } from '../../../gateway/mapping/action-router.ts';
import { mapRequest, type RawRequest } from '../../../gateway/mapping/map-request.ts';
import { rewriteRequest } from '../../../gateway/mapping/rewrite-request.ts';
import { FORM, JSON_TYPE, MULTIPART, post } from './support.ts';

function rewrite(router: ToolRouter, request: RawRequest, change: Record<string, unknown>) {
  const mapped = mapRequest(router, request);
  if (!mapped.ok) throw new Error(`${mapped.refusal.code} ${mapped.refusal.message}`);
  const wanted = { ...mapped.call.params, ...change };
  const rewritten = rewriteRequest(router, request, mapped.call, wanted);
  if (rewritten === undefined) return undefined;
  const again = mapRequest(router, rewritten.request);
  expect(again.ok && { ...again.call.params }).toEqual(
    Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)),
  );
  return rewritten.request;
}

const body = (router: ToolRouter, rawHeaders: string[], text: string, change: Record<string, unknown>) => {
  const request = rewrite(router, { method: 'POST', target: '/a', rawHeaders, body: Buffer.from(text) }, change);
  return request?.body === undefined ? undefined : Buffer.from(request.body).toString();
};

describe('JSON', () => {
  const router = post(
    {
      to: { in: 'json', type: 'string', pointer: '/p/to' },
      n: { in: 'json', type: 'number', pointer: '/p/n' },
      k: { in: 'json', type: 'string', pointer: '/a~1b~0/"k"' },
      second: { in: 'json', type: 'string', pointer: '/list/1' },
    },
    { undeclared: 'Allow' },
  );
  const change = (text: string, params: Record<string, unknown>) => body(router, JSON_TYPE, text, params);
  const space = fc.string({ unit: fc.constantFrom(' ', '\n', '\t', '\r'), maxLength: 3 });
  const values = [
    '1.0',
    '1e2',
    '-0.50',
    '12345678901234567',
    '"\\u00e4\\/"',
    '"a,]}"',
    '[ 1 , {"x":"}"} ]',
    '{ }',
    '[]',
    'true',
    'null',
  ];
  const others = fc.uniqueArray(fc.tuple(fc.constantFrom('q', 'r', 's\\u0074', 'u'), fc.constantFrom(...values)), {
    selector: ([name]) => name,
    maxLength: 4,
  });
  const member = (name: string, value: string, [a, b, c]: readonly string[]) => `"${name}"${a}:${b}${value}${c}`;

  test('other members keep their bytes, whatever is changed, added or left out', () => {
    const spaces = fc.tuple(space, space, space);
    fc.assert(
      fc.property(
        others,
        others,
        spaces,
        spaces,
        fc.string({ unit: 'binary', maxLength: 8 }),
        (left, right, outer, inner, text) => {
          const before = left.map(([name, value]) => member(`l${name}`, value, outer));
          const after = right.map(([name, value]) => member(`r${name}`, value, inner));
          const wrap = (middle: string[]) =>
            `${outer[0]}{"x":1.50,${outer[1]}"p":${inner[0]}{${inner[1]}${[...before, ...middle, ...after].join(`,${outer[2]}`)}},"y":[1.0]}${outer[0]}`;
          const original = wrap([member('to', '"old"', inner)]);
          if (text !== 'old') {
            const changed = change(original, { to: text });
            if (changed !== undefined) expect(changed).toBe(wrap([member('to', JSON.stringify(text), inner)]));
          }
          const dropped = change(original, { to: undefined });
          expect(dropped).toBeDefined();
          for (const each of [...before, ...after]) expect(dropped).toContain(each.trimEnd());
          expect(dropped).not.toContain('"old"');
          const added = change(original, { n: 2 });
          expect(added).toBe(original.replace(/[ \n\t\r]*\},"y"/, (end) => `,"n":2${end}`));
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['{"p":{"n":1.0}}', { n: 2.5 }, '{"p":{"n":2.5}}'],
    ['{}', { to: 'a' }, '{"p":{"to":"a"}}'],
    ['{ }', { to: 'a' }, '{"p":{"to":"a"} }'],
    ['{"p":{}}', { to: 'a' }, '{"p":{"to":"a"}}'],
    ['{"p":{"to":"a"}}', { to: undefined }, '{"p":{}}'],
    ['{"p":{"x":1.0, "to":"a" ,"y":2}}', { to: undefined }, '{"p":{"x":1.0, "y":2}}'],
    ['{"p":{"x":1.0, "to":"a" }}', { to: undefined }, '{"p":{"x":1.0 }}'],
    ['{"a/b~":{"\\"k\\"":"v"}}', { k: 'w' }, '{"a/b~":{"\\"k\\"":"w"}}'],
    ['{"a\\/b\\u007e":{"\\"k\\"":"v"}}', { k: 'w' }, '{"a\\/b\\u007e":{"\\"k\\"":"w"}}'],
    ['{"list":[ "a" , "b" ]}', { second: 'c' }, '{"list":[ "a" , "c" ]}'],
    ['{"list":[ "a" , "b" ]}', { second: undefined }, '{"list":[ "a" ]}'],
  ])('%s with %j', (text, params, expected) => {
    expect(change(text, params)).toBe(expected);
  });

  test.each<[string, Record<string, unknown>]>([
    ['{"list":["a"]}', { second: 'c' }],
    ['{"list":["a","b","c"]}', { second: undefined }],
    ['[]', { to: 'a' }],
  ])('%s with %j cannot be written', (text, params) => {
    expect(change(text, params)).toBeUndefined();
  });
});

describe('forms and queries', () => {
  const parameters = (place: 'form' | 'query') =>
    ({
      to: { in: place, type: 'string', name: 'x[to]' },
      n: { in: place, type: 'integer' },
      l: { in: place, type: 'array', items: 'string' },
      m: { in: place, type: 'object' },
    }) as const;
  const form = post(parameters('form'), { undeclared: 'Allow' });
  const query = post(parameters('query'), { undeclared: 'Allow' });
  const both = (text: string, change: Record<string, unknown>) => {
    const written = body(form, FORM, text, change);
    const request = rewrite(query, { method: 'POST', target: `/a?${text}`, rawHeaders: [], body: undefined }, change);
    expect(request?.target).toBe(written === undefined ? undefined : written === '' ? '/a' : `/a?${written}`);
    return written;
  };

  test('other fields keep their bytes', () => {
    const other = fc.tuple(
      fc.constantFrom('%61', 'b[]', 'c%5B%5d', 'd', 'e+e'),
      fc.constantFrom('', '=', '=%7e', '=a+b', '=%20', '==', '=%E2%82%AC'),
    );
    const others = fc.uniqueArray(other, { selector: ([name]) => name, maxLength: 4 });
    fc.assert(
      fc.property(
        others,
        others,
        fc.constantFrom('x[to]', 'x%5Bto%5D', '%78[to]'),
        fc.string({ unit: 'binary', maxLength: 8 }),
        (left, right, name, text) => {
          const before = left.map(([key, value]) => `l${key}${value}`);
          const after = right.map(([key, value]) => `${key}r${value}`);
          const original = [...before, `${name}=%6fld`, ...after].join('&');
          const encoded = encodeURIComponent(text.toWellFormed()).replaceAll('%20', '+');
          if (text !== 'old') {
            const changed = both(original, { to: text });
            if (changed !== undefined) expect(changed).toBe([...before, `${name}=${encoded}`, ...after].join('&'));
          }
          expect(both(original, { to: undefined })).toBe([...before, ...after].join('&'));
          expect(both(original, { n: 5 })).toBe(`${original}&n=5`);
        },
      ),
      { numRuns: 500 },
    );
  });

  test.each([
    ['l=%61&q=1&l=b', { l: ['a', 'c'] }, 'l=%61&q=1&l=c'],
    ['l=a&q=1&l=b', { l: ['z'] }, 'l=z&q=1'],
    ['l=a&q=1', { l: ['a', 'b'] }, 'l=a&l=b&q=1'],
    ['l[0]=a&q=1&l[1]=b', { l: ['a', 'z'] }, 'l[0]=a&q=1&l[1]=z'],
    ['l[0]=a&q=1&l[1]=b', { l: ['z'] }, 'l[0]=z&q=1'],
    ['m[a]=1&q=%31&m[b][c]=2', { m: undefined }, 'q=%31'],
    ['n=1&&q', { n: 2 }, 'n=2&&q'],
    ['n=1', { n: undefined }, ''],
  ])('%s with %j', (text, change, expected) => {
    expect(both(text, change)).toBe(expected);
  });

  test.each<[string, Record<string, unknown>]>([
    ['m[a]=1', { m: { a: '2' } }],
    ['m[a]=1', { m: '[REDACTED]' }],
    ['l[0]=a', { l: ['a', 'b'] }],
    ['n=1', { n: 'x' }],
  ])('%s with %j cannot be written', (text, change) => {
    expect(both(text, change)).toBeUndefined();
  });
});

describe('multipart', () => {
  const router = post({ to: { in: 'multipart', type: 'string' } }, { undeclared: 'Allow' });

  test('other parts keep their bytes', () => {
    const part = fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.uint8Array({ maxLength: 12 }), fc.boolean());
    const parts = fc.uniqueArray(part, { selector: ([name]) => name, maxLength: 3 });
    const bytes = (prefix: string, list: [string, Uint8Array, boolean][]) =>
      list.map(([name, content, file]) =>
        Buffer.concat([
          Buffer.from(
            `--b\r\ncontent-disposition:form-data; name="${prefix}${name}"${file ? '; filename="f"' : ''}\r\n\r\n`,
          ),
          content,
          Buffer.from('\r\n'),
        ]),
      );
    fc.assert(
      fc.property(parts, parts, fc.string({ unit: 'binary', maxLength: 8 }), (left, right, text) => {
        const own = (value: string) =>
          Buffer.from(`--b\r\nContent-Disposition: form-data;name="to"\r\n\r\n${value}\r\n`);
        const wrap = (middle: Buffer[]) =>
          Buffer.concat([...bytes('l', left), ...middle, ...bytes('r', right), Buffer.from('--b--\r\n')]);
        const request = { method: 'POST', target: '/a', rawHeaders: MULTIPART, body: wrap([own('old')]) };
        const changed = rewrite(router, request, { to: text })?.body;
        if (changed !== undefined) expect(Buffer.compare(Buffer.from(changed), wrap([own(text)]))).toBe(0);
        const dropped = rewrite(router, request, { to: undefined })?.body;
        expect(Buffer.compare(Buffer.from(dropped ?? []), wrap([]))).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});

describe('headers', () => {
  const router = post({
    account: { in: 'header', type: 'string', name: 'Stripe-Account' },
    type: { in: 'header', type: 'string', name: 'Content-Type' },
    to: { in: 'form', type: 'string' },
  });
  const raw = ['A', '1', 'STRIPE-Account', ' x ', ...FORM, 'a', '2'];
  const headers = (change: Record<string, unknown>, rawHeaders = raw) =>
    rewrite(router, { method: 'POST', target: '/a', rawHeaders, body: Buffer.from('to=a') }, change)?.rawHeaders;

  test('only the changed one changes; order, case and repetitions stay', () => {
    expect(headers({ account: 'y' })).toEqual(['A', '1', 'STRIPE-Account', 'y', ...FORM, 'a', '2']);
    expect(headers({ account: undefined })).toEqual(['A', '1', ...FORM, 'a', '2']);
    expect(headers({ account: 'y' }, FORM)).toEqual([...FORM, 'stripe-account', 'y']);
  });

  test.each([
    ['a line break', { account: 'a\r\nX: y' }],
    ['outer white space', { account: ' y' }],
    ['what is not ASCII', { account: 'ä' }],
    ['the type of the body', { type: 'application/json' }],
  ])('%s cannot be written', (_, change) => {
    expect(headers(change)).toBeUndefined();
  });
});
