/** The catalogue as a user meets it: list, show, add, and what the written files are worth. */
import { aegis, catalogue, type Files } from '../support/memory-context.ts';

test('list shows every entry with its actions, risk and hosts', async () => {
  const { code, stdout } = await aegis(['tools', 'list'], {});
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines[0]).toMatch(/^NAME +ACTIONS +RISK +HOSTS$/);
  expect(stdout).toMatch(/^stripe +\d+ read, \d+ write, \d+ irreversible +high +api\.stripe\.com$/m);
  expect(lines.every((line) => line.length <= 120)).toBe(true);
});

test('list as JSON names every action with its effect and risk', async () => {
  const { stdout } = await aegis(['tools', 'list', '--output', 'json'], {});
  const github = (JSON.parse(stdout) as { name: string; hosts: string[]; actions: object[] }[]).find(
    ({ name }) => name === 'github',
  );
  expect(github?.hosts).toEqual(['api.github.com', 'uploads.github.com']);
  expect(github?.actions).toContainEqual({ name: 'delete_repository', effect: 'irreversible', riskTier: 'critical' });
  expect(github?.actions).toContainEqual({ name: 'get_repository', effect: 'read', riskTier: 'medium' });
});

test('show prints the mapping, as text or as JSON', async () => {
  const text = await aegis(['tools', 'show', 's3'], {});
  expect(text.stdout).toBe(catalogue()['s3/tool.yaml']);
  const json = await aegis(['tools', 'show', 's3', '--output', 'json'], {});
  expect(JSON.parse(json.stdout)).toMatchObject({ kind: 'AgentTool', metadata: { name: 's3' } });
});

test.each([
  ['slak', 'Did you mean slack?'],
  ['StripE', 'Did you mean stripe?'],
  ['salesforce', 'It has: fhir, github, google-drive, kubernetes, s3, slack, stripe.'],
])('%s is not there: %s', async (name, hint) => {
  for (const verb of ['show', 'add']) {
    const { code, stderr, written } = await aegis(['tools', verb, name], {});
    expect([code, written]).toEqual([2, {}]);
    expect(stderr).toContain(`error AEGIS_CATALOGUE_UNKNOWN: The catalogue has no "${name}". ${hint}`);
  }
});

test('add writes the mapping and says what is next', async () => {
  const { code, stdout, written } = await aegis(['tools', 'add', 'stripe', '--into', 'policies'], {});
  expect(code).toBe(0);
  expect(Object.keys(written)).toEqual(['policies/stripe.tool.yaml']);
  const text = written['policies/stripe.tool.yaml'] as string;
  expect(text.split('\n').slice(1).join('\n')).toBe(catalogue()['stripe/tool.yaml']);
  expect(stdout).toBe(`wrote policies/stripe.tool.yaml

Until a policy permits an action of it to an agent, every call is denied.

Next:
  aegis register --agent AGENT --owner you@example.com --tools stripe -o policies/AGENT.registration.yaml
  aegis lint policies
`);
});

test.each([
  'stripe',
  'github',
  'slack',
  'fhir',
  'kubernetes',
  'google-drive',
  's3',
])('what add and register write for %s passes lint and its own tests, under other names', async (name) => {
  const where = ['--namespace', 'team-a'];
  const added = await aegis(
    ['tools', 'add', name, '--into', 'p', '--id', 'the.tool-7', ...where].concat([
      '--upstream',
      'https://api.internal.example.net/base',
      '--with-tests',
      '--agent',
      '1e5',
    ]),
    {},
  );
  expect([added.stderr, added.code]).toEqual(['', 0]);
  expect(added.stdout).toContain('aegis test p\n');
  expect(Object.values(added.written).join('')).not.toMatch(/example-agent/);
  const registered = await aegis(
    ['register', '--agent', '1e5', '--owner', 'a@example.com', '--tools', 'the.tool-7', ...where].concat([
      '--purpose',
      'care',
      '--policies',
      'p',
      '-o',
      'p/agent.yaml',
    ]),
    added.written,
  );
  expect([registered.stderr, registered.code]).toEqual(['', 0]);
  const files: Files = { ...added.written, ...registered.written };
  expect(files['p/the.tool-7.tool.yaml']).toContain('https://api.internal.example.net/base');
  expect(files['p/the.tool-7.tool.yaml']).toMatch(/^metadata: \{name: the\.tool-7, namespace: team-a\}$/m);
  expect((await aegis(['lint', 'p'], files)).stdout).toMatch(/^0 errors, 0 warnings in 4 files/);
  const tested = await aegis(['test', 'p'], files);
  expect(tested.stdout).toMatch(/ 0 failed/);
  expect(tested.code).toBe(0);
});

test('nothing is replaced without --force, and then nothing is written at all', async () => {
  const there = { 'p/stripe.tests.suite.yaml': 'mine' };
  const add = ['tools', 'add', 'stripe', '--into', 'p', '--with-tests', '--agent', 'a'];
  const refused = await aegis(add, there);
  expect([refused.code, refused.written]).toEqual([2, {}]);
  expect(refused.stderr).toContain(
    'AEGIS_OUTPUT_EXISTS: p/stripe.tests.suite.yaml exists already; nothing was written',
  );
  expect(Object.keys((await aegis([...add, '--force'], there)).written)).toHaveLength(3);
});

test.each([
  [['fhir'], /fhir has no public address; add --upstream URL/],
  [['stripe', '--id', 'Stripe'], /--id takes an id/],
  [['stripe', '--namespace', 'a_b'], /--namespace takes a namespace/],
  [['stripe', '--upstream', 'http://user@host'], /--upstream takes a base URL/],
  [['stripe', '--upstream', 'api.example.com'], /--upstream takes a base URL/],
  [['stripe', '--with-tests'], /--with-tests and --agent go together/],
  [['stripe', '--agent', 'a'], /--with-tests and --agent go together/],
])('add %j is wrong use', async (args, message) => {
  const { code, stderr, written } = await aegis(['tools', 'add', ...args], {});
  expect([code, written]).toEqual([2, {}]);
  expect(stderr).toMatch(message);
});

test('names in the printed commands are quoted where a shell needs it', async () => {
  const { stdout } = await aegis(['tools', 'add', 'slack', '--into', "my 'own' folder"], {});
  expect(stdout).toContain(`aegis lint 'my '\\''own'\\'' folder'\n`);
});

test('a command without its verb, and an unknown verb, show the help and exit with 2', async () => {
  for (const argv of [['tools'], ['tools', 'remove', 'stripe']]) {
    const { code, stdout, stderr } = await aegis(argv, {});
    expect(code).toBe(2);
    expect(stdout + stderr).toMatch(/Usage: aegis tools|unknown command/);
  }
});
