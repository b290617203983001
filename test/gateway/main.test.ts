import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, get, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Ajv from 'ajv';
import { parse } from 'yaml';
import { type GatewayProcess, startGateway } from '../support/gateway-process.ts';
import { until } from './telemetry/decisions.ts';

const ROOT = join(__dirname, '../..');
const MAIN = join(ROOT, 'gateway/main.ts');

let folder: string;
let settings: Record<string, string>;
const running: GatewayProcess[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'aegis-main-'));
  const aegis = (...args: string[]) =>
    execFileSync(process.execPath, [join(ROOT, 'cli/main.ts'), ...args], { cwd: folder });
  aegis('compile', join(ROOT, 'config/samples/fintech'), '-o', 'out');
  aegis('keygen', '-o', 'key');
  aegis('sign', 'out', '--key', 'key.key', '--sequence', '3');
  settings = {
    tenant: 'fintech',
    agent: 'finance-agent',
    'bundle.directory': join(folder, 'out'),
    'bundle.trustedKeys': join(folder, 'key.pub'),
  };
});
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.kill();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function start(more: Record<string, string> = {}, until?: 'live'): Promise<GatewayProcess> {
  const gateway = await startGateway({ settings: { ...settings, ...more }, ...(until && { until }) });
  running.push(gateway);
  return gateway;
}

function run(args: readonly string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } });
}
const flags = (values: Record<string, string>): string[] =>
  Object.entries(values).map(([key, value]) => `--${key}=${value}`);

test('wrong settings: all are told, with their places, and nothing starts', () => {
  const file = join(folder, 'wrong.yaml');
  writeFileSync(file, 'tenant: fintech\nlisten:\n  decisons: 127.0.0.1:1\n');
  const { status, stdout, stderr } = run(['--config', file, '--drain.grace', 'soon'], { AEGIS_GATEWAY_AGNET: 'x' });
  expect(status).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain(`${file}:3: There is no setting listen.decisons; did you mean listen.decisions?`);
  expect(stderr).toContain('--drain.grace: drain.grace takes a duration');
  expect(stderr).toContain('There is no setting AEGIS_GATEWAY_AGNET; did you mean AEGIS_GATEWAY_AGENT?');
});

test('a file or an address that is not usable is named by its setting', async () => {
  const busy = createServer().listen(0, '127.0.0.1');
  await once(busy, 'listening');
  const { port } = busy.address() as AddressInfo;
  const off = { 'listen.proxy': 'off', 'listen.admin': 'off', 'listen.decisions': '127.0.0.1:0' };
  const taken = run(flags({ ...settings, ...off, 'listen.admin': `127.0.0.1:${port}` }));
  busy.close();
  expect([taken.status, taken.stderr]).toEqual([2, expect.stringMatching(/^listen\.admin: .*EADDRINUSE/)]);
  const noFile = run(
    flags({ ...settings, ...off, 'telemetry.otlp.endpoint': 'http://127.0.0.1:1', 'telemetry.otlp.caFile': '/no' }),
  );
  expect([noFile.status, noFile.stderr]).toEqual([
    2,
    expect.stringContaining('telemetry.otlp.caFile: the file /no cannot be read (ENOENT).'),
  ]);
  const block = run(flags({ ...settings, ...off, 'upstream.allowPrivate': 'nonsense' }));
  expect([block.status, block.stderr]).toEqual([2, expect.stringContaining('upstream.allowPrivate takes blocks')]);
});

