/** A registration from options or from answers: least privilege, checked like lint before anything is written. */
import { aegis, sampleFiles } from '../support/memory-context.ts';

const BASIC = ['register', '--agent', 'finance-agent', '--owner', 'payments@example.com', '--tools', 'stripe-payments'];

test('the least: no other agent may call it, nothing passes without a policy, somebody looks again', async () => {
  const { code, stdout, written } = await aegis(BASIC, {});
  expect([code, stdout]).toEqual([0, 'wrote finance-agent.registration.yaml\n']);
  expect(written['finance-agent.registration.yaml']).toBe(`apiVersion: aegis.dev/v1alpha1
kind: AgentRegistration
metadata: {name: finance-agent}
spec:
  owner: payments@example.com
  # A pod is this agent when it has these labels and runs as this ServiceAccount, which no other workload should share.
  workload: {selector: {matchLabels: {app: finance-agent}}, serviceAccountName: finance-agent}
  # May be called at all; policies say how. A tool without actions stands for all of its actions.
  tools:
  - {toolId: stripe-payments}
  # No other agent may call it; it may act on its own.
  delegation: {maxDepth: 0, selfOrigin: true}
  # No quota over everything that it does; add budget.limits for one.
  # Deny: a tool that no enforced policy permits yet cannot be called. Observe would let such calls pass and record them.
  unmatched: Deny
  reviewBy: "2027-05-21"
`);
});

test('everything said', async () => {
  const more = [
    [
      '--namespace',
      'fintech',
      '--actions',
      'stripe-payments=get_payment,create_payment',
      '--purpose',
      'payments,refunds',
    ],
    ['--selector', 'app=finance,tier=backend', '--service-account', 'finance', '--accepts-from', 'planner-agent'],
    [
      '--max-depth',
      '2',
      '--self-origin',
      '--budget',
      '500/hour',
      '--budget',
      'cost=25.50/24h',
      '--review-by',
      '2027-01-31',
    ],
    ['--policies', 'fintech', '-o', '-'],
  ].flat();
  const files = sampleFiles('fintech');
  delete files['fintech/registrations.yaml'];
  const planner = `apiVersion: aegis.dev/v1alpha1
kind: AgentRegistration
metadata: {name: planner-agent, namespace: fintech}
spec:
  owner: a@example.com
  workload: {selector: {matchLabels: {app: planner}}, serviceAccountName: planner}
`;
  const { code, stdout, stderr, written } = await aegis([...BASIC, ...more], {
    ...files,
    'fintech/planner.yaml': planner,
  });
  expect([stderr, code, written]).toEqual(['', 0, {}]);
  expect(stdout).toContain('metadata: {name: finance-agent, namespace: fintech}');
  expect(stdout).toContain('selector: {matchLabels: {app: finance, tier: backend}}, serviceAccountName: finance}');
  expect(stdout).toContain('- {toolId: stripe-payments, actions: [get_payment, create_payment]}');
  expect(stdout).toContain('purpose: [payments, refunds]');
  expect(stdout).toContain('delegation: {acceptsFrom: [planner-agent], maxDepth: 2, selfOrigin: true}');
  expect(stdout).toContain('- {name: calls-1, rate: {max: 500, window: hour}}');
  expect(stdout).toContain('- {name: cost-2, budget: {cost: Estimated, max: "25.50", window: 24h}}');
});

test('an agent that others call does not act on its own unless it is said', async () => {
  const { written } = await aegis([...BASIC, '--accepts-from', 'planner-agent'], {});
  expect(Object.values(written)[0]).toContain(
    'delegation: {acceptsFrom: [planner-agent], maxDepth: 1, selfOrigin: false}',
  );
});

test('an agent without tools', async () => {
  const { code, written } = await aegis(['register', '--agent', 'planner', '--owner', 'a', '--no-tools'], {});
  expect(code).toBe(0);
  expect(Object.values(written)[0]).toContain('tools: []');
});

test('as JSON: the file and what is doubtful', async () => {
  const { code, stdout } = await aegis(
    [...BASIC, '--policies', 'fintech', '--namespace', 'fintech', '--output', 'json'],
    {
      'fintech/tool.yaml': sampleFiles('fintech')['fintech/tool.yaml'] as string,
    },
  );
  expect(JSON.parse(stdout)).toEqual({ file: 'finance-agent.registration.yaml', agent: 'finance-agent', findings: [] });
  expect(code).toBe(0);
});

