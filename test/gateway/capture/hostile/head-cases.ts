import { BODY, FORM, get, HOST, LENGTH, PAY, post } from './requests.ts';
import type { HostileCase } from './run-cases.ts';

/** Request lines, headers and their sizes (RFC 9110 section 5, RFC 9112 sections 3 and 5). */

const LINES: [string, string][] = [
  ['no version', `GET ${PAY}/x\r\n${HOST}\r\n`],
  ['HTTP/0.9', get('', `${PAY}/x`, 'HTTP/0.9')],
  ['HTTP/1.2', get('', `${PAY}/x`, 'HTTP/1.2')],
  ['HTTP/2.0', get('', `${PAY}/x`, 'HTTP/2.0')],
  ['HTTP/11', get('', `${PAY}/x`, 'HTTP/11')],
  ['HTTP/1', get('', `${PAY}/x`, 'HTTP/1')],
  ['HTTP/1.1.1', get('', `${PAY}/x`, 'HTTP/1.1.1')],
  ['http/1.1', get('', `${PAY}/x`, 'http/1.1')],
  ['RTSP/1.0', `OPTIONS ${PAY}/x RTSP/1.0\r\n${HOST}\r\n`],
  ['ICE/1.0', `SOURCE ${PAY}/x ICE/1.0\r\n${HOST}\r\n`],
  ['HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['two spaces before the target', get().replace(' ', '  ')],
  ['two spaces before the version', get('', `${PAY}/x `)],
  ['tab before the target', get().replace(' ', '\t')],
  ['space after the version', get().replace('HTTP/1.1', 'HTTP/1.1 ')],
  ['words after the version', get().replace('HTTP/1.1', 'HTTP/1.1 X: y')],
  ['lower-case method', get().replace('GET', 'get')],
  ['unknown method', get().replace('GET', 'FOO')],
  ['method with NUL', get().replace('GET', 'GE\0T')],
  ['method with a colon', get().replace('GET', 'GET:')],
  ['no method', get().replace('GET ', '')],
  ['TRACE', get().replace('GET', 'TRACE')],
  ['TLS on a plain port', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'.padEnd(170, '\x01')],
  ['an SSH client', 'SSH-2.0-OpenSSH_9.6\r\n'],
  ['a mail client', 'EHLO example.com\r\n'],
];

const HEADERS: [string, string][] = [
  ['no name', ': a\r\n'],
  ['no colon', 'X\r\n'],
  ['space in the name', 'X Y: a\r\n'],
  ['space before the colon', 'X : a\r\n'],
  ['space before the name', ' X: a\r\n'],
  ['name with NUL', 'X\0: a\r\n'],
  ['name with DEL', 'X\x7f: a\r\n'],
  ['name with parentheses', 'X(): a\r\n'],
  ['name with a slash', 'X/Y: a\r\n'],
  ['name that is not ASCII', 'X\xe9: a\r\n'],
  ['value with NUL', 'X: a\0b\r\n'],
  ['value with BEL', 'X: a\x07b\r\n'],
  ['value with DEL', 'X: a\x7fb\r\n'],
  ['value with escape', 'X: \x1b[2J\r\n'],
  ['method override', 'X-HTTP-Method-Override: DELETE\r\n'],
  ['method override with underscores', 'X_HTTP_Method_Override: DELETE\r\n'],
  ['URL override', 'X-Original-URL: /v1/refunds\r\n'],
  ['URL rewrite', 'X-Rewrite-URL: /v1/refunds\r\n'],
  ['page of a site', 'Origin: https://evil.example\r\n'],
  ['page without a site', 'Origin: null\r\n'],
  ['fetch from a page', 'Sec-Fetch-Site: cross-site\r\n'],
  ['fetch from the own site', 'Sec-Fetch-Site: same-origin\r\n'],
  ['unknown expectation', 'Expect: 200-ok\r\n'],
  ['two expectations', 'Expect: 100-continue\r\nExpect: 100-continue\r\n'],
  ['expectation with more', 'Expect: 100-continue, x\r\n'],
  ['upgrade to a protocol', 'Connection: Upgrade\r\nUpgrade: foo\r\n'],
  ['upgrade to TLS', 'Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n'],
  ['upgrade to two protocols', 'Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n'],
  ['broken WebSocket handshake', 'Connection: Upgrade\r\nUpgrade: websocket\r\n'],
  [
    'WebSocket of another version',
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 8\r\n',
  ],
  [
    'WebSocket where the action allows none',
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n',
  ],
  ['two content types', 'Content-Type: a/b\r\nContent-Type: application/json\r\n'],
];

const HOSTS: [string, string][] = [
  ['none', ''],
  ['empty', 'Host:\r\n'],
  ['twice', `${HOST}${HOST}`],
  ['twice, different', `${HOST}Host: evil.example\r\n`],
  ['foreign', 'Host: evil.example\r\n'],
  ['a tool', 'Host: api.stripe.test\r\n'],
  ['local name inside', 'Host: localhost.evil.example\r\n'],
  ['local name in userinfo', 'Host: localhost@evil.example\r\n'],
  ['local name and a path', 'Host: localhost/evil\r\n'],
  ['list', 'Host: localhost, evil.example\r\n'],
  ['with a space', 'Host: localhost evil\r\n'],
  ['port that is no number', 'Host: localhost:http\r\n'],
  ['two ports', 'Host: localhost:80:81\r\n'],
  ['address in one number', 'Host: 2130706433\r\n'],
  ['address in hexadecimal', 'Host: 0x7f.0.0.1\r\n'],
  ['another machine', 'Host: 10.0.0.1\r\n'],
  ['with underscore beside it', `${HOST}X: 1\r\nHo_st: evil\r\nHost : evil\r\n`],
];

const SIZES: HostileCase[] = [
  { name: 'sizes: one header too long', send: get(`X: ${'a'.repeat(20_000)}\r\n`), status: [431] },
  { name: 'sizes: many headers', send: get('X: a\r\n'.repeat(101)), status: [431] },
  { name: 'sizes: very many headers', send: get('X: a\r\n'.repeat(2_300)), status: [431] },
  { name: 'sizes: very many short headers', send: get('X:\r\n'.repeat(3_000)), status: [431] },
  {
    name: 'sizes: framing hidden behind many headers',
    send: `POST ${PAY} HTTP/1.1\r\n${HOST}${FORM}${'X:\r\n'.repeat(150)}${LENGTH}\r\n${BODY}`,
  },
  { name: 'sizes: header name too long', send: get(`${'X'.repeat(20_000)}: a\r\n`), status: [431] },
  { name: 'sizes: target too long for the head', send: get('', `${PAY}/${'a'.repeat(20_000)}`), status: [431] },
  { name: 'sizes: target too long for a call', send: get('', `${PAY}/${'a'.repeat(9_000)}`), status: [413] },
  {
    name: 'sizes: body longer than is read',
    send: post('Content-Length: 70000\r\n', `memo=${'a'.repeat(69_995)}`),
    status: [413],
  },
  {
    name: 'sizes: body much longer than is read',
    send: post('Content-Length: 9000000\r\n', `memo=${'a'.repeat(500_000)}`),
    status: [413],
  },
  {
    name: 'sizes: chunks longer than is read',
    send: post('Transfer-Encoding: chunked\r\n', `fffff\r\n${'a'.repeat(0xfffff)}\r\n0\r\n\r\n`),
    status: [413],
  },
  { name: 'sizes: a head without an end', send: `GET ${PAY}/x HTTP/1.1\r\n${HOST}X: `, waits: true },
];

export const HEAD_CASES: HostileCase[] = [
  ...LINES.map(
    ([name, send]): HostileCase => ({
      name: `request line: ${name}`,
      send,
      ...(name === 'no version' || name.startsWith('an SSH') || name.startsWith('a mail')
        ? { waits: true as const }
        : {}),
    }),
  ),
  ...HEADERS.map(([name, headers]): HostileCase => ({ name: `headers: ${name}`, send: get(headers) })),
  ...HOSTS.map(
    ([name, host]): HostileCase => ({ name: `Host: ${name}`, send: `GET ${PAY}/x HTTP/1.1\r\n${host}\r\n` }),
  ),
  ...SIZES,
];
