/**
 * The afternoon of docs/first-agent.md, with the commands that stand there and the example's own image. Only the outside
 * is another: a payment API and a list of vendors whose authority the agent has to be told of.
 */
import { execFileSync } from 'node:child_process';
import { eventually, waitFor } from '../../test/apiserver/wait-for.ts';
import { Cluster, type Pod } from '../cluster/cluster.ts';
import { installAegis } from '../world/aegis.ts';
import { doctor } from '../world/doctor.ts';
import { Guide } from '../world/guide.ts';
import { Outside } from '../world/outside.ts';

const NAMESPACE = 'payments';
const AGENTS = { stable: 'payments-agent', canary: 'payments-agent-canary' };
const VENDORS = 'example.com';
const POLICY = /^invoice-payments +(\w+) +True +Completed +2\/2 /m;
/** What the agent writes in one round. */
const PAID =
  /vendors: list read, 200\nINV-1001 480.00 usd: payment pi_\w+, \w+\nINV-1002 4999.00 usd: payment pi_\w+, \w+\nINV-1003 50000.00 usd: payment pi_/;
const REFUSED =
  /vendors: list read, 200\nINV-1001 480.00 usd: payment pi_\w+, \w+\nINV-1002 4999.00 usd: payment pi_\w+, \w+\nINV-1003 50000.00 usd: no payment: amount must be at most 5000\.\n/;

const cluster = Cluster.attach();
const guide = new Guide(cluster, 'docs/first-agent.md');
let outside: Outside;

/** The one pod of a track that is not about to end, with everything in it ready. */
function podOf(track: keyof typeof AGENTS): Promise<Pod> {
  return waitFor(
    async () => {
      const pods = await cluster.pods(NAMESPACE, `track=${track}`);
      const [pod] = pods;
      return pods.length === 1 && pod?.status.conditions?.some(isReady) && pod;
    },
    60_000,
    `no single ready pod of ${track}`,
  );
}

const isReady = ({ type, status }: { type: string; status: string }) => type === 'Ready' && status === 'True';

/** What the agent has written since `from`, until its last lines read so. */
async function writes(track: keyof typeof AGENTS, expected: RegExp, from = new Date()): Promise<void> {
  const words = [
    '-n',
    NAMESPACE,
    'logs',
    `deploy/${AGENTS[track]}`,
    '-c',
    'agent',
    `--since-time=${from.toISOString()}`,
  ];
  let text = '';
  const so = async () => {
    text = (await cluster.run(words)).stdout;
    return expected.test(text);
  };
  await waitFor(so, 60_000, () => `${track} does not write ${expected}: ${text}`);
}

async function diagnosis(track: keyof typeof AGENTS): Promise<string> {
  const { metadata } = await podOf(track);
  return (await doctor(cluster, { namespace: NAMESPACE, name: metadata.name })).text;
}

/** @throws where a command fails */
async function typed(section: string, words: string): Promise<string> {
  const { code, text } = await guide.type(section, words);
  if (code !== 0) throw new Error(text);
  return text;
}

beforeAll(async () => {
  outside = await Outside.open(cluster, ['api.stripe.com', VENDORS, 'www.iana.org'], '203.0.113.60');
  await installAegis(cluster);
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } });
  const { ca } = outside.authority;
  // by the name under which OpenSSL looks for an authority in a folder
  const hash = execFileSync('openssl', ['x509', '-noout', '-subject_hash'], { input: ca, encoding: 'utf8' }).trim();
  const data = { 'ca.crt': ca, [`${hash}.0`]: ca };
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'outside', namespace: NAMESPACE },
    data,
  });
  const url = 'url: "https://api.stripe.com"';
  guide.rewrite('policies/tool.yaml', url, `${url}, tls: {caRef: {name: outside}}`);
  agentTrusts('SSL_CERT_FILE', '/outside/ca.crt');
}, 300_000);

afterAll(async () => {
  await cluster.removeNamespace(NAMESPACE);
  await outside?.close();
  guide.remove();
});

