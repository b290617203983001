import { type Attempt, undecided } from './attempt.ts';
import { ask, askAll, get, shell } from './tries.ts';

/** Through the gateway to where it should not lead: names, addresses, tunnels. */
const PROXY = { host: '127.0.0.1', port: 15_001 } as const;
const CLOSED = /ECONNRESET|EPROTO|closed|alert|SSL|handshake/;
const UNKNOWN = /^(?:403 AEGIS_HOST_UNKNOWN \[\S+\](?:; )?)+$/;

const each = (...words: RegExp[]): RegExp => {
  const any = words.map(({ source }) => `(?:${source})`).join('|');
  return new RegExp(`^(?:(?:${any})(?:; |, |$))+$`);
};
const REFUSED = /4\d\d AEGIS_\w+(?: \[\S+?\])?/;
const DENIED = /403 [A-Z_a-z]+ \[\S+?\]/;

/** An address as clever parsers spell it. */
function spellings(address: string): string[] {
  const parts = address.split('.').map(Number) as [number, number, number, number];
  const [a, b, c, d] = parts;
  const whole = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const hex = whole.toString(16);
  return [
    address,
    `${address}:80`,
    `${address}.`,
    String(whole),
    `0x${hex}`,
    parts.map((part) => `0${part.toString(8)}`).join('.'),
    parts.map((part) => `0x${part.toString(16)}`).join('.'),
    `${a}.${b}.${(c << 8) | d}`,
    `[::ffff:${address}]`,
    `[::ffff:${hex.slice(0, 4)}:${hex.slice(4)}]`,
    `[64:ff9b::${hex.slice(0, 4)}:${hex.slice(4)}]`,
  ];
}

