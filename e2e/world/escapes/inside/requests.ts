import { type Attempt, DECIDED, undecided } from './attempt.ts';
import { ask, askAll, get, send, shell, tcp, together, told, type Way } from './tries.ts';

/** A second request where the gateway sees one, and what the tool might read otherwise. */
const TOOL_PORT: Way = { host: '127.0.0.1', port: 15_100 };
/** The tool knows no such payment: the call was allowed. */
const OK = /404 resource_missing(?: \[\S+?\])?/;
const REFUSED = /(?:4\d\d|50[15]) AEGIS_\w+(?: \[\S+?\])?/;
const DENIED = /403 [A-Z_a-z]+ \[\S+?\]/;
const each = (...words: RegExp[]): RegExp => {
  const any = words.map(({ source }) => `(?:${source})`).join('|');
  return new RegExp(`^(?:(?:${any})(?:; |, |$))+$`);
};
const GONE = /closed|ECONNRESET|silence/;

const smuggled = (name: string, host: string): string => `GET ${undecided(name)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
const post = (host: string, headers: readonly string[], body: string, path = DECIDED): string =>
  `POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n${body}`;
const redirected = (world: { elsewhere: string }): Way => ({ host: world.elsewhere, port: 80 });

export const REQUESTS: readonly Attempt[] = [
  {
    name: 'an allowed and a denied request in one go',
    why: 'every request of a connection is decided by itself',
    ends: /^404 resource_missing[^,]*, 403 [A-Z_a-z]+ \[\S+\], 404 resource_missing/,
    logged: true,
    run: async ({ tool }) => {
      const decided = `GET ${DECIDED} HTTP/1.1\r\nHost: ${tool.host}\r\n\r\n`;
      const last = get(DECIDED, tool.host);
      const bytes = `${decided}${smuggled('pipelined', tool.host)}${last}`;
      return told(await send({ host: tool.address, port: 443, serverName: tool.host }, bytes, 4_000));
    },
  },
  {
    name: 'a request in the body, by Content-Length and chunks (CL.TE, TE.CL)',
    why: 'two lengths are refused, before anything is sent on',
    ends: each(REFUSED, GONE),
    run: (world) => {
      const { host } = world.tool;
      const inner = smuggled('cl-te', host);
      const chunk = `${inner.length.toString(16)}\r\n${inner}\r\n0\r\n\r\n`;
      return askAll(redirected(world), [
        post(host, [`Content-Length: ${5 + inner.length}`, 'Transfer-Encoding: chunked'], `0\r\n\r\n${inner}`),
        post(host, ['Transfer-Encoding: chunked', 'Content-Length: 4'], chunk),
        post(host, [`Content-Length: ${inner.length}`, 'Content-Length: 0'], inner),
        post(host, [`Content-Length: ${inner.length}, 0`], inner),
        post(host, [`Content-Length: +${inner.length}`], inner),
      ]);
    },
  },
  {
    name: 'transfer encodings that look like chunked',
    why: 'an encoding that is not exactly chunked is refused',
    ends: each(REFUSED, GONE),
    run: (world) => {
      const { host } = world.tool;
      const body = `0\r\n\r\n${smuggled('te', host)}`;
      const lines = ['xchunked', 'chunked, identity', 'identity', 'gzip, chunked', '\x0bchunked', 'chunked\r\n x'];
      return askAll(redirected(world), [
        ...lines.map((value) => post(host, [`Transfer-Encoding: ${value}`], body)),
        post(host, ['Transfer-Encoding : chunked'], body),
        post(host, ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], body),
      ]);
    },
  },
  {
    name: 'chunk extensions, lone line feeds, trailers',
    why: 'servers end them at different places, so they are refused',
    ends: each(REFUSED, GONE, DENIED),
    run: (world) => {
      const { host } = world.tool;
      const chunked = ['Transfer-Encoding: chunked'];
      const inner = smuggled('chunks', host);
      return askAll(redirected(world), [
        post(host, chunked, `2;a="\n${inner}"\r\nhi\r\n0\r\n\r\n`),
        post(host, chunked, `2\nhi\n0\n\n${inner}`),
        post(host, chunked, `-2\r\nhi\r\n0\r\n\r\n${inner}`),
        post(host, chunked, `0x2\r\nhi\r\n0\r\n\r\n${inner}`),
        post(host, chunked, `0\r\nHost: nobody.example.com\r\n\r\n${inner}`),
        post(host, chunked, `10000000000000002\r\nhi\r\n0\r\n\r\n${inner}`),
      ]);
    },
  },
  {
    name: 'headers that end in odd ways',
    why: 'folded lines, lone LF or CR, and names with spaces are refused',
    ends: each(REFUSED, GONE),
    run: (world) => {
      const { host } = world.tool;
      const start = `GET ${undecided('headers')} HTTP/1.1\r\nHost: ${host}\r\n`;
      return askAll(redirected(world), [
        `${start}X: a\r\n Host: nobody.example.com\r\n\r\n`,
        `GET ${undecided('headers')} HTTP/1.1\nHost: ${host}\n\n`,
        `${start}X: a\rHost: nobody.example.com\r\n\r\n`,
        `${start}X : a\r\n\r\n`,
        `${start}: a\r\n\r\n`,
        `${start}X\x00: a\r\n\r\n`,
      ]);
    },
  },
  {
    name: 'a body where none belongs',
    why: 'a GET with a body could be two requests to the tool',
    ends: each(REFUSED, GONE, /400(?: \[\S+?\])?/),
    run: (world) => {
      const { host } = world.tool;
      const inner = smuggled('get-body', host);
      return askAll(redirected(world), [
        `GET ${DECIDED} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
        `HEAD ${DECIDED} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${inner.length}\r\n\r\n${inner}`,
        `GET ${DECIDED} HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
      ]);
    },
  },
  {
    name: 'line breaks in the path and in values',
    why: 'what is encoded stays encoded, what is not is refused',
    ends: each(REFUSED, DENIED, GONE),
    run: (world) => {
      const { host } = world.tool;
      const inner = `%20HTTP/1.1%0d%0aHost:%20${host}%0d%0a%0d%0aGET%20${undecided('crlf')}`;
      return askAll(redirected(world), [
        get(`/v1/payment_intents/${inner}`, host),
        get(`/v1/payment_intents/x\x00${undecided('nul')}`, host),
        get(`/v1/payment_intents/x\r\nX: ${undecided('cr')}`, host),
        get(`/v1/payment_intents/x\t${undecided('tab')}`, host),
        get(`/v1/payment_intents/%E5%98%8D%E5%98%8A${inner}`, host),
      ]);
    },
  },
  {
    name: 'HTTP/0.9, 1.0 and versions that do not exist',
    why: 'without a Host nobody knows whose request it is; other versions are not read',
    ends: each(REFUSED, DENIED, GONE),
    run: (world) => {
      const { host } = world.tool;
      return askAll(redirected(world), [
        `GET ${undecided('v09')}\r\n`,
        `GET ${undecided('v10')} HTTP/1.0\r\n\r\n`,
        `GET ${undecided('v10')} HTTP/1.0\r\nHost: ${host}\r\n\r\n`,
        `GET ${undecided('v12')} HTTP/1.2\r\nHost: ${host}\r\n\r\n`,
        `GET ${undecided('v20')} HTTP/2.0\r\nHost: ${host}\r\n\r\n`,
        `GET ${undecided('vx')} ICY/1.1\r\nHost: ${host}\r\n\r\n`,
      ]);
    },
  },
  {
    name: 'HTTP/2 by prior knowledge and by ALPN',
    why: 'it is not spoken: the preface is refused, and ALPN offers HTTP/1.1',
    ends: each(REFUSED, GONE, /ECONNRESET|EPROTO/, /ERR_SSL_\w+/, DENIED),
    run: async (world) => {
      const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00';
      const { tool } = world;
      const secure = { host: tool.address, port: 443, serverName: tool.host };
      const answers = await Promise.all([
        ask(redirected(world), preface),
        ask(TOOL_PORT, preface),
        ask({ ...secure, alpn: ['h2'] }, preface),
        ask(secure, preface),
      ]);
      return answers.join('; ');
    },
  },
  {
    name: 'upgrades: h2c, WebSocket, TLS',
    why: 'h2c is ignored and the request decided; WebSocket needs an action that allows it',
    ends: each(REFUSED, DENIED),
    logged: true,
    run: (world) => {
      const { host } = world.tool;
      const settings = 'HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA';
      const upgrade = (to: string, ...lines: string[]) =>
        `GET ${undecided('upgrade')} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${to}\r\n${lines
          .map((line) => `${line}\r\n`)
          .join('')}\r\n`;
      return askAll(redirected(world), [
        upgrade('h2c', settings),
        upgrade('websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=='),
        upgrade('TLS/1.2'),
      ]);
    },
  },
  {
    name: 'bytes behind an upgrade that is refused',
    why: 'without a 101 from the tool there is no tunnel',
    ends: each(REFUSED, DENIED, GONE, OK),
    run: ({ tool }) => {
      const upgrade = `GET ${DECIDED} HTTP/1.1\r\nHost: ${tool.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`;
      return ask(
        { host: tool.address, port: 443, serverName: tool.host },
        `${upgrade}${smuggled('behind-upgrade', tool.host)}`,
      );
    },
  },
  {
    name: 'paths that climb',
    why: 'a path is read once, in one form; what is ambiguous is refused',
    ends: each(REFUSED, DENIED),
    logged: true,
    run: (world) => {
      const { host } = world.tool;
      const bad = undecided('climb');
      const paths = [
        `${DECIDED}/../../escapes/climb`,
        `${DECIDED}/%2e%2e/%2e%2e/escapes/climb`,
        `${DECIDED}%2f..%2f..%2fescapes%2fclimb`,
        `${DECIDED}/..;/..;/escapes/climb`,
        `${DECIDED}\\..\\..\\escapes\\climb`,
        `${DECIDED}/%252e%252e/%252e%252e/escapes/climb`,
        `/v1//escapes/climb`,
        `//escapes/climb`,
        `/V1/ESCAPES/climb`,
        `/v1/./escapes/climb`,
        `/v1/payment_intents/.%00./escapes/climb`,
        `/v1/payment_intents/%c0%ae%c0%ae/escapes/climb`,
        `${bad}?${DECIDED}`,
        `${bad}#${DECIDED}`,
        `*`,
        `v1/escapes/climb`,
      ];
      return askAll(
        redirected(world),
        paths.map((path) => get(path, host)),
      );
    },
  },
  {
    name: 'paths that climb out of the tool',
    why: 'the prefix is taken off before, and nothing leads above the base path',
    ends: each(REFUSED, DENIED),
    run: ({ tool }) =>
      askAll(
        { host: '127.0.0.1', port: 15_001 },
        ['/../escapes/x', '/%2e%2e/escapes/x', '/..%2fescapes/x', `/..${undecided('base')}`, undecided('base')].map(
          (path) => get(`/${tool.id}${path}`, '127.0.0.1:15001'),
        ),
      ),
  },
  {
    name: 'another method by a header or a field',
    why: 'the method that is decided is the one of the request line; overrides are refused or denied',
    ends: each(REFUSED, DENIED),
    run: (world) => {
      const { host } = world.tool;
      const overrides = ['X-HTTP-Method-Override: DELETE', 'X-HTTP-Method: DELETE', 'X-Method-Override: DELETE'];
      return askAll(redirected(world), [
        ...overrides.map((line) =>
          post(host, [line, 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 0'], ''),
        ),
        post(
          host,
          ['Content-Type: application/x-www-form-urlencoded', 'Content-Length: 14'],
          '_method=DELETE',
          '/v1/payment_intents',
        ),
        get(`${DECIDED}?_method=DELETE`, host),
        `DELETE ${DECIDED} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
        `get ${DECIDED} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
        `TRACE ${DECIDED} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      ]);
    },
  },
  {
    name: 'a credential of one’s own, or none',
    why: 'the gateway puts its own in place of whatever comes, and Connection cannot take it away',
    ends: each(OK, REFUSED, DENIED),
    run: async (world) => {
      const { host } = world.tool;
      const answers = [
        await ask(redirected(world), get(DECIDED, host, 'Authorization: Bearer of-the-agent')),
        await ask(
          redirected(world),
          `GET ${DECIDED} HTTP/1.1\r\nHost: ${host}\r\nConnection: close, Authorization\r\nAuthorization: Bearer of-the-agent\r\n\r\n`,
        ),
        await ask(redirected(world), get(DECIDED, host, 'authorization: Bearer a', 'Authorization: Bearer b')),
      ];
      return answers.join('; ');
    },
  },
  {
    name: 'a permit of one’s own making',
    why: 'identity and permits come from the gateway and the operator, never from headers of the agent',
    ends: each(REFUSED, DENIED),
    run: (world) => {
      const { host } = world.tool;
      const lines = [
        'Aegis-Agent: admin-agent',
        'X-Aegis-Agent: admin-agent',
        'Aegis-Override: eyJhbGciOiJub25lIn0.e30.',
        'Aegis-Decision-Id: 00000000-0000-7000-8000-000000000000',
        'X-Forwarded-Client-Cert: By=admin',
        'X-Aegis-Internal: 1',
      ];
      return ask(redirected(world), get(undecided('permit'), host, ...lines));
    },
  },
  {
    name: 'a decision of the decision API, for another agent',
    why: 'the agent is fixed by the pod, and a decision is no permit: nothing is forwarded there',
    ends: each(REFUSED, DENIED, OK, /40[0-9][^;,]*/),
    run: async ({ tool }) => {
      const input = (agent: string, extra: object = {}) =>
        JSON.stringify({ agent, tool: tool.id, action: 'get_payment', params: { id: 'pi_secret' }, ...extra });
      const request = (path: string, body: string) =>
        `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:8181\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
      const bodies = [
        request('/v1/decisions', input('other-agent')),
        request('/v1/data/aegis/decision', JSON.stringify({ input: JSON.parse(input('other-agent')) })),
        request('/v1/policies/aegis', 'package aegis'),
      ];
      const answers = await Promise.all(bodies.map((bytes) => send({ host: '127.0.0.1', port: 8181 }, bytes)));
      // an allow in the name of another one would be a defect
      return answers.map((text) => (/"allow"/.test(text) ? 'ALLOWED' : told(text))).join('; ');
    },
  },
  {
    name: 'the gateway’s own port for health',
    why: 'it answers GET and changes nothing',
    ends: /^(?:40[0-9] ?)+$/,
    run: () =>
      shell(
        `for way in 'POST /health' 'PUT /health/ready' 'DELETE /metrics' 'POST /config' 'GET /debug' 'POST /quitquitquit' 'GET /state' 'GET /../state' 'PUT /bundle'; do
set -- $way; curl -s -m 5 -o /dev/null -w '%{http_code} ' --path-as-is -X "$1" "http://127.0.0.1:15020$2"; done; echo`,
      ),
  },
  {
    name: 'more connections than the gateway takes',
    why: 'a gateway that is busy lets nothing past: the guard does not ask it',
    ends: /^(?:(?:ECONNREFUSED|403|429|503|silence|ECONNRESET|closed)[^,]*(?:, |$))+$/,
    async run({ tool, elsewhere }) {
      const held = Array.from({ length: 400 }, (_, at) =>
        send({ host: elsewhere, port: at % 2 === 0 ? 80 : 443 }, `GET / HTTP/1.1\r\nX-${at}: `, 3_000),
      );
      const direct = await together([8080, 8443, 22].map((port) => tcp(tool.address, port)));
      const asked = (await ask({ host: tool.address, port: 80 }, get(undecided('busy'), tool.host))).replace(
        /\[.*/,
        '',
      );
      await Promise.all(held);
      return `${direct}, ${asked}`;
    },
  },
];