/** The agent knows the outside's authority by this variable, and makes its rounds faster. */
function agentTrusts(name: string, value: string): void {
  const file = 'deploy/agent.yaml';
  guide.restore(file);
  guide.rewrite(file, 'value: "30"}', `value: "4"}\n        - {name: ${name}, value: ${value}}`);
  guide.rewrite(
    file,
    '        resources:',
    '        volumeMounts: [{name: outside, mountPath: /outside}]\n        resources:',
  );
  guide.rewrite(
    file,
    '      containers:',
    '      volumes: [{name: outside, configMap: {name: outside}}]\n      containers:',
  );
}

test('0: the agent does what it is talked into', async () => {
  await typed('0', 'create secret');
  await guide.shows('0', 'create secret', PAID);
  expect(outside.arrived.map(({ authorization }) => authorization)).toContain('Bearer sk_test_YOURS');
});

test('1: with a gateway before it everything passes, and is written down', async () => {
  // from here on the gateway's authority is in SSL_CERT_FILE; what it does not read is still the outside's
  agentTrusts('SSL_CERT_DIR', '/outside');
  await cluster.kubectl(['apply', '--server-side', '-k', `${guide.folder}/examples/payments-agent/deploy`]);
  // a pod that is deleted while it starts does not hear of it, and stays for half a minute
  await Promise.all([podOf('stable'), podOf('canary')]);
  const text = await typed('1', 'steps/1-look');
  expect(text).toMatch(/deployment "payments-agent-canary" successfully rolled out/);
  for (const track of ['stable', 'canary'] as const) await podOf(track);
  await eventually(async () => {
    const seen = await cluster.kubectl(['-n', NAMESPACE, 'get', 'pods,agreg']);
    expect(seen.match(/^pod\/payments-agent\S+ +2\/2 +Running +0 /gm)).toHaveLength(2);
    for (const name of Object.values(AGENTS))
      expect(seen).toMatch(new RegExp(`/${name} +${name} +True +Bound +1/1 +Observe +false `));
  }, 60_000);
  await writes('stable', PAID);
  const log = await guide.shows('1', '"kind":"decision"', /"tool":"stripe-payments","action":"create_payment"/);
  const lines = log
    .trim()
    .split('\n')
    .filter((line) => line.startsWith('{'));
  for (const line of lines)
    expect(JSON.parse(line)).toMatchObject({ verdict: 'allow', reasons: [{ code: 'UNMATCHED_OBSERVE' }] });
  expect(log).not.toMatch(/50000|5000000|INV-/);
  expect(await diagnosis('stable')).toMatch(
    /– policies cover its tools: none about stripe-payments: calls pass.*Nothing is wrong\.\n/s,
  );
});