test('help, version and the settings in force', () => {
  expect(run(['--help']).stdout).toContain('--listen.decisions (address or off; default 127.0.0.1:8181)');
  expect(run(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const { status, stdout } = run([...flags(settings), '--check-config']);
  expect(status).toBe(0);
  expect(stdout).toContain('tenant: fintech  # --tenant\n');
});

test('the editor schema takes what the program takes', () => {
  const schema = JSON.parse(execFileSync('cat', [join(ROOT, 'schemas/gateway-config.json')], { encoding: 'utf8' }));
  const valid = new Ajv({ strict: false }).compile(schema);
  const text = `
tenant: fintech
bundle: {directory: /b, trustedKeys: [/k], minSequence: 2}
listen: {tools: {stripe-payments: "127.0.0.1:16001"}, tls: off}
telemetry: {otlp: {endpoint: "http://c:4318"}, whenFull: DenyWrites}
`;
  expect(valid(parse(text))).toBe(true);
  expect(valid(parse('telemetry: {otpl: {}}'))).toBe(false);
  expect(valid(parse('limits: {replicas: 0}'))).toBe(false);
  expect(valid(parse('drain: {grace: 20}'))).toBe(false);
});

test('without a bundle: alive, not ready, every call refused; ready once there is one', async () => {
  const late = join(folder, 'late');
  const gateway = await start({ 'bundle.directory': late, 'bundle.pollInterval': '50ms' }, 'live');
  const health = await fetch(`http://127.0.0.1:${gateway.admin}/health/ready`);
  expect([health.status, await health.json()]).toEqual([503, { ready: false, reason: 'no bundle' }]);
  expect((await fetch(`http://127.0.0.1:${gateway.proxy}/stripe-payments/v1/payment_intents/pi_1`)).status).toBe(503);
  execFileSync('cp', ['-r', join(folder, 'out'), late]);
  await until(() => gateway.stderr().includes('"bundle.activated"'));
  expect((await fetch(`http://127.0.0.1:${gateway.admin}/health/ready`)).status).toBe(200);
});

test('it decides, logs and counts; SIGTERM lets a stream in flight end, and is not ready meanwhile', async () => {
  let answer: ServerResponse | undefined;
  const tool = createServer((_, res) => {
    answer = res;
    res.writeHead(200, { 'Content-Type': 'application/json' });
    res.write('{"id":"pi_1",');
  }).listen(0, '127.0.0.1');
  await once(tool, 'listening');
  try {
    const { port } = tool.address() as AddressInfo;
    const gateway = await start({ 'upstream.overrides': `stripe-payments=http://127.0.0.1:${port}` });
    const [res] = await once(
      get(`http://127.0.0.1:${gateway.proxy}/stripe-payments/v1/payment_intents/pi_1`),
      'response',
    );
    expect(res.statusCode).toBe(200);
    let text = '';
    res.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await until(() => text !== '');
    const ended = once(gateway.child, 'exit');
    gateway.child.kill('SIGTERM');
    await until(() => gateway.stderr().includes('"draining"'));
    const ready = await fetch(`http://127.0.0.1:${gateway.admin}/health/ready`);
    expect(await ready.json()).toEqual({ ready: false, reason: 'draining' });
    const metrics = await (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text();
    expect(metrics).toContain('aegis_gateway_calls_in_flight 1\n');
    expect(metrics).toContain('action="get_payment",verdict="allow",taken="allow"');
    answer?.end('"object":"payment_intent"}');
    await once(res, 'end');
    expect(JSON.parse(text)).toEqual({ id: 'pi_1', object: 'payment_intent' });
    expect((await ended)[0]).toBe(0);
    const lines = gateway.log().filter(({ action }) => action === 'get_payment');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ kind: 'decision', via: 'prefix', taken: 'allow', sequence: 3 });
  } finally {
    tool.closeAllConnections();
    tool.close();
  }
});

test('what is refused before it is a call is in the log and counted, and who loops does not fill it', async () => {
  const gateway = await start();
  const ask = (host: string) =>
    new Promise((done) => {
      const options = {
        port: gateway.proxy,
        method: 'CONNECT',
        path: `${host}:443`,
        headers: { host: `${host}:443`, authorization: 'secret' },
      };
      const req = request({ host: '127.0.0.1', ...options }, () => undefined);
      req.on('connect', ({ statusCode }, socket) => {
        socket.destroy();
        done(statusCode);
      });
      req.end();
    });
  for (let i = 0; i < 200; i++) expect(await ask('evil.example')).toBe(403);
  expect(await ask('other.example')).toBe(403);
  const metrics = await (await fetch(`http://127.0.0.1:${gateway.admin}/metrics`)).text();
  expect(metrics).toContain('aegis_gateway_refused_total{code="AEGIS_HOST_UNKNOWN"} 201\n');
  expect(await gateway.stop()).toBe(0);
  const lines = gateway.log().filter(({ kind }) => kind === 'refused');
  expect(lines[0]).toMatchObject({ tenant: 'fintech', agent: 'finance-agent', via: 'proxy', status: 403, count: 1 });
  const count = (name: string) =>
    lines.filter(({ host }) => host === name).reduce((sum, line) => sum + (line.count as number), 0);
  expect([count('evil.example'), count('other.example')]).toEqual([200, 1]);
  expect(lines.length).toBeLessThan(12);
  expect(gateway.stdout()).not.toContain('secret');
});

test('a second signal ends it at once', async () => {
  const tool = createServer((_, res) => res.writeHead(200).write('x')).listen(0, '127.0.0.1');
  await once(tool, 'listening');
  try {
    const { port } = tool.address() as AddressInfo;
    const gateway = await start({
      'upstream.overrides': `stripe-payments=http://127.0.0.1:${port}`,
      'drain.grace': '1h',
    });
    const call = get(`http://127.0.0.1:${gateway.proxy}/stripe-payments/v1/payment_intents/pi_1`);
    call.on('error', () => undefined);
    const [res] = await once(call, 'response');
    res.on('error', () => undefined);
    const ended = once(gateway.child, 'exit');
    gateway.child.kill('SIGTERM');
    await until(() => gateway.stderr().includes('"draining"'));
    expect(gateway.child.exitCode).toBeNull();
    gateway.child.kill('SIGINT');
    expect((await ended)[0]).toBe(1);
  } finally {
    tool.closeAllConnections();
    tool.close();
  }
});

test('`aegis gateway` becomes the gateway: the same process, no second one', async () => {
  execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), join(folder, 'app/dist')]);
  execFileSync('cp', ['-r', join(ROOT, 'bin'), join(folder, 'app/bin')]);
  const args = [
    'gateway',
    ...flags({ ...settings, 'listen.proxy': 'off', 'listen.decisions': '127.0.0.1:0', 'listen.admin': '127.0.0.1:0' }),
  ];
  const child = spawn(process.execPath, [join(folder, 'app/bin/aegis.mjs'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  try {
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    await until(() => log.includes('"bundle.activated"'), 20_000);
    expect(log).not.toContain('Warning');
    const command = execFileSync('cat', [`/proc/${child.pid}/cmdline`], { encoding: 'utf8' }).split('\0');
    expect(command).toContain('--max-semi-space-size=4');
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
  } finally {
    child.kill('SIGKILL');
  }
});
