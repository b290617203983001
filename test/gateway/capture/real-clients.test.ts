import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { Agent, fetch, ProxyAgent } from 'undici';
import { openWorld, type World } from './harness.ts';

/** Clients that nobody changed, told only where the proxy is and which CA to trust. */

const run = promisify(execFile);
const BODY = 'amount=4999&currency=usd&metadata%5Bmemo%5D=a%20b';
const URL_OF_TOOL = 'https://api.stripe.test/v1/payment_intents';

let world: World;
let proxy: string;

beforeAll(async () => {
  world = await openWorld();
  proxy = `http://127.0.0.1:${world.bound.proxy?.port}`;
});

beforeEach(() => world.reset());
afterAll(() => world.close());

function expectArrived(): void {
  expect(world.seen).toMatchObject([{ method: 'POST', url: '/v1/payment_intents', body: BODY }]);
  expect(world.infos).toMatchObject([{ via: 'proxy' }]);
}

test('curl over CONNECT', async () => {
  const { stdout } = await run('curl', [
    '-sS',
    '--proxy',
    proxy,
    '--cacert',
    world.caFile,
    '-d',
    BODY,
    '-w',
    ' %{http_code}',
    URL_OF_TOOL,
  ]);
  expect(stdout).toBe('made 201');
  expectArrived();
});

test('curl in absolute form', async () => {
  const { stdout } = await run('curl', [
    '-sS',
    '--proxy',
    proxy,
    '-d',
    BODY,
    '-w',
    ' %{http_code}',
    URL_OF_TOOL.replace('https', 'http'),
  ]);
  expect(stdout).toBe('made 201');
  expectArrived();
});

test('curl by its environment, waiting for 100 Continue', async () => {
  const env = { ...process.env, HTTPS_PROXY: proxy, CURL_CA_BUNDLE: world.caFile, NO_PROXY: '' };
  const { stderr } = await run('curl', ['-sSv', '-d', BODY, '-H', 'Expect: 100-continue', URL_OF_TOOL], { env });
  expect(stderr).toMatch(/< HTTP\/1.1 100 Continue/);
  expectArrived();
});

test('curl, redirected to the TLS listener', async () => {
  const target = `api.stripe.test:443:127.0.0.1:${world.bound.tls?.port}`;
  const { stdout } = await run('curl', [
    '-sS',
    '--connect-to',
    target,
    '--cacert',
    world.caFile,
    '-d',
    BODY,
    '-w',
    ' %{http_code}',
    URL_OF_TOOL,
  ]);
  expect(stdout).toBe('made 201');
  expect(world.infos).toMatchObject([{ via: 'tls' }]);
});

test('curl does not get to a host of no tool', async () => {
  const failed = run('curl', ['-sS', '--proxy', proxy, '--cacert', world.caFile, 'https://evil.example/']);
  await expect(failed).rejects.toThrow(/CONNECT tunnel failed, response 403|Received HTTP code 403/);
});

test('fetch of Node over undici’s ProxyAgent', async () => {
  const dispatcher = new ProxyAgent({ uri: proxy, requestTls: { ca: readFileSync(world.caFile) } });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const response = await fetch(URL_OF_TOOL, { method: 'POST', body: BODY, headers, dispatcher });
  expect(response.status).toBe(201);
  expect(await response.text()).toBe('made');
  expectArrived();
  await dispatcher.close();
});

test('fetch of Node over undici’s ProxyAgent, plain HTTP: it opens a tunnel to port 80', async () => {
  const dispatcher = new ProxyAgent({ uri: proxy });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const url = URL_OF_TOOL.replace('https:', 'http:');
  const response = await fetch(url, { method: 'POST', body: BODY, headers, dispatcher });
  expect(response.status).toBe(201);
  expect(await response.text()).toBe('made');
  expectArrived();
  await dispatcher.close();
});

test.each(['http', 'https'])('Node’s own fetch by its environment: %s', async (scheme) => {
  const env = {
    ...process.env,
    NODE_USE_ENV_PROXY: '1',
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    NO_PROXY: '',
    NODE_EXTRA_CA_CERTS: world.caFile,
  };
  const url = URL_OF_TOOL.replace('https', scheme);
  const code = `const body = new URLSearchParams(${JSON.stringify(BODY)});
    fetch('${url}', { method: 'POST', body }).then(async (answer) => console.log(answer.status, await answer.text()))`;
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], { env });
  expect(stdout).toBe('201 made\n');
  expect(world.seen).toMatchObject([{ method: 'POST', url: '/v1/payment_intents' }]);
  expect(world.infos).toMatchObject([{ via: 'proxy' }]);
});

test('fetch of Node with a streamed body comes in chunks, and arrives as one', async () => {
  const dispatcher = new Agent();
  async function* pieces() {
    yield BODY.slice(0, 5);
    yield BODY.slice(5);
  }
  const response = await fetch(`${proxy}/stripe-payments/v1/payment_intents`, {
    method: 'POST',
    body: Readable.from(pieces()),
    duplex: 'half',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    dispatcher,
  });
  expect(response.status).toBe(201);
  expect(world.seen[0]?.body).toBe(BODY);
  await dispatcher.close();
});

const PYTHON = `
import os, ssl, sys, urllib.request
context = ssl.create_default_context(cafile=sys.argv[2])
context.verify_flags |= getattr(ssl, "VERIFY_X509_STRICT", 0)
opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({"https": sys.argv[1], "http": sys.argv[1]}),
    urllib.request.HTTPSHandler(context=context),
)
with opener.open(sys.argv[3], data=sys.argv[4].encode()) as answer:
    print(answer.status, answer.read().decode())
`;

test('urllib of Python, certificates checked strictly', async () => {
  const { stdout } = await run('python3', ['-c', PYTHON, proxy, world.caFile, URL_OF_TOOL, BODY]);
  expect(stdout.trim()).toBe('201 made');
  expectArrived();
});

const REQUESTS = `
import sys
try:
    import requests
except ImportError:
    print("absent"); sys.exit()
answer = requests.post(sys.argv[3], data=sys.argv[4], headers={"Content-Type": "application/x-www-form-urlencoded"},
    proxies={"https": sys.argv[1]}, verify=sys.argv[2])
print(answer.status_code, answer.text)
`;

test('requests of Python', async () => {
  const { stdout } = await run('python3', ['-c', REQUESTS, proxy, world.caFile, URL_OF_TOOL, BODY]);
  if (stdout.trim() === 'absent') return;
  expect(stdout.trim()).toBe('201 made');
  expectArrived();
});

test('openssl sees a chain that ends at the CA', async () => {
  const args = [
    's_client',
    '-connect',
    `127.0.0.1:${world.bound.tls?.port}`,
    '-servername',
    'api.stripe.test',
    '-CAfile',
    world.caFile,
    '-verify_return_error',
    '-verify_hostname',
    'api.stripe.test',
    '-x509_strict',
  ];
  const child = run('openssl', args);
  child.child.stdin?.end();
  const { stdout } = await child;
  expect(stdout).toContain('Verify return code: 0 (ok)');
});