test('2: a policy in shadow says what it would refuse, and refuses nothing', async () => {
  await typed('2', 'steps/2-shadow');
  expect(POLICY.exec(await guide.shows('2', 'steps/2-shadow', POLICY))?.[1]).toBe('Shadow');
  // both commands of the block, in one go
  const both =
    /"code":"UNMATCHED_OBSERVE".*"candidates":\[\{"policy":"payments\/invoice-payments".*"verdict":"deny".*would_deny"\} [1-9]/s;
  expect(await guide.shows('2', 'port-forward', both)).toMatch(
    /^aegis_gateway_candidate_calls_total\{policy="payments\/invoice-payments",difference="none"\} \d+$/m,
  );
  await writes('stable', PAID);
  await writes('canary', PAID);
});

test('3: the canary refuses, the other one does not', async () => {
  await typed('3', 'steps/3-canary');
  expect(POLICY.exec(await guide.shows('3', 'steps/3-canary', POLICY))?.[1]).toBe('Partial');
  await guide.shows('3', '--tail=4', REFUSED);
  await writes('stable', PAID);
  expect(await guide.shows('3', 'PolicyViolation', /create_payment/)).toMatch(
    /agentregistration\/payments-agent-canary +\d+ calls? of stripe-payments\/create_payment refused: ABOVE_MAXIMUM by payments\/invoice-payments\/cap/,
  );
});

test('4: both refuse, and what nobody has thought of', async () => {
  await typed('4', 'steps/4-enforce');
  expect(POLICY.exec(await guide.shows('4', 'steps/4-enforce', POLICY))?.[1]).toBe('Enforce');
  await guide.shows('4', '--tail=4', REFUSED);
  const { code, text } = await guide.type('4', 'refunds');
  expect(code).not.toBe(0);
  expect(text).toMatch(/PermissionError: stripe-payments has no action for this POST\./);
  expect(outside.arrived.filter(({ path }) => path.includes('refunds'))).toEqual([]);
});

test('what was seen since step 1 says where else the agent goes', async () => {
  const seen = await guide.shows('1', 'status.egress', /"destination"/, 120);
  const { observed } = JSON.parse(seen) as { observed: object[] };
  expect(observed).toContainEqual(
    expect.objectContaining({ destination: VENDORS, port: 443, protocol: 'tcp', refused: false }),
  );
  expect(await diagnosis('stable')).toMatch(/allow:\n +- host: example\.com\n +ports: \[443\]\n/);
});

test('5: no way around', async () => {
  await typed('5', 'steps/5-guard');
  for (const track of ['stable', 'canary'] as const) await podOf(track);
  await eventually(async () => {
    const seen = await cluster.kubectl(['-n', NAMESPACE, 'get', 'agreg', '-o', 'wide']);
    for (const name of Object.values(AGENTS))
      expect(seen).toMatch(new RegExp(`^${name} +${name} +True +Bound +1/1 +Enforce +false +\\S+ +Guarded `, 'm'));
  }, 60_000);
  const before = outside.arrived.length;
  const [block = ''] = guide.blocks('5', '1.1.1.1');
  const [byAddress = '', byName = '', inside = '', ...more] = block.trim().split('\n');
  expect(more).toEqual([]);
  expect((await guide.run(byAddress)).text).toMatch(/ConnectionRefusedError/);
  expect((await guide.run(byName)).text).toMatch(/URLError/);
  expect((await guide.run(inside)).text).toMatch(/aegis-exec.*nobody enters the container aegis-gateway/);
  expect(outside.since(before).filter(({ host }) => host === 'www.iana.org')).toEqual([]);
  // the list of vendors is allowed
  await writes('stable', REFUSED);
  await eventually(async () => {
    const diagnosed = await diagnosis('stable');
    expect(diagnosed).toMatch(/✓ egress guard: Enforce/);
    expect(diagnosed).toMatch(/Nothing is wrong/);
  }, 60_000);
});

test('6: the agent no longer holds the key', async () => {
  await typed('6', 'steps/6-key');
  const { metadata, spec } = await podOf('stable');
  const from = outside.arrived.length;
  await writes('stable', REFUSED);
  const { stdout } = await cluster.exec({ namespace: NAMESPACE, name: metadata.name, container: 'agent' }, ['env']);
  expect(stdout).toMatch(/^STRIPE_API_KEY=not-needed$/m);
  expect(stdout).not.toMatch(/sk_test/);
  const { volumes, ...containers } = spec as typeof spec & { volumes: object[] };
  const mounted = volumes.filter((volume) => JSON.stringify(volume).includes('"stripe-key"')) as { name: string }[];
  expect(mounted).toHaveLength(1);
  const holders = [...(containers.initContainers ?? []), ...containers.containers].filter((container) =>
    (container as { volumeMounts?: { name: string }[] }).volumeMounts?.some(({ name }) => name === mounted[0]?.name),
  );
  expect(holders.map(({ name }) => name)).toEqual(['aegis-gateway']);
  const keys = outside.since(from).filter(({ path }) => path.startsWith('/v1/'));
  expect(new Set(keys.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer sk_test_YOURS']));
  await eventually(async () => {
    const diagnosed = await diagnosis('stable');
    expect(diagnosed).toMatch(/✓ gateway is ready/);
    expect(diagnosed).toMatch(/Nothing is wrong/);
  }, 60_000);
});