test('a misspelt tool is written all the same, since it may come later, but shown, and the command fails', async () => {
  const { code, stderr, written } = await aegis(
    [
      'register',
      '--agent',
      'a',
      '--owner',
      'o',
      '--tools',
      'stripe-paymets',
      '--namespace',
      'fintech',
      '--policies',
      'fintech',
    ],
    { 'fintech/tool.yaml': sampleFiles('fintech')['fintech/tool.yaml'] as string },
  );
  expect([code, Object.keys(written)]).toEqual([1, ['a.registration.yaml']]);
  expect(stderr).toContain('AEGIS_UNKNOWN_TOOL: No AgentTool has the id "stripe-paymets".');
  expect(stderr).toContain('fix   Did you mean stripe-payments?');
});

describe('nobody to ask', () => {
  test.each([
    [['--owner', 'o', '--tools', 't'], '--agent'],
    [['--agent', 'a', '--tools', 't'], '--owner'],
    [['--agent', 'a', '--owner', 'o'], '--tools'],
  ])('%j needs %s', async (args, option) => {
    const { code, stderr, written } = await aegis(['register', ...args], {});
    expect([code, written]).toEqual([2, {}]);
    expect(stderr).toContain(`error AEGIS_ANSWER_MISSING: The registration needs ${option}.`);
  });
});

describe('at a terminal', () => {
  test('what is missing is asked, what has a default can be left empty', async () => {
    const answers = ['finance-agent', '', 'payments@example.com', 'stripe, slack', '', 'care', '', 'finance'];
    const { code, stderr, written } = await aegis(['register'], {}, { answers });
    expect(code).toBe(0);
    expect(stderr).toBe(
      'Id of the agent: Who answers for it (e-mail address): Who answers for it (e-mail address): ' +
        'Tools it may use (ids, or none): Agents that may call it (nothing: none): Purposes it works for (nothing: none): ' +
        'Labels of its pods (nothing: app=finance-agent): ServiceAccount of its pods (nothing: finance-agent): ',
    );
    const text = written['finance-agent.registration.yaml'] as string;
    expect(text).toContain('- {toolId: stripe}\n  - {toolId: slack}');
    expect(text).toContain('purpose: [care]');
    expect(text).toContain('matchLabels: {app: finance-agent}}, serviceAccountName: finance}');
  });

  test('nothing is asked where everything needed was said', async () => {
    expect((await aegis(BASIC, {}, { answers: [] })).stderr).toBe('');
  });

  test('none are no tools; an end of input is an error', async () => {
    const none = await aegis(['register', '--agent', 'a', '--owner', 'o'], {}, { answers: ['none', '', '', '', ''] });
    expect(none.written['a.registration.yaml']).toContain('tools: []');
    const ended = await aegis(['register', '--agent', 'a'], {}, { answers: [] });
    expect([ended.code, ended.written]).toEqual([2, {}]);
  });
});

test.each([
  [['--agent', 'Finance'], '--agent takes an id'],
  [['--namespace', 'a.b'], '--namespace takes a namespace'],
  [['--selector', 'app'], '--selector takes LABEL=VALUE'],
  [['--selector', 'app=ä'], '--selector: '],
  [['--service-account', 'Finance!'], '--service-account: '],
  [['--accepts-from', 'Planner'], '--accepts-from: '],
  [['--max-depth', '17'], '--max-depth: '],
  [['--max-depth', '-1'], '--max-depth takes'],
  [['--budget', '500'], '--budget takes'],
  [['--budget', '1.5/hour'], '--budget takes'],
  [['--budget', '5000000000/hour'], '--budget: '],
  [['--actions', 'other=x'], '--actions names other, but --tools does not'],
  [['--actions', 'stripe-payments='], '--actions takes TOOL=ACTION'],
  [['--review-by', '2027-13-01'], '--review-by: '],
  [['--owner', 'x'.repeat(300)], '--owner: '],
])('%j is refused', async (args, message) => {
  const { code, stderr, written } = await aegis([...BASIC, ...args], {});
  expect([code, written]).toEqual([2, {}]);
  expect(stderr).toContain(message);
});

test('words that YAML takes for something else stay text', async () => {
  const { code, written } = await aegis(
    [...BASIC, '--owner', 'yes', '--purpose', 'null,7', '--selector', 'on=off'],
    {},
  );
  expect(code).toBe(0);
  const text = Object.values(written)[0] as string;
  expect(text).toContain('owner: "yes"');
  expect(text).toContain('purpose: ["null", "7"]');
  expect(text).toContain('matchLabels: {"on": "off"}');
});

test('a file that is there is kept unless --force', async () => {
  const there = { 'finance-agent.registration.yaml': 'mine' };
  expect((await aegis(BASIC, there)).code).toBe(2);
  expect(Object.keys((await aegis([...BASIC, '--force'], there)).written)).toEqual(Object.keys(there));
});
