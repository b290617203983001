/** The README's tour against the real program in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(__dirname, '..', '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'aegis-run-'));
const policies = join(folder, 'policies.yaml');

let child: ChildProcess;
let output = '';
let decisions = '';
let api = '';

async function until<T>(what: string, ask: () => T | undefined | Promise<T | undefined>, millis: number): Promise<T> {
  const end = Date.now() + millis;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`${what} took longer than ${millis} ms:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const pay = (cents: number): Promise<Response> =>
  fetch(api, { method: 'POST', body: new URLSearchParams({ amount: String(cents), currency: 'usd' }) });

beforeAll(async () => {
  cpSync(join(root, 'config/samples/fintech'), folder, { recursive: true });
  child = spawn(
    process.execPath,
    [join(root, 'bin/aegis.mjs'), 'run', folder, '--stand-in', '--decisions-port', '0', '--proxy-port', '0'],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until('the start', () => (output.includes('ready;') ? true : undefined), 20_000);
  decisions = /decisions +(http:\S+)/.exec(output)?.[1] ?? '';
  api = `${/tool +(http:\S+)\//.exec(output)?.[1]}/v1/payment_intents`;
});

afterAll(async () => {
  if (child.exitCode === null) {
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
});

test('$4,999 reaches the payment API', async () => {
  const response = await pay(499_900);
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ object: 'payment_intent', amount: 499_900, status: 'succeeded' });
  expect(response.headers.get('aegis-decision-id')).toMatch(/^[0-9a-f-]{36}$/);
});

test('the forward proxy is the same gateway', async () => {
  const through = (cents: number): Promise<number> =>
    new Promise((done, failed) => {
      const path = 'http://api.stripe.com/v1/payment_intents';
      const headers = { host: 'api.stripe.com', 'content-type': 'application/x-www-form-urlencoded' };
      const { hostname, port } = new URL(api);
      const req = request({ hostname, port, method: 'POST', path, headers }, (res) => {
        res.resume();
        res.once('end', () => done(res.statusCode ?? 0));
      });
      req.once('error', failed);
      req.end(`amount=${cents}&currency=usd`);
    });
  expect(await through(499_900)).toBe(200);
  expect(await through(5_000_000)).toBe(403);
});

test('$50,000 is refused with policy, rule and reason', async () => {
  const response = await pay(5_000_000);
  expect(response.status).toBe(403);
  expect(response.headers.get('content-type')).toBe('application/problem+json');
  expect(await response.json()).toMatchObject({
    type: 'https://aegis.dev/problems/approval-required',
    policy: 'fintech/finance-payments',
    rule: 'cap-payments',
    code: 'ABOVE_MAXIMUM',
    approval: { status: 'unavailable' },
  });
});

test('a coerced agent gains nothing from its chain', async () => {
  const body = JSON.stringify({
    agent: 'finance-agent',
    tool: 'stripe-payments',
    action: 'create_payment',
    params: { amount: 50_000, currency: 'USD' },
    chain: ['planner-agent', 'finance-agent'],
  });
  const response = await fetch(decisions, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  expect(response.status).toBe(200);
  expect(await response.json()).toMatchObject({ enforced: { verdict: 'approval_needed' } });
});

test('an edited cap holds within a second', async () => {
  const text = readFileSync(policies, 'utf8');
  expect((await pay(600_000)).status).toBe(403);
  writeFileSync(policies, text.replace('maxAmount: 5000', 'maxAmount: 7000'));
  await until('the new cap', async () => ((await pay(600_000)).status === 200 ? true : undefined), 1000);
});

test('a broken edit says where, and the last good policy stays in force', async () => {
  const text = readFileSync(policies, 'utf8');
  writeFileSync(policies, text.replace('maxAmount', 'maxAmuont'));
  await until('the complaint', () => (output.includes('AEGIS_UNKNOWN_FIELD') ? true : undefined), 2000);
  expect(output).toMatch(/policies\.yaml:9:\d+: error AEGIS_UNKNOWN_FIELD/);
  expect(output).toContain('Did you mean maxAmount?');
  expect((await pay(100)).status).toBe(200);
  expect((await pay(800_000)).status).toBe(403);
  writeFileSync(policies, text);
  await until('the repair', () => (output.includes('all problems are solved') ? true : undefined), 2000);
});

test('no line of the log holds a parameter value', () => {
  expect(output).toContain('finance-agent → stripe-payments.create_payment');
  for (const value of ['499900', '4999', '600000', 'amount=']) expect(output).not.toContain(value);
});

test('SIGTERM ends it with 0', async () => {
  child.kill('SIGTERM');
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(0);
});
