/**
 * What the gateway decides on is what the tool will read: whatever is accepted, other parsers (WHATWG URL, JSON.parse,
 * undici's form data) find the same values in the bytes that are forwarded.
 */
import fc from 'fast-check';
import { mapRequest } from '../../../gateway/mapping/map-request.ts';
import { stringifyExact } from '../../../policy/decision/stringify.ts';
import { FORM, JSON_TYPE, MULTIPART, post, tool } from './support.ts';

const plain = (value: unknown): unknown => JSON.parse(stringifyExact(value ?? null));

/** Fragments that meet, glued together, every way in which such texts go wrong. */
function texts(fragments: readonly string[], maxLength: number): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...fragments), { maxLength }).map((parts) => parts.join(''));
}

describe.each([false, true])('undeclared fields pass: %s', (open) => {
  const more = { undeclared: open ? ('Allow' as const) : ('Refuse' as const) };
  const fields = { a: 'string', n: 'integer', 'x[y]': 'string' } as const;

  function expectRead(read: URLSearchParams, params: Record<string, unknown>): void {
    for (const [name, type] of Object.entries(fields)) {
      const values = read.getAll(name);
      const expected = type === 'integer' ? values.map(Number) : values;
      expect([params[name]].filter((value) => value !== undefined)).toEqual(expected);
    }
    if (!open) for (const name of read.keys()) expect(Object.keys(fields)).toContain(name);
  }

  test('forms and queries', () => {
    const of = (place: 'form' | 'query') =>
      Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, { in: place, type }]));
    const routers = { form: post(of('form'), more), query: post(of('query'), more) };
    const fragments = [
      'a',
      'n',
      'x[y]',
      'x%5By%5D',
      'x[',
      'y]',
      'A',
      '=',
      '=',
      '=1',
      '=b',
      '&',
      '&',
      ';',
      '+',
      '%',
      '%61',
      '%25',
      '%3D',
      '%26',
      '%00',
      '%ff',
      '%C3%A4',
      '[]',
      '.',
      '0',
      '-',
      '1e3',
    ];
    let accepted = 0;
    fc.assert(
      fc.property(fc.constantFrom('form', 'query'), texts(fragments, 9), (place, text) => {
        const request =
          place === 'form'
            ? { method: 'POST', target: '/a', rawHeaders: FORM, body: Buffer.from(text) }
            : { method: 'POST', target: `/a?${text}`, rawHeaders: [], body: undefined };
        const mapped = mapRequest(routers[place as 'form'], request);
        if (!mapped.ok) return;
        accepted++;
        const forwarded = place === 'form' ? text : (mapped.call.target.split('?')[1] ?? '');
        expectRead(new URLSearchParams(forwarded), mapped.call.params);
      }),
      { numRuns: 8000 },
    );
    expect(accepted).toBeGreaterThan(80);
  });

  test('JSON', () => {
    const router = post(
      {
        a: { in: 'json', type: 'string' },
        n: { in: 'json', type: 'number', pointer: '/o/n' },
        l: { in: 'json', type: 'array' },
      },
      more,
    );
    const fragments = [
      '{',
      '}',
      '{"a":"',
      '"',
      '",',
      '"a"',
      ':',
      ',',
      '"o":{"n":',
      '"n":',
      '"l":[',
      ']',
      '1',
      '-1.50',
      '1e2',
      '01',
      '\\u0061',
      '\\n',
      '\u0000',
      ' ',
      '\n',
      'null',
      'true',
      '"x":{}',
      '"A":1',
      '{"o":{"n":1}}',
      '{"a":"b"}',
      '{"l":[1,{"a":2}]}',
    ];
    let accepted = 0;
    fc.assert(
      fc.property(texts(fragments, 8), (text) => {
        const mapped = mapRequest(router, {
          method: 'POST',
          target: '/a',
          rawHeaders: JSON_TYPE,
          body: Buffer.from(text),
        });
        if (!mapped.ok || text === '') return;
        accepted++;
        const read = JSON.parse(text) as { a?: unknown; o?: { n?: unknown }; l?: unknown };
        const { a, n, l } = mapped.call.params;
        expect(plain({ a, n, l })).toEqual(plain({ a: read.a, n: read.o?.n, l: read.l }));
      }),
      { numRuns: 8000 },
    );
    expect(accepted).toBeGreaterThan(80);
  });

  test('multipart', async () => {
    const router = post(
      { a: { in: 'multipart', type: 'string' }, f: { in: 'multipart', type: 'string', format: 'binary' } },
      more,
    );
    const header = 'Content-Disposition: form-data; ';
    const fragments = [
      '--b\r\n',
      `--b\r\n${header}name="a"\r\n\r\n`,
      `--b\r\n${header}name="f"; filename="f"\r\n\r\n`,
      '--b--',
      '--b--\r\n',
      '\r\n',
      '\r\n',
      '\n',
      header,
      'name="a"',
      'name="x"',
      '; filename="f"',
      'Content-Type: text/plain\r\n',
      'v',
      'ä',
      '--',
      '--b',
      '\r\n\r\n',
    ];
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(texts(fragments, 9), async (text) => {
        const body = Buffer.from(text);
        const mapped = mapRequest(router, { method: 'POST', target: '/a', rawHeaders: MULTIPART, body });
        if (!mapped.ok || text === '') return;
        accepted++;
        const read = await new Response(body, {
          headers: { 'content-type': 'multipart/form-data; boundary=b' },
        }).formData();
        expect(read.getAll('a')).toEqual([mapped.call.params.a].filter((value) => value !== undefined));
        const names = read.getAll('f').map((file) => (file as File).name);
        expect(names).toEqual([mapped.call.params.f].filter((value) => value !== undefined));
      }),
      { numRuns: 8000 },
    );
    expect(accepted).toBeGreaterThan(40);
  });
});

