import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { withQueryCredential } from '../../../gateway/upstream/query-credential.ts';
import type { Upstreams } from '../../../gateway/upstream/types.ts';
import { createUpstreams } from '../../../gateway/upstream/upstreams.ts';
import type { CredentialContract } from '../../../policy/mapping/contract.ts';
import { call } from '../listeners/http-client.ts';
import { closeServer, type Front, listenOn, startFront, targetOf } from './support/front.ts';

const SECRET = 'test-credential-0123456789+/=';
const HEADER: CredentialContract = { key: 'token', in: 'header', field: 'Authorization', prefix: 'Bearer ' };
let tool: Server;
let toolPort: number;
let seen: { url: string; headers: string[] }[];
let echo: (url: string) => Record<string, string>;
let dir: string;
let clock: number;
let upstreams: Upstreams;
let front: Front;
let contract: CredentialContract;

beforeAll(async () => {
  tool = createServer((req, res) => {
    seen.push({ url: req.url ?? '', headers: req.rawHeaders });
    res.writeHead(200, echo(req.url ?? '')).end('ok');
  });
  toolPort = await listenOn(tool);
});

beforeEach(async () => {
  seen = [];
  echo = () => ({});
  clock = 0;
  contract = HEADER;
  dir = mkdtempSync(join(tmpdir(), 'aegis-upstream-'));
  mkdirSync(join(dir, 'payments/credential'), { recursive: true });
  write(`${SECRET}\n`);
  upstreams = createUpstreams({ secretsDir: dir, now: () => clock });
  front = await startFront({
    upstreams,
    target: () => targetOf(upstreams, { url: `http://127.0.0.1:${toolPort}`, credential: contract }),
  });
});

afterEach(async () => {
  await upstreams.close();
  await front.close();
  rmSync(dir, { recursive: true });
});

afterAll(() => closeServer(tool));

const write = (text: string | Buffer) => writeFileSync(join(dir, 'payments/credential/token'), text);
const valuesOf = (name: string) =>
  (seen.at(-1)?.headers ?? []).filter((_, index, all) => index % 2 === 1 && all[index - 1]?.toLowerCase() === name);

test('a header credential takes the place of whatever the agent sent, however spelled', async () => {
  await call(front.port, 'GET', '/', ['authorization', 'Bearer mine', 'Authorization', 'Basic eA==']);
  expect(valuesOf('authorization')).toEqual([`Bearer ${SECRET}`]);
  contract = { key: 'token', in: 'header', field: 'X-Api-Key', prefix: '' };
  await call(front.port, 'GET', '/', ['X_Api_Key', 'mine', 'x-api-key', 'mine', 'Authorization', 'Bearer mine']);
  expect(valuesOf('x-api-key')).toEqual([SECRET]);
  expect(valuesOf('x_api_key')).toEqual([]);
  expect(valuesOf('authorization')).toEqual(['Bearer mine']);
});

test("a query credential takes the place of the agent's own, and leaves the rest as it was decided", async () => {
  contract = { key: 'token', in: 'query', field: 'key', prefix: '' };
  await call(front.port, 'GET', '/a%2Fb?x=1&key=mine&%6Bey=mine&KEY=mine&key[]=mine&y=%20+&keys=3');
  expect(seen[0]?.url).toBe(`/a%2Fb?x=1&y=%20+&keys=3&key=${encodeURIComponent(SECRET)}`);
  await call(front.port, 'GET', '/plain');
  expect(seen[1]?.url).toBe(`/plain?key=${encodeURIComponent(SECRET)}`);
});

test('it is read again when the file changes, at most once a second', async () => {
  await call(front.port, 'GET', '/');
  write('another-credential');
  await call(front.port, 'GET', '/');
  expect(valuesOf('authorization')).toEqual([`Bearer ${SECRET}`]);
  clock += 1000;
  await call(front.port, 'GET', '/');
  expect(valuesOf('authorization')).toEqual(['Bearer another-credential']);
});

test.each<[string, () => void]>([
  ['missing', () => rmSync(join(dir, 'payments/credential/token'))],
  [
    'a folder',
    () => {
      rmSync(join(dir, 'payments/credential/token'));
      mkdirSync(join(dir, 'payments/credential/token'));
    },
  ],
  ['empty', () => write(' \n')],
  ['two lines', () => write('one\ntwo')],
  ['with a control character', () => write('one\x07two')],
  ['with a TAB', () => write('one\ttwo')],
  ['not ASCII', () => write('geheim\u00e4')],
  ['not UTF-8', () => write(Buffer.from([0x61, 0xff, 0x62]))],
  ['too large', () => write('x'.repeat(20_000))],
])('a credential that is %s closes the tool; nothing is sent, nothing is told of it', async (_, spoil) => {
  expect((await call(front.port, 'GET', '/')).status).toBe(200);
  spoil();
  clock += 1000;
  expect(await call(front.port, 'GET', '/')).toMatchObject({ status: 503, body: 'AEGIS_UPSTREAM_CREDENTIAL' });
  expect(front.calls[1]).toMatchObject({ sent: false, log: ['failed', 'closed'] });
  expect(front.calls[1]?.error?.message).not.toMatch(/one|geheim|xxx/);
  expect(seen).toHaveLength(1);
});

test.each([
  '..',
  '.',
  '../token',
  'a/token',
  '/etc/hostname',
  '',
])('a key that is a path (%s) is no credential', async (key) => {
  contract = { ...HEADER, key };
  expect((await call(front.port, 'GET', '/')).body).toBe('AEGIS_UPSTREAM_CREDENTIAL');
});

test('a prefix that would break the header is refused', async () => {
  contract = { ...HEADER, prefix: 'Bearer\r\nX-Evil: 1 ' };
  expect((await call(front.port, 'GET', '/')).body).toBe('AEGIS_UPSTREAM_CREDENTIAL');
});

test('it does not come back in a header, and a redirect with it still works', async () => {
  contract = { key: 'token', in: 'query', field: 'key', prefix: '' };
  echo = (url) => ({ Location: `/next${url.slice(1)}`, 'X-Seen': `key ${SECRET}`, 'X-Other': 'fine' });
  const answer = await call(front.port, 'GET', '/?a=1');
  expect(JSON.stringify(answer.headers)).not.toContain('test-credential');
  expect(answer.headers).toMatchObject({
    location: '/next?a=1&key=REDACTED',
    'x-seen': 'key REDACTED',
    'x-other': 'fine',
  });
  expect((await call(front.port, 'GET', answer.headers.location as string)).status).toBe(200);
  expect(seen[1]?.url).toBe(`/next?a=1&key=${encodeURIComponent(SECRET)}`);
});

test('the query keeps every byte but the pairs of that name', () => {
  const pair = fc.stringMatching(/^[a-zA-Z0-9%+._~-]{0,6}(?:=[a-zA-Z0-9%+._~-]{0,6})?$/);
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 6 }), (pairs) => {
      const target = `/p?${pairs.join('&')}`;
      const result = withQueryCredential(target, 'zz', 'v w');
      expect(result.endsWith('zz=v%20w')).toBe(true);
      const others = pairs.filter((text) => !/^zz(?:=|$)/i.test(text) && !text.includes('%'));
      for (const other of others) expect(result).toContain(other);
      const names = [...new URL(`http://x${result}`).searchParams.keys()].filter((name) => name.toLowerCase() === 'zz');
      expect(names).toEqual(['zz']);
    }),
  );
});
