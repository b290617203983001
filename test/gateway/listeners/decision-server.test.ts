import type { Server } from 'node:http';
import type { Decision } from '../../../gateway/enforcement/decision.ts';
import { createMemoryLimitStore } from '../../../gateway/limits/memory-limit-store.ts';
import { createDecisionServer } from '../../../gateway/listeners/decision-server.ts';
import { createRecentDecisions } from '../../../gateway/listeners/recent-decisions.ts';
import type { RefusedRequest } from '../../../gateway/telemetry/call-hooks.ts';
import type { DecisionInput, PolicyResult } from '../../../policy/decision/types.ts';
import { fakeActivation, fakeDeps, input, result } from './fake-activation.ts';
import { type Answer, call, listen } from './http-client.ts';

const JSON_TYPE = ['Content-Type', 'application/json'];
const LIMIT = { id: 'l', per: 'Agent' as const, window: '1m', max: 2 };
let server: Server;
let port: number;
let loaded = true;
let evaluate: (call: DecisionInput) => PolicyResult;
let asked: DecisionInput[];
let decisions: Decision[];
let refused: RefusedRequest[];

beforeAll(async () => {
  const activation = fakeActivation((value) => {
    asked.push(value);
    return evaluate(value);
  });
  const source = {
    get: (tenant?: string) => (loaded && (tenant === undefined || tenant === 'fintech') ? activation : undefined),
    list: () => (loaded ? [activation] : []),
  };
  const deps = fakeDeps(
    undefined,
    createMemoryLimitStore(() => 0),
  );
  server = createDecisionServer({
    source,
    deps,
    recent: createRecentDecisions(4),
    ticks: () => performance.now(),
    onDecision: (decision) => decisions.push(decision),
    onRefused: (one) => refused.push(one),
    maxBody: 10_000,
    hosts: ['gateway.local'],
  });
  port = await listen(server);
});

beforeEach(() => {
  loaded = true;
  evaluate = () => result('allow');
  asked = [];
  decisions = [];
  refused = [];
});

afterAll(() => new Promise((done) => server.close(done)));

function ask(body: unknown, path = '/v1/decisions', headers = JSON_TYPE): Promise<Answer> {
  return call(port, 'POST', path, headers, typeof body === 'string' ? body : JSON.stringify(body));
}

test('a decision, whatever the verdict, is a 200', async () => {
  for (const verdict of ['allow', 'deny', 'approval_needed'] as const) {
    evaluate = () => result(verdict);
    const { status, json, headers } = await ask({ input: input({ amount: 1 }) });
    expect(status).toBe(200);
    expect(json).toMatchObject({ enforced: { verdict }, candidates: [] });
    expect(headers['aegis-decision-id']).toBe(json.decision_id);
    expect(headers['access-control-allow-origin']).toBeUndefined();
  }
  expect((await ask(input({ amount: 1 }))).json).toMatchObject({ enforced: { verdict: 'approval_needed' } });
  expect(decisions).toHaveLength(4);
});

test('OPA clients get {result, decision_id}; tool_calls are calls', async () => {
  const one = await ask({ input: input() }, '/v1/data/aegis/decision?pretty=true');
  expect(one.json).toMatchObject({
    decision_id: one.headers['aegis-decision-id'],
    result: { enforced: { verdict: 'allow' } },
  });
  evaluate = ({ action }) => result(action === 'get_payment' ? 'allow' : 'deny');
  const calls = ['stripe-payments.get_payment', 'stripe-payments/create_payment'].map((tool) => ({ tool, params: {} }));
  const both = await ask({ input: { agent: 'finance-agent', tool_calls: calls } }, '/v1/data/aegis/decision');
  expect(both.json.result).toMatchObject({
    enforced: { verdict: 'deny' },
    calls: [{ enforced: { verdict: 'allow' } }, {}],
  });
  expect((await ask(input(), '/v1/data/aegis/decision')).status).toBe(400);
});

test.each([
  ['', 'AEGIS_INPUT_SYNTAX'],
  ['{', 'AEGIS_INPUT_SYNTAX'],
  ['[]', 'AEGIS_INPUT_FIELD'],
  ['{"input":5}', 'AEGIS_INPUT_FIELD'],
  ['{"input":{"agent":"a"}}', 'AEGIS_INPUT_MISSING'],
  [{ input: input({}, { agent: 'A B' }) }, 'AEGIS_INPUT_FIELD'],
  [{ input: input({}, { cohort: { 'a/b': true } }) }, 'AEGIS_INPUT_FIELD'],
  [{ input: input(), dryRun: 'yes' }, 'AEGIS_INPUT_FIELD'],
  [{ input: input(), more: 1 }, 'AEGIS_INPUT_FIELD'],
  ['{"input":{"agent":"a","agent":"b"}}', 'AEGIS_INPUT_DUPLICATE_KEY'],
])('malformed is a 400 that says deny: %j', async (body, code) => {
  const { status, json } = await ask(body);
  expect({ status, json }).toMatchObject({
    status: 400,
    json: { code, enforced: { verdict: 'deny' }, candidates: [] },
  });
  expect(json.decision_id).toMatch(/^id-/);
  expect(refused).toEqual([{ code, status: 400, via: 'decisions', decisionId: json.decision_id }]);
  expect(asked).toHaveLength(0);
});

