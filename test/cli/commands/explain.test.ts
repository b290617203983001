import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Explanation } from '../../../policy/explain/explanation.ts';
import { aegis, type Files, sampleFiles } from '../support/memory-context.ts';

const fintech = sampleFiles('fintech');
const payment = { agent: 'finance-agent', tool: 'stripe-payments', action: 'create_payment' };
const TOO_MUCH = { ...payment, params: { amount: 50000, currency: 'USD' } };

const text = (call: object, sample = 'fintech') =>
  aegis(['explain', JSON.stringify(call), '--policies', sample], sampleFiles(sample));

async function explained(call: object, sample = 'fintech'): Promise<Explanation> {
  const argv = ['explain', JSON.stringify(call), '--policies', sample, '--output', 'json'];
  return JSON.parse((await aegis(argv, sampleFiles(sample))).stdout) as Explanation;
}

test('a refused call: the rule, the line, the value and what would change it', async () => {
  const { code, stdout } = await text({ ...TOO_MUCH, chain: ['planner-agent', 'finance-agent'] });
  expect(stdout).toBe(`approval_needed  finance-agent calls stripe-payments/create_payment (tenant fintech)
  chain   planner-agent > finance-agent

ABOVE_MAXIMUM: amount must be at most 5000.
  rule    fintech/finance-payments/cap-payments  fintech/policies.yaml:7:11
  field   spec.rules[0].conditions.maxAmount  fintech/policies.yaml:9:29
     9 |     conditions: {maxAmount: 5000, currency: USD}          # any parameter: params: {memo: {pattern: …
       |                             ^
  why     amount is 50000
  call    send amount from 0 to 5000
  policy  set spec.rules[0].conditions.maxAmount to 50000 or more
`);
  expect(code).toBe(1);
});

test('a call that passes: by which rule, and under which limits', async () => {
  const { code, stdout } = await text({ ...payment, params: { amount: 5, currency: 'USD' } });
  expect(stdout).toMatch(/^allow {2}finance-agent calls stripe-payments\/create_payment \(tenant fintech\)\n/);
  expect(stdout).toContain('  rule    fintech/finance-payments/cap-payments  fintech/policies.yaml:7:11\n');
  expect(stdout).toContain('cap-payments/daily-spend: at most 20000 (amount) in 24h per agent (not counted here)');
  expect(code).toBe(0);
});

describe('what is handed in', () => {
  const json = JSON.stringify(TOO_MUCH);
  const cases: [string, string[], Files, string][] = [
    ['a file', ['call.json'], { 'call.json': json }, ''],
    ['standard input', ['-'], {}, json],
    ['as OPA clients send it', [JSON.stringify({ input: TOO_MUCH })], {}, ''],
  ];
  test.each(cases)('%s', async (_, argv, files, stdin) => {
    const result = await aegis(['explain', ...argv, '--policies', 'fintech'], { ...fintech, ...files }, { stdin });
    expect(result.stdout).toContain('why     amount is 50000');
    expect(result.code).toBe(1);
  });

  test.each([
    ['no call', '{"agent": "finance-agent"}'],
    ['no JSON', '{'],
    ['an unknown field', JSON.stringify({ ...TOO_MUCH, parms: {} })],
    ['a file that is not there', 'nothing.json'],
  ])('%s is wrong use', async (_, input) => {
    const { code, stdout } = await aegis(['explain', input, '--policies', 'fintech'], fintech);
    expect([code, stdout]).toEqual([2, '']);
  });
});

