import fc from 'fast-check';
import { requestHeaders, responseHeaders, responseTrailers } from '../../../gateway/upstream/forward-headers.ts';

const NONE: ReadonlySet<string> = new Set();
const namesOf = (list: readonly string[]) =>
  list.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());

/** Any mixture of cases, and `_` for `-`. */
const spelled = (name: string) =>
  fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: name.length, maxLength: name.length }).map((styles) =>
    [...name]
      .map((letter, index) => {
        const [upper, low] = styles[index] as [boolean, boolean];
        if (letter === '-') return low ? '_' : '-';
        return upper ? letter.toUpperCase() : letter;
      })
      .join(''),
  );

const FORBIDDEN = [
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'expect',
  'forwarded',
  'x-forwarded-for',
  'x-real-ip',
  'aegis-decision-id',
  'x-aegis-agent',
  'x-auth-request-user',
];
const innocent = fc.stringMatching(/^[a-z]{3,8}(?:-[a-z]{3,8})?$/).filter((name) => !FORBIDDEN.includes(name));
const value = fc.stringMatching(/^[a-zA-Z0-9 ;=/]{0,12}$/);

test('what ends at the gateway never passes, however it is spelled', () => {
  const forbidden = fc.constantFrom(...FORBIDDEN).chain(spelled);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.oneof(forbidden, innocent), value), { maxLength: 12 }), (headers) => {
      const { list } = requestHeaders(headers.flat(), { kept: NONE });
      for (const name of namesOf(list)) expect(FORBIDDEN).not.toContain(name.replaceAll('_', '-'));
    }),
  );
});

test('everything else passes in its order, letter for letter, and Connection takes away only what it may', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(innocent, value), { maxLength: 12 }),
      fc.nat(11),
      fc.boolean(),
      (headers, at, keep) => {
        const named = headers[at]?.[0] ?? 'absent';
        const kept = new Set(keep ? [named] : []);
        const raw = [
          ...headers,
          ['Connection', `close, ${named.toUpperCase()}, authorization`],
          ['Authorization', 'a'],
        ];
        const { list } = requestHeaders(raw.flat(), { kept });
        const expected = headers.filter(([name]) => keep || name !== named);
        expect(list).toEqual([...expected, ['Authorization', 'a']].flat());
      },
    ),
  );
});

test('trailers are wanted by that word only', () => {
  const wanted = (te: string) => requestHeaders(['TE', te], { kept: NONE }).trailers;
  for (const te of ['trailers', 'Trailers', 'deflate;q=0.5, trailers', 'trailers;q=1'])
    expect([te, wanted(te)]).toEqual([te, true]);
  for (const te of ['', 'deflate', 'xtrailers', 'trailersx', 'no trailers'])
    expect([te, wanted(te)]).toEqual([te, false]);
});

test('a header that the gateway sets, and those withheld, do not pass; the length of a streamed body does', () => {
  const raw = [
    'X-Api-Key',
    '1',
    'X_Api_Key',
    '2',
    'Range',
    'bytes=0-',
    'Content-Length',
    '5',
    'X-A',
    '1',
    'Connection',
    'content-length',
  ];
  const options = { kept: new Set(['range']), withheld: new Set(['range']), replaced: 'x-api-key', keepLength: true };
  expect(requestHeaders(raw, options).list).toEqual(['Content-Length', '5', 'X-A', '1']);
});

test('of a response nothing comes back that is ours or ends here', () => {
  const name = fc.oneof(innocent, fc.constantFrom(...FORBIDDEN, 'alt-svc', 'proxy-authenticate', 'set-cookie'));
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 }))),
      innocent,
      (headers, named) => {
        const { list } = responseHeaders({ ...headers, connection: `Keep-Alive, ${named}` }, 200, []);
        const names = namesOf(list);
        expect(names).not.toContain(named);
        for (const one of names)
          expect(one).not.toMatch(
            /^(?:connection|keep-alive|te|trailer|transfer-encoding|upgrade|alt-svc|aegis-.*|proxy-auth.*)$/,
          );
        const cookies = list.filter((_, index) => index % 2 === 1 && list[index - 1] === 'set-cookie');
        expect(cookies).toEqual([headers['set-cookie'] ?? []].flat());
      },
    ),
  );
});

test('no length with 204, and trailers that speak of the content or of us are dropped', () => {
  expect(responseHeaders({ 'content-length': '3' }, 204, [])).toEqual({ list: [], length: undefined });
  expect(responseHeaders({ 'content-length': '3' }, 304, [])).toEqual({ list: ['content-length', '3'], length: '3' });
  const trailers = {
    'x-sum': ['a', 'b'],
    'content-length': '1',
    'set-cookie': 'a=1',
    'aegis-x': '1',
    location: '/',
    'x-key': 'secret-value',
  };
  expect(responseTrailers(trailers, ['secret-value'])).toEqual([
    ['x-sum', 'a'],
    ['x-sum', 'b'],
    ['x-key', 'REDACTED'],
  ]);
});

test('a flood of names chosen by agents changes nothing', () => {
  for (let index = 0; index < 2000; index += 1) requestHeaders([`X-N-${index}`, '1'], { kept: NONE });
  expect(requestHeaders(['Transfer_Encoding', 'chunked', 'X-A', '1'], { kept: NONE }).list).toEqual(['X-A', '1']);
});