test('only local names, JSON, POST, and so many bytes', async () => {
  expect((await ask(input(), '/v1/decisions', [...JSON_TYPE, 'Host', 'evil.example'])).status).toBe(403);
  expect((await ask(input(), '/v1/decisions', [...JSON_TYPE, 'Host', '127.0.0.1.evil.example'])).status).toBe(403);
  expect(refused).toMatchObject([
    { code: 'AEGIS_REQUEST_REFUSED', status: 403 },
    { code: 'AEGIS_REQUEST_REFUSED', status: 403 },
  ]);
  for (const host of ['localhost', 'LOCALHOST:8181', '[::1]:8181', 'gateway.local:8181']) {
    expect((await ask(input(), '/v1/decisions', [...JSON_TYPE, 'Host', host])).status).toBe(200);
  }
  expect((await ask(input(), '/v1/decisions', ['Content-Type', 'text/plain'])).json).toMatchObject({
    status: 415,
    enforced: { verdict: 'deny' },
  });
  expect((await ask(input(), '/v1/decisions', [...JSON_TYPE, 'Content-Encoding', 'gzip'])).status).toBe(415);
  expect((await call(port, 'GET', '/v1/decisions')).status).toBe(405);
  expect((await call(port, 'GET', '/metrics')).status).toBe(404);
  const large = input({ memo: 'x'.repeat(20_000) });
  expect((await ask(large)).json).toMatchObject({ status: 413, enforced: { verdict: 'deny' } });
  const chunked = await ask(large, '/v1/decisions', [...JSON_TYPE, 'Transfer-Encoding', 'chunked']);
  expect(chunked.status).toBe(413);
});

test('no bundle: 503 and a deny; not ready', async () => {
  loaded = false;
  expect((await ask(input())).json).toMatchObject({
    status: 503,
    code: 'AEGIS_NO_BUNDLE',
    enforced: { verdict: 'deny' },
  });
  expect(await call(port, 'GET', '/health')).toMatchObject({ status: 503, json: { live: true, ready: false } });
  loaded = true;
  expect(await call(port, 'GET', '/health')).toMatchObject({
    status: 200,
    json: { ready: true, bundles: [{ tenant: 'fintech', sequence: 7 }] },
  });
});

test('a tenant that is not loaded is denied', async () => {
  expect((await ask(input({}, { tenant: 'other' }))).json).toMatchObject({
    enforced: { verdict: 'deny', reasons: [{ code: 'UNKNOWN_TENANT' }] },
  });
});

test('an evaluator that fails is a deny, and nothing of its message leaks', async () => {
  evaluate = () => {
    throw new Error('secret');
  };
  const { status, body } = await ask(input());
  expect(status).toBe(200);
  expect(body).toContain('EVALUATION_FAILED');
  expect(body).not.toContain('secret');
});

test('limits are spent at once, not by a dry run, and by several calls together or not at all', async () => {
  evaluate = ({ action }) => (action === 'transfer' ? result('deny') : result('allow', { limits: [LIMIT] }));
  const verdictOf = async (body: unknown) => (await ask(body)).json.enforced.verdict;
  for (let i = 0; i < 5; i++) expect(await verdictOf({ input: input(), dryRun: true })).toBe('allow');
  const calls = ['create_payment', 'transfer'].map((action) => ({ tool: 'stripe-payments', action, params: {} }));
  expect(await verdictOf({ input: { agent: 'finance-agent', tool_calls: calls } })).toBe('deny');
  expect(await verdictOf({ input: input() })).toBe('allow');
  expect(await verdictOf({ input: input() })).toBe('allow');
  expect(await verdictOf({ input: input() })).toBe('rate_limited');
});

test("the caller's time counts in a dry run only", async () => {
  const context = { time: '2020-01-01T00:00:00Z', purpose: 'care' };
  await ask({ input: input({}, { context }) });
  await ask({ input: input({}, { context }), dryRun: true });
  expect(asked.map((value) => value.context)).toEqual([{ purpose: 'care' }, context]);
});

test('recent decisions can be looked up, without parameters', async () => {
  evaluate = () => result('deny');
  const { json } = await ask(input({ memo: 'secret-memo' }));
  const found = await call(port, 'GET', `/v1/decisions/${json.decision_id}`);
  expect(found.json).toMatchObject({
    decision_id: json.decision_id,
    verdict: 'deny',
    agent: 'finance-agent',
    tool: 'stripe-payments',
  });
  expect(found.body).not.toContain('secret-memo');
  for (let i = 0; i < 4; i++) await ask(input());
  expect((await call(port, 'GET', `/v1/decisions/${json.decision_id}`)).json).toMatchObject({
    status: 404,
    code: 'AEGIS_DECISION_UNKNOWN',
  });
});

test('exact numbers of obligations are written as they are', async () => {
  const { NumberLiteral } = await import('../../../policy/number-literal.ts');
  evaluate = () =>
    result('allow', { limits: [{ ...LIMIT, id: 'big', max: new NumberLiteral('1234567890123456.75') as never }] });
  expect((await ask(input())).body).toContain('"max":1234567890123456.75');
});