test('paths', () => {
  const router = tool([
    { name: 'one', effect: 'read', match: { method: 'GET', path: '/v1/{id}' } },
    { name: 'rest', effect: 'read', match: { method: 'GET', path: '/files/{name}/{path...}' } },
    { name: 'fixed', effect: 'read', match: { method: 'GET', path: '/v1/fixed' } },
  ]);
  const fragments = [
    '/',
    '/v1',
    '/files',
    '/fixed',
    'a',
    'B',
    '.',
    '..',
    '%2e',
    '%2F',
    '%5c',
    '%25',
    '%61',
    '%C3%A4',
    '%00',
    '%20',
    ';',
    '\\',
    '?',
    'x=1',
    '#',
    '~',
    ':',
    '@',
    '%',
    '//',
  ];
  let accepted = 0;
  fc.assert(
    fc.property(fc.constantFrom('', '/v1/', '/files/'), texts(fragments, 6), (start, rest) => {
      const target = start + rest;
      const mapped = mapRequest(router, { method: 'GET', target, rawHeaders: [], body: undefined });
      if (!mapped.ok) return;
      accepted++;
      const { action, params, target: forwarded } = mapped.call;
      const url = new URL(forwarded, 'http://t');
      expect(url.href).toBe(`http://t${forwarded}`);
      const read = url.pathname.split('/').slice(1).map(decodeURIComponent);
      // in the rest of a path an encoded slash is a slash
      const segments = action.name === 'rest' ? read.flatMap((each, at) => (at < 2 ? each : each.split('/'))) : read;
      if (action.name === 'one') expect(segments).toEqual(['v1', params.id]);
      else if (action.name === 'fixed') expect(segments).toEqual(['v1', 'fixed']);
      else expect(segments).toEqual(['files', params.name, ...String(params.path).split('/')]);
      for (const segment of segments) expect(segment).not.toMatch(/^\.{0,2}$|[/\\]|%[0-9a-f]{2}/i);
      expect(mapRequest(router, { method: 'GET', target: forwarded, rawHeaders: [], body: undefined })).toEqual(mapped);
    }),
    { numRuns: 8000 },
  );
  expect(accepted).toBeGreaterThan(40);
});