describe('refusals before any rule name the resource and what was probably meant', () => {
  const params = { amount: 1, currency: 'USD' };
  const cases: [string, object, Partial<Explanation['reasons'][number]>, string][] = [
    ['a misspelt agent', { ...payment, agent: 'finance-agnt', params }, { call: 'did you mean finance-agent?' }, ''],
    [
      'a misspelt tool',
      { ...payment, tool: 'stripe-payment', params },
      { code: 'UNKNOWN_TOOL', call: 'did you mean stripe-payments?' },
      'fintech/registrations.yaml:7',
    ],
    [
      'a misspelt action',
      { ...payment, action: 'create_payments', params },
      { code: 'UNKNOWN_ACTION', call: 'did you mean create_payment?' },
      'fintech/tool.yaml:11',
    ],
    [
      'an undeclared parameter',
      { ...payment, params: { ...params, amonut: 2 } },
      { code: 'UNDECLARED_PARAMETER', param: 'amonut', call: 'did you mean amount?' },
      'fintech/tool.yaml:15',
    ],
    [
      'a mistyped parameter',
      { ...payment, params: { ...params, amount: '1' } },
      { code: 'PARAMETER_TYPE', given: 'amount is of type string', call: 'send amount as number' },
      'fintech/tool.yaml:15',
    ],
    [
      'a caller that is not accepted',
      { ...payment, params, chain: ['marketing-agent', 'finance-agent'] },
      { code: 'CHAIN_REFUSED', given: 'finance-agent does not accept calls from marketing-agent' },
      'fintech/registrations.yaml:8',
    ],
    [
      'a chain that is too deep',
      { ...payment, params, chain: ['planner-agent', 'x', 'finance-agent'] },
      { code: 'CHAIN_REFUSED' },
      '',
    ],
    ['another tenant', { ...payment, params, tenant: 'fintec' }, { call: 'did you mean fintech?' }, ''],
  ];
  test.each(cases)('%s', async (_, call, reason, place) => {
    const { reasons, taken } = await explained(call);
    expect(taken).toBe('deny');
    expect(reasons).toEqual([expect.objectContaining(reason)]);
    const { file, line } = reasons[0]?.place?.location ?? { file: '', line: '' };
    expect(`${file}:${line}`.replace(/^:$/, '')).toBe(place);
  });
});

test('no permit: the rules that come nearest, and why each does not fit', async () => {
  const call = {
    agent: 'release-agent',
    tool: 'kubernetes',
    action: 'deploy',
    params: { environment: 'prod', service: 'shop', registry: 'registry.example.com', digest: 'x' },
    context: { time: '2026-03-03T12:00:00Z' },
  };
  const { reasons, nearest } = await explained(call, 'cicd');
  expect(reasons.map(({ code }) => code)).toEqual(['NO_PERMIT']);
  expect(nearest.slice(0, 2)).toEqual([
    expect.objectContaining({
      rule: 'staging',
      given: 'environment is "prod"',
      call: 'send environment: staging',
      place: expect.objectContaining({ field: 'spec.rules[1].when.params.environment.enum' }),
    }),
    expect.objectContaining({ rule: 'production', call: 'send environment: production' }),
  ]);
  expect(nearest.map(({ rule }) => rule)).toContain('deploy-any-time');
});

test('a Restrict that applies because something is unknown says so', async () => {
  const params = { patient: 'p-1', category: 'laboratory', destination: 'internal', region: 'us-east-1' };
  const call = { agent: 'care-assistant', tool: 'ehr-fhir', action: 'search_observations', params };
  const { reasons } = await explained(call, 'ehr');
  expect(reasons).toEqual([
    expect.objectContaining({
      code: 'APPROVAL_REQUIRED',
      rule: 'large-pages',
      applies: [
        expect.stringMatching(/^spec\.rules\[0\]\.when\.params\.count\.min cannot be decided.*count is missing/),
      ],
      call: expect.stringMatching(/^send count/),
    }),
  ]);
});

test('purpose, time and chain conditions are told in their own words', async () => {
  const night = { agent: 'night-summary', tool: 'ehr-fhir', action: 'read_observation' };
  const params = { id: 'o-1', destination: 'internal' };
  const noon = await explained({ ...night, params, context: { purpose: 'care', time: '2026-03-03T17:00:00Z' } }, 'ehr');
  expect(noon.reasons[0]).toMatchObject({
    code: 'OUTSIDE_TIME_WINDOW',
    given: 'the call is made on Tue at 12:00 America/New_York',
    call: 'call again within: daily 22:00-24:00 America/New_York, daily 00:00-06:00 America/New_York',
  });
  const billing = await explained(
    { ...night, params, context: { purpose: 'billing', time: '2026-03-03T04:30:00Z' } },
    'ehr',
  );
  expect(billing.reasons[0]).toMatchObject({ code: 'PURPOSE_MISMATCH', call: 'name the purpose care' });
});