export const WAYS: readonly Attempt[] = [
  {
    name: 'HTTP to the tool’s address with its own Host',
    why: 'redirected and decided like every other call',
    ends: each(DENIED),
    logged: true,
    run: ({ tool }) => ask({ host: tool.address, port: 80 }, get(undecided('address'), tool.host)),
  },
  {
    name: 'HTTPS by address with the tool’s name',
    why: 'TLS ends in the gateway, and the request inside is decided',
    ends: each(DENIED),
    logged: true,
    run: ({ tool }) => ask({ host: tool.address, port: 443, serverName: tool.host }, get(undecided('tls'), tool.host)),
  },
  {
    name: 'HTTPS without a server name',
    why: 'whose tool it is nobody says, so there is no handshake',
    ends: CLOSED,
    run: ({ tool }) => ask({ host: tool.address, port: 443, serverName: '' }, get(undecided('no-sni'), tool.host)),
  },
  {
    name: 'HTTPS with the server name of nobody',
    why: 'hosts of no tool are refused under Enforce',
    ends: CLOSED,
    run: ({ tool, alias }) =>
      ask({ host: tool.address, port: 443, serverName: alias }, get(undecided('alias-tls'), tool.host)),
  },
  {
    name: 'HTTPS with odd server names',
    why: 'a name is the tool’s or nobody’s; an address, a dot at the end, or bytes of zero make no third kind',
    ends: /^(?!.*HTTP\/1\.1 200)/,
    run: ({ tool }) => {
      const names = [
        `${tool.host}.`,
        `${tool.host}.nobody.example.com`,
        `x.${tool.host}`,
        tool.address,
        `${tool.host}:443`,
      ];
      const request = `printf 'GET ${undecided('odd-sni')} HTTP/1.1\\r\\nHost: ${tool.host}\\r\\nConnection: close\\r\\n\\r\\n'`;
      const calls = names.map(
        (name) =>
          `(${request}; sleep 1) | timeout 5 openssl s_client -quiet -connect ${tool.address}:443 -servername '${name}' 2>&1 | grep -ao 'HTTP/1.1 [0-9]*\\|alert[a-z ]*' | head -1`,
      );
      return shell(`${calls.map((call) => `(${call}) &`).join('\n')}\nwait | sort | tr '\\n' ' '`);
    },
  },
  {
    name: 'bytes on port 443 that are no TLS',
    why: 'what cannot be read is not carried on',
    ends: each(CLOSED, REFUSED, /silence/, /\.+/),
    run: ({ tool }) =>
      askAll({ host: tool.address, port: 443 }, [
        get(undecided('plain-on-443'), tool.host),
        'SSH-2.0-undecided\r\n',
        '\x16\x03\x01\x00\x05hello',
        '\x80\x2e\x01\x00\x02\x00\x15\x00\x00\x00\x10',
      ]),
  },
  {
    name: 'another name for the tool’s address',
    why: 'the name counts, not what it resolves to: nobody has allowed it',
    ends: UNKNOWN,
    run: async ({ alias }) => {
      const answers = [
        await ask({ host: alias, port: 80 }, get(undecided('alias'), alias)),
        await ask(PROXY, get(`http://${alias}${undecided('alias')}`, alias)),
        await ask({ ...PROXY, connect: `${alias}:443`, serverName: alias }, get(undecided('alias'), alias)),
      ];
      return answers.join('; ');
    },
  },
  {
    name: 'the tool’s address in every spelling',
    why: 'addresses are hosts of no tool, however they are written',
    ends: each(REFUSED),
    run: async ({ tool, elsewhere }) => {
      const names = spellings(tool.address);
      const redirected = names.map((name) => ask({ host: elsewhere, port: 80 }, get(undecided('spelling'), name)));
      const proxied = names.map((name) => ask(PROXY, get(`http://${name}${undecided('spelling')}`, name)));
      const answers = await Promise.all([...redirected, ...proxied]);
      return [...new Set(answers.map((answer) => answer.replaceAll(/\[[^\]]+\]/g, '[id]')))].join('; ');
    },
  },
  {
    name: 'the tool’s host in every spelling',
    why: 'case, dot and default port make the same host, which is decided; the rest is refused',
    ends: each(REFUSED, DENIED),
    logged: true,
    run: async ({ tool: { host }, elsewhere }) => {
      const names = [
        host.toUpperCase(),
        `${host}.`,
        `${host}:80`,
        `${host}:443`,
        `${host}:8080`,
        `\t${host}`,
        `${host}\t`,
        `${host},${host}`,
        `user@${host}`,
        `${host}@nobody.example.com`,
        `${host}#nobody.example.com`,
        `${host}/`,
        `${host}%2e`,
        `${host}\x00`,
        '',
      ];
      const answers = names.map((name) => ask({ host: elsewhere, port: 80 }, get(undecided('host'), name)));
      return [...new Set(await Promise.all(answers))].join('; ');
    },
  },
  {
    name: 'two Hosts, and a Host beside another target',
    why: 'whatever could be read in two ways is refused',
    ends: each(REFUSED),
    run: ({ tool, alias, elsewhere }) =>
      askAll({ host: elsewhere, port: 80 }, [
        get(undecided('two-hosts'), alias, `Host: ${tool.host}`),
        get(undecided('two-hosts'), tool.host, `Host: ${alias}`),
        get(`http://${alias}${undecided('two-hosts')}`, tool.host),
        get(`http://${tool.host}${undecided('two-hosts')}`, alias),
        get(`http://${tool.host}@${alias}${undecided('two-hosts')}`, tool.host),
      ]),
  },
  {
    name: 'forwarding headers',
    why: 'the host is what Host says; X-Forwarded-Host and its like choose nothing',
    ends: UNKNOWN,
    run: ({ tool, alias, elsewhere }) =>
      ask(
        { host: elsewhere, port: 80 },
        get(
          undecided('forwarded'),
          alias,
          `X-Forwarded-Host: ${tool.host}`,
          `Forwarded: host=${tool.host}`,
          `X-Original-Host: ${tool.host}`,
          `X-Host: ${tool.host}`,
        ),
      ),
  },
  {
    name: 'absolute targets at the forward proxy',
    why: 'the tool’s are decided, others refused; https in the clear is no way either',
    ends: each(REFUSED, DENIED),
    logged: true,
    run: ({ tool, alias, elsewhere }) =>
      askAll(PROXY, [
        get(`http://${tool.host}${undecided('absolute')}`, tool.host),
        get(`http://${tool.host}:8080${undecided('absolute')}`, `${tool.host}:8080`),
        get(`https://${tool.host}${undecided('absolute')}`, tool.host),
        get(`http://${alias}${undecided('absolute')}`, alias),
        get(`https://${alias}${undecided('absolute')}`, alias),
        get(`http://${elsewhere}${undecided('absolute')}`, elsewhere),
        get(`ftp://${tool.host}${undecided('absolute')}`, tool.host),
      ]),
  },
  {
    name: 'CONNECT to addresses and other ports',
    why: 'a tunnel leads to the host of a tool, where it ends, or to an allowed host',
    ends: each(REFUSED, CLOSED),
    run: async ({ tool, elsewhere, alias, node, relay }) => {
      const targets = [
        `${tool.address}:443`,
        `${tool.address}:8080`,
        `${elsewhere}:443`,
        `${alias}:443`,
        `${alias}:8080`,
        `[::ffff:${tool.address}]:443`,
        `${node}:6443`,
        `${relay.address}:8080`,
        '127.0.0.1:15020',
        'localhost:8181',
        '169.254.169.254:80',
      ];
      const request = get(undecided('connect'), tool.host);
      const answers = targets.map((connect) => ask({ ...PROXY, connect }, request));
      return [...new Set((await Promise.all(answers)).map((text) => text.replaceAll(/ \[[^\]]+\]/g, '')))].join('; ');
    },
  },
  {
    name: 'CONNECT to another port of the tool’s host',
    why: 'the tunnel ends in the gateway at every port, and what is inside is read',
    ends: each(REFUSED, DENIED, CLOSED),
    run: async ({ tool }) => {
      const answers: string[] = [];
      for (const port of [22, 80, 443, 8080]) {
        const connect = `${tool.host}:${port}`;
        answers.push(await ask({ ...PROXY, connect, serverName: tool.host }, get(undecided('port'), connect)));
        answers.push(await ask({ ...PROXY, connect }, 'SSH-2.0-undecided\r\n'));
      }
      return [...new Set(answers.map((text) => text.replaceAll(/\[[^\]]+\]/g, '[id]')))].join('; ');
    },
  },
  {
    name: 'plain HTTP inside a tunnel to the tool',
    why: 'only TLS is taken inside CONNECT',
    ends: each(/400 AEGIS_CONNECT_REFUSED.*/),
    run: ({ tool }) => ask({ ...PROXY, connect: `${tool.host}:443` }, get(undecided('plain-in-connect'), tool.host)),
  },
  {
    name: 'CONNECT with the Host of another',
    why: 'target and Host name different hosts, so it is refused',
    ends: each(/400 AEGIS_HOST_MISMATCH \[\S+?\]/, /400 AEGIS_\w+ \[\S+?\]/),
    run: ({ tool, alias, allowed }) =>
      askAll(PROXY, [
        `CONNECT ${alias}:443 HTTP/1.1\r\nHost: ${tool.host}\r\n\r\n`,
        `CONNECT ${tool.host}:443 HTTP/1.1\r\nHost: ${alias}\r\n\r\n`,
        `CONNECT ${allowed.host}:443 HTTP/1.1\r\nHost: ${tool.host}:443\r\n\r\n`,
        `CONNECT ${tool.host}:443 HTTP/1.1\r\nHost: ${tool.host}\r\nContent-Length: 5\r\n\r\nhello`,
      ]),
  },
  {
    name: 'a tunnel to an allowed host, and the tool’s name inside',
    why: 'the server name inside must be that of CONNECT',
    ends: each(CLOSED, REFUSED),
    run: async ({ tool, allowed, alias }) => {
      const connect = `${allowed.host}:443`;
      const answers = [
        await ask({ ...PROXY, connect, serverName: tool.host }, get(undecided('tunnel'), tool.host)),
        await ask({ ...PROXY, connect, serverName: alias }, get(undecided('tunnel'), tool.host)),
        await ask({ ...PROXY, connect, serverName: '' }, get(undecided('tunnel'), tool.host)),
        await ask({ ...PROXY, connect }, get(undecided('tunnel'), tool.host)),
      ];
      return answers.map((text) => text.replaceAll(/\[[^\]]+\]/g, '[id]')).join('; ');
    },
  },
  {
    name: 'fronting: the tool’s server name, another Host',
    why: 'server name and Host differ: misdirected',
    ends: each(/421 AEGIS_\w+ \[\S+?\]/),
    run: ({ tool, alias, allowed }) =>
      askAll({ host: tool.address, port: 443, serverName: tool.host }, [
        get(undecided('fronting'), alias),
        get(undecided('fronting'), allowed.host),
      ]),
  },
  {
    name: 'fronting: an allowed server name at the tool’s address',
    why: 'the gateway finds the address of the name itself; the connection goes to the allowed host',
    ends: /^200$/,
    run: ({ tool, allowed }) =>
      ask({ host: tool.address, port: 443, serverName: allowed.host }, get(undecided('allowed-sni'), tool.host)),
  },
  {
    name: 'an allowed Host at the tool’s address',
    why: 'the same for plain HTTP: the address that the client chose does not count',
    ends: /^200$/,
    run: ({ tool, allowed }) => ask({ host: tool.address, port: 80 }, get(undecided('allowed-host'), allowed.host)),
  },
  {
    name: 'the tool’s own port, with the URL of another',
    why: 'behind a tool’s port there is this tool only',
    ends: each(REFUSED, DENIED),
    run: ({ tool, alias }) =>
      askAll({ host: '127.0.0.1', port: 15_100 }, [
        get(`http://${alias}${undecided('tool-port')}`, alias),
        get(`http://${tool.host}${undecided('tool-port')}`, alias),
        get(`//${alias}${undecided('tool-port')}`, '127.0.0.1:15100'),
        `CONNECT ${alias}:443 HTTP/1.1\r\nHost: ${alias}:443\r\n\r\n`,
      ]),
  },
  {
    name: 'the path prefix of a tool that is not the agent’s',
    why: 'the first segment names a tool of the agent, and climbs nowhere',
    ends: each(REFUSED, DENIED, /404 \w+ \[\S+?\]/),
    run: ({ tool }) =>
      askAll(
        PROXY,
        [
          '/another-tool/v1/x',
          `/${tool.id}/../another-tool/v1/x`,
          `/${tool.id}%2f..%2fanother-tool/v1/x`,
          `//${tool.host}${undecided('prefix')}`,
          `/http://${tool.host}${undecided('prefix')}`,
          `/${tool.id}@${tool.host}${undecided('prefix')}`,
        ].map((path) => get(path, '127.0.0.1:15001')),
      ),
  },
  {
    name: 'no proxy, by the variables of every client',
    why: 'variables are a courtesy; the redirection asks nobody',
    ends: /^(?:(?:403|000)\s*)+$/,
    run: ({ tool, elsewhere }) =>
      shell(
        `export NO_PROXY='*' no_proxy='*' HTTPS_PROXY= HTTP_PROXY= ALL_PROXY=
for url in https://${tool.host} http://${tool.host} https://${elsewhere} http://${elsewhere}; do
  curl -sk -m 6 --noproxy '*' -o /dev/null -w '%{http_code} ' "$url${undecided('no-proxy')}"
done
curl -s -m 6 -o /dev/null -w '%{http_code} ' -x http://${elsewhere}:3128 http://${tool.host}${undecided('no-proxy')}
curl -s -m 6 -o /dev/null -w '%{http_code} ' -x socks5h://${elsewhere}:1080 http://${tool.host}${undecided('no-proxy')}; echo`,
      ),
  },
];
