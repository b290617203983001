import type { HostileCase } from './run-cases.ts';

/** CONNECT (RFC 9110 section 9.3.6). Answered with 200 the tunnel is open, but nothing gets through it. */

const REFUSED: [string, string, string][] = [
  ['no port', 'api.stripe.test', 'Host: api.stripe.test\r\n'],
  ['empty port', 'api.stripe.test:', 'Host: api.stripe.test\r\n'],
  ['port 0', 'api.stripe.test:0', 'Host: api.stripe.test:0\r\n'],
  ['port too large', 'api.stripe.test:65979', 'Host: api.stripe.test:65979\r\n'],
  ['port with zeros', 'api.stripe.test:0443', 'Host: api.stripe.test:0443\r\n'],
  ['no host', ':443', 'Host: api.stripe.test:443\r\n'],
  ['a path', '/v1/payment_intents/x', 'Host: api.stripe.test\r\n'],
  ['a URL', 'https://api.stripe.test:443/', 'Host: api.stripe.test\r\n'],
  ['userinfo', 'u@api.stripe.test:443', 'Host: api.stripe.test\r\n'],
  ['a list', 'api.stripe.test:443,evil.example:443', 'Host: api.stripe.test\r\n'],
  ['unknown host', 'evil.example:443', 'Host: evil.example:443\r\n'],
  ['unknown address', '93.184.216.34:443', 'Host: 93.184.216.34:443\r\n'],
  ['metadata address', '169.254.169.254:80', 'Host: 169.254.169.254:80\r\n'],
  ['loopback', '127.0.0.1:22', 'Host: 127.0.0.1:22\r\n'],
  ['loopback in one number', '2130706433:22', 'Host: 2130706433:22\r\n'],
  ['loopback in hexadecimal', '0x7f000001:22', 'Host: 0x7f000001:22\r\n'],
  ['another Host', 'api.stripe.test:443', 'Host: evil.example\r\n'],
  ['another tool in Host', 'api.stripe.test:443', 'Host: files.example.test:443\r\n'],
  ['another port in Host', 'api.stripe.test:443', 'Host: api.stripe.test:8443\r\n'],
  ['port 80, and the other in Host', 'api.stripe.test:80', 'Host: api.stripe.test:443\r\n'],
  ['another port, and none in Host', 'api.stripe.test:8443', 'Host: api.stripe.test\r\n'],
  ['two Hosts', 'api.stripe.test:443', 'Host: api.stripe.test\r\nHost: api.stripe.test\r\n'],
  ['no Host', 'api.stripe.test:443', ''],
  ['a length', 'api.stripe.test:443', 'Host: api.stripe.test\r\nContent-Length: 5\r\n'],
  ['chunks', 'api.stripe.test:443', 'Host: api.stripe.test\r\nTransfer-Encoding: chunked\r\n'],
  ['a page', 'api.stripe.test:443', 'Host: api.stripe.test\r\nOrigin: https://evil.example\r\n'],
  ['trailing dot', 'api.stripe.test.:443', 'Host: api.stripe.test.:443\r\n'],
  ['encoded host', 'api%2estripe.test:443', 'Host: api%2estripe.test:443\r\n'],
];

const OPEN = 'CONNECT api.stripe.test:443 HTTP/1.1\r\nHost: api.stripe.test:443\r\n\r\n';
const INSIDE = 'GET /v1/payment_intents/x HTTP/1.1\r\nHost: api.stripe.test\r\n\r\n';

/** Plain HTTP is read there, like on any other connection. */
const OPEN_80 = OPEN.replaceAll(':443', ':80');
const GET = 'GET /v1/payment_intents/x HTTP/1.1\r\n';
const HOST = 'Host: api.stripe.test\r\n';
const POST = `POST /v1/payment_intents HTTP/1.1\r\n${HOST}`;
const INSIDE_80: [string, string][] = [
  ['another Host', `${GET}Host: files.example.test\r\n\r\n`],
  ['two Hosts', `${GET}${HOST}Host: files.example.test\r\n\r\n`],
  ['no Host', `${GET}\r\n`],
  ['another port in Host', `${GET}Host: api.stripe.test:443\r\n\r\n`],
  ['the gateway in Host', `GET /stripe-payments/v1/payment_intents/x HTTP/1.1\r\nHost: localhost\r\n\r\n`],
  ['absolute form', `GET http://api.stripe.test/v1/payment_intents/x HTTP/1.1\r\n${HOST}\r\n`],
  ['a length and chunks', `${POST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['chunk extensions', `${POST}Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n`],
  ['a body of GET', `${GET}${HOST}Content-Length: 3\r\n\r\nabc`],
  ['a lone LF', `GET /v1/payment_intents/x HTTP/1.1\n${HOST.replace('\r', '')}\n`],
  ['a LF before', `\n${GET}${HOST}\r\n`],
  ['a page', `${GET}${HOST}Origin: https://evil.example\r\n\r\n`],
  ['another CONNECT', OPEN_80],
  ['an SSH client', 'SSH-2.0-x\r\n'],
  ['HTTP/2 in clear', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ['a handshake that is none', `\x16\x03\x01\x00\x20${'\xff'.repeat(32)}`],
  ['zero bytes', '\0\0\0\0\r\n\r\n'],
];

export const CONNECT_CASES: HostileCase[] = [
  ...REFUSED.map(
    ([name, target, headers]): HostileCase => ({
      name: `CONNECT: ${name}`,
      send: `CONNECT ${target} HTTP/1.1\r\n${headers}\r\n`,
    }),
  ),
  { name: 'CONNECT: plain HTTP inside', send: [OPEN, INSIDE], good: 1, status: [400] },
  { name: 'CONNECT: plain HTTP in the same write', send: `${OPEN}${INSIDE}`, good: 1, status: [400] },
  { name: 'CONNECT: another CONNECT inside', send: [OPEN, OPEN], good: 1, status: [400] },
  { name: 'CONNECT: an SSH client inside', send: [OPEN, 'SSH-2.0-x\r\n'], good: 1, status: [400] },
  { name: 'CONNECT: HTTP/2 in clear inside', send: [OPEN, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'], good: 1, status: [400] },
  ...INSIDE_80.map(
    ([name, text]): HostileCase => ({ name: `CONNECT to port 80: ${name}`, send: [OPEN_80, text], good: 1 }),
  ),
  ...INSIDE_80.map(
    ([name, text]): HostileCase => ({
      name: `CONNECT to port 80, in the same write: ${name}`,
      send: OPEN_80 + text,
      good: 1,
    }),
  ),
  {
    name: 'CONNECT: half a handshake',
    send: [OPEN, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    good: 1,
    waits: true,
  },
  { name: 'CONNECT: a handshake that is none', send: [OPEN, `\x16\x03\x01\x00\x20${'\xff'.repeat(32)}`], good: 1 },
  { name: 'CONNECT: a record of another kind', send: [OPEN, `\x17\x03\x03\x00\x20${'\xff'.repeat(32)}`], good: 1 },
];