test('values of sensitive parameters are never shown', async () => {
  const secret = 'x'.repeat(100_001).replace(/^x{6}/, 'S3CRET');
  const call = {
    agent: 'coding-agent',
    tool: 'github',
    action: 'commit_file',
    // 64 KiB is the most that one string of a call may have, so the rule is made stricter below
    params: { owner: 'example-org', repo: 'shop', path: '/src/a.ts', branch: 'agent/x', content: secret.slice(0, 200) },
  };
  const files = sampleFiles('cicd');
  files['cicd/policies.yaml'] = (files['cicd/policies.yaml'] as string).replace('maxLength: 100000', 'maxLength: 100');
  for (const output of ['text', 'json']) {
    const argv = ['explain', JSON.stringify(call), '--policies', 'cicd', '--output', output];
    const { stdout, stderr, code } = await aegis(argv, files);
    expect(stdout).toContain('content is sensitive, so its value is not shown');
    expect(stdout + stderr).not.toContain('S3CRET');
    expect(code).toBe(1);
  }
});

describe('a decision of a running gateway', () => {
  const id = '01981e2f-6d1c-7b3a-9c41-2f0d8f6f5a10';
  const stored = {
    decision_id: id,
    time: '2026-11-22T07:59:00.000Z',
    tenant: 'fintech',
    sequence: 3,
    agent: 'finance-agent',
    tool: 'stripe-payments',
    action: 'create_payment',
    verdict: 'approval_needed',
    taken: 'approval_needed',
    reasons: [
      {
        code: 'ABOVE_MAXIMUM',
        message: 'amount must be at most 5000.',
        policy: 'fintech/finance-payments',
        rule: 'cap-payments',
        param: 'amount',
      },
    ],
    candidates: [],
  };
  let server: Server;
  let address = '';
  let answer: [status: number, body: string] = [200, ''];
  let asked = '';

  beforeAll((done) => {
    server = createServer((req, res) => {
      asked = req.url ?? '';
      res.writeHead(answer[0], { 'Content-Type': 'application/json' }).end(answer[1]);
    }).listen(0, '127.0.0.1', () => {
      address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      done();
    });
  });
  afterAll((done) => {
    server.closeAllConnections();
    server.close(done);
  });

  const ask = (...more: string[]) =>
    aegis(['explain', id, '--policies', 'fintech', '--server', address, ...more], fintech);

  test('is explained from its reasons, with lines and without values', async () => {
    answer = [200, JSON.stringify(stored)];
    const { code, stdout } = await ask();
    expect(asked).toBe(`/v1/decisions/${id}`);
    expect(stdout).toBe(`approval_needed  finance-agent calls stripe-payments/create_payment (tenant fintech)

ABOVE_MAXIMUM: amount must be at most 5000.
  rule    fintech/finance-payments/cap-payments  fintech/policies.yaml:7:11
  field   spec.rules[0].conditions.maxAmount  fintech/policies.yaml:9:29
     9 |     conditions: {maxAmount: 5000, currency: USD}          # any parameter: params: {memo: {pattern: …
       |                             ^
  call    send amount from 0 to 5000
  policy  raise spec.rules[0].conditions.maxAmount

  note    decided at 2026-11-22T07:59:00.000Z with bundle 3; parameters are not stored
`);
    expect(code).toBe(1);
  });

  test('a rule that these policies do not have is said to be gone', async () => {
    const [reason] = stored.reasons;
    answer = [200, JSON.stringify({ ...stored, reasons: [{ ...reason, rule: 'gone' }] })];
    expect((await ask()).stdout).toContain('these policies have no such rule');
  });

  test.each([
    ['is not remembered', 404, '{}', 'AEGIS_DECISION_UNKNOWN'],
    ['is something else', 200, '{"hello": 1}', 'AEGIS_SERVER_UNREACHABLE'],
    ['is no JSON', 200, '<html>', 'AEGIS_SERVER_UNREACHABLE'],
  ])('that %s', async (_, status, body, code) => {
    answer = [status, body];
    const result = await ask();
    expect(result.stderr).toContain(code);
    expect(result.code).toBe(1);
  });

  test('no server, and no address', async () => {
    const argv = ['explain', id, '--policies', 'fintech', '--server'];
    const closed = await aegis([...argv, 'http://127.0.0.1:9'], fintech);
    expect(closed.stderr).toContain('AEGIS_SERVER_UNREACHABLE');
    expect((await aegis([...argv, 'nonsense'], fintech)).code).toBe(2);
  });
});
