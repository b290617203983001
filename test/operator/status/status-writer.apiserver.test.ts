import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { policyStatus } from '../../../operator/status/policy-status.ts';
import { registrationStatus } from '../../../operator/status/registration-status.ts';
import { STATUS_MANAGER } from '../../../operator/status/status-writer.ts';
import { tenantStatus } from '../../../operator/status/tenant-status.ts';
import { toolStatus } from '../../../operator/status/tool-status.ts';
import type { AgentPolicyStatus } from '../../../policy/resources/types.generated.ts';
import { ApiServer } from '../../apiserver/api-server.ts';
import {
  POLICIES,
  policyView,
  REGISTRATIONS,
  REVISIONS,
  SHADOW,
  TENANTS,
  TOOLS,
  UNKNOWN_FIELD,
} from './sample-views.ts';
import { type MakeStatus, StatusWorld, until } from './status-world.ts';

const NAMESPACE = 'fintech';

/** The least that the schema accepts. */
const SPECS: Readonly<Record<string, unknown>> = {
  AgentPolicy: { scope: { tenantWide: true }, rules: [{ name: 'reads', type: 'Permit', actions: ['get_payment'] }] },
  AgentRegistration: {
    owner: 'payments@example.com',
    workload: { selector: { matchLabels: { app: 'finance' } }, serviceAccountName: 'finance' },
  },
  AgentTool: {
    protocol: 'HTTP',
    upstream: { url: 'https://api.example.com' },
    riskTier: 'high',
    actions: [{ name: 'get_payment', effect: 'read', match: { method: 'GET', path: '/v1/payments' } }],
  },
  AgentTenant: { namespaces: [NAMESPACE] },
};

function manifest(kind: string, name: string): KubeObject & { spec: unknown } {
  const metadata = { name, ...(kind !== 'AgentTenant' && { namespace: NAMESPACE }) };
  return { apiVersion: 'aegis.dev/v1alpha1', kind, metadata, spec: SPECS[kind] };
}

/** Every sample with the function that makes its status, by `Kind namespace/name`. */
const SAMPLES: [string, KubeObject, MakeStatus][] = [
  ...Object.entries(POLICIES).map(([name, view]): [string, KubeObject, MakeStatus] => [
    `AgentPolicy ${NAMESPACE}/${name}`,
    manifest('AgentPolicy', name),
    (generation, previous, now) => policyStatus({ ...view(now), generation }, previous, now),
  ]),
  ...Object.entries(REGISTRATIONS).map(([name, view]): [string, KubeObject, MakeStatus] => [
    `AgentRegistration ${NAMESPACE}/${name}`,
    manifest('AgentRegistration', name),
    (generation, previous, now) => registrationStatus({ ...view(), generation }, previous, now),
  ]),
  ...Object.entries(TOOLS).map(([name, view]): [string, KubeObject, MakeStatus] => [
    `AgentTool ${NAMESPACE}/${name}`,
    manifest('AgentTool', name),
    (generation, previous, now) => toolStatus({ ...view(), generation }, previous, now),
  ]),
  ...Object.entries(TENANTS).map(([name, view]): [string, KubeObject, MakeStatus] => [
    `AgentTenant ${name}`,
    manifest('AgentTenant', name),
    (generation, previous, now) => tenantStatus({ ...view(), generation }, previous, now),
  ]),
];

let server: ApiServer;
let world: StatusWorld;

beforeAll(async () => {
  server = await ApiServer.start();
  const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } };
  server.kubectl(['apply', '-f', '-'], JSON.stringify(namespace));
  const items = SAMPLES.map(([, object]) => object);
  server.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
  world = new StatusWorld(server);
  await world.start();
  for (const [key, , make] of SAMPLES) world.set(key, make);
  await world.quiet();
}, 120_000);

afterAll(async () => {
  await world?.stop();
  await server?.stop();
});

type Live = KubeObject & { status: AgentPolicyStatus };

/** What the API server has, not the copy. */
async function live(kindKey: string): Promise<Live> {
  const [kind = '', key = ''] = kindKey.split(' ');
  const [namespace, name] = key.includes('/') ? key.split('/') : ['', key];
  const plurals: Record<string, string> = { AgentPolicy: 'agentpolicies' };
  const plural = plurals[kind] ?? `${kind.toLowerCase()}s`;
  const place = namespace === '' ? '' : `namespaces/${namespace}/`;
  const { body } = await server.raw('GET', `/apis/aegis.dev/v1alpha1/${place}${plural}/${name}`);
  return body as Live;
}

/** The copy is what the API server has. */
async function caughtUp(kindKey: string): Promise<void> {
  const { resourceVersion } = (await live(kindKey)).metadata;
  await until(() => world.object(kindKey)?.metadata.resourceVersion === resourceVersion);
}

/** Compared with the committed text; AEGIS_GOLDEN=write writes it. */
function expectGolden(name: string, text: string): void {
  const file = join(__dirname, 'golden', name);
  if (process.env.AEGIS_GOLDEN === 'write') writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
}

function withoutTimes(text: string): string {
  return text
    .replaceAll(/\b\d{1,3}s {0,6}/g, 'AGO   ')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
    .replaceAll(/(UID|Resource Version):( +)\S+/g, '$1:$2…')
    .replaceAll(/ +$/gm, '');
}

test('every status is accepted, and the writer has no trouble', () => {
  expect(world.errors).toEqual([]);
  expect(world.writer.stats()).toMatchObject({ writes: SAMPLES.length, repairs: 0, conflicts: 0, throttled: 0 });
});

test('kubectl get reads at a glance', () => {
  const kinds = ['agpol', 'agreg', 'agtool', 'agten'];
  const short = kinds.map((kind) => server.kubectl(['get', kind, '-n', NAMESPACE])).join('\n');
  expectGolden('kubectl-get.txt', withoutTimes(short));
  for (const line of short.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
  const wide = kinds.map((kind) => server.kubectl(['get', kind, '-n', NAMESPACE, '-o', 'wide'])).join('\n');
  expectGolden('kubectl-get-wide.txt', withoutTimes(wide));
});

test('kubectl describe reads well', () => {
  const text = ['typo', 'in-shadow'].map((name) => server.kubectl(['describe', 'agpol', name, '-n', NAMESPACE]));
  expectGolden('kubectl-describe.txt', withoutTimes(text.join('\n')));
});

test('a second pass writes nothing', async () => {
  for (const [key] of SAMPLES) await caughtUp(key);
  const metadata = () => Promise.all(SAMPLES.map(async ([key]) => (await live(key)).metadata));
  const before = await metadata();
  const { writes, unchanged } = world.writer.stats();
  for (const [key] of SAMPLES) world.writer.mark(key);
  await world.quiet();
  expect(world.writer.stats()).toMatchObject({ writes, unchanged: unchanged + SAMPLES.length });
  expect(await metadata()).toEqual(before);
});

test('what somebody else wrote into a status goes away, fields of their own included', async () => {
  const key = `AgentPolicy ${NAMESPACE}/enforced`;
  const before = (await live(key)).status;
  const forged = {
    observedGeneration: 99,
    agents: { matched: 0 },
    lastHandledRequestAt: 'yesterday',
    rollout: { gate: { to: 'Enforce', checks: [{ name: 'fine', outcome: 'Pass' }] } },
    warnings: ['all is well'],
    conditions: [
      { type: 'Ready', status: 'False', reason: 'Mine', message: 'mine', lastTransitionTime: '2020-01-01T00:00:00Z' },
      { type: 'mine/Own', status: 'True', reason: 'Mine', message: 'mine', lastTransitionTime: '2020-01-01T00:00:00Z' },
    ],
  };
  const patch = ['patch', 'agpol', 'enforced', '-n', NAMESPACE, '--subresource=status', '--type=merge'];
  server.kubectl([...patch, '-p', JSON.stringify({ status: forged })]);
  await caughtUp(key);
  world.writer.mark(key);
  await until(() => world.writer.stats().repairs === 1);
  await world.quiet();
  const { status, metadata } = await live(key);
  const timeless = ({ conditions = [], ...rest }: AgentPolicyStatus) => ({
    ...rest,
    conditions: conditions.map(({ lastTransitionTime: _, ...each }) => each),
  });
  expect(timeless(status)).toEqual(timeless(before));
  const managers = (metadata.managedFields as { manager: string; subresource?: string; operation: string }[])
    .filter(({ subresource }) => subresource === 'status')
    .map(({ manager, operation }) => `${manager} ${operation}`);
  expect(managers).toEqual([`${STATUS_MANAGER} Apply`]);
  const { writes } = world.writer.stats();
  await caughtUp(key);
  world.writer.mark(key);
  await world.quiet();
  expect(world.writer.stats().writes).toBe(writes);
});

test('two managers of the same fields do not write in turns', async () => {
  const key = `AgentPolicy ${NAMESPACE}/suspended`;
  const { status } = await live(key);
  const stolen = { ...manifest('AgentPolicy', 'suspended'), status };
  const apply = ['apply', '--server-side', '--force-conflicts', '--subresource=status', '--field-manager=argocd'];
  server.kubectl([...apply, '-f', '-'], JSON.stringify(stolen));
  await caughtUp(key);
  world.set(key, (generation, previous, now) => policyStatus(policyView({ generation }), previous, now));
  await until(async () => (await live(key)).status.conditions?.some(({ reason }) => reason === 'Completed') ?? false);
  await caughtUp(key);
  const { resourceVersion } = (await live(key)).metadata;
  world.writer.mark(key);
  await world.quiet();
  expect((await live(key)).metadata.resourceVersion).toBe(resourceVersion);
});

test('an object that was made anew gets a status of its own, and one that is gone none', async () => {
  const key = `AgentPolicy ${NAMESPACE}/one-behind`;
  server.kubectl(['delete', 'agpol', 'one-behind', '-n', NAMESPACE]);
  world.writer.mark(key);
  server.kubectl(['apply', '--server-side', '-f', '-'], JSON.stringify(manifest('AgentPolicy', 'one-behind')));
  world.writer.mark(key);
  await caughtUp(key);
  world.writer.mark(key);
  await until(async () => (await live(key)).status.observedGeneration === 1);
  server.kubectl(['delete', 'agpol', 'one-behind', '-n', NAMESPACE]);
  await until(() => world.object(key) === undefined);
  world.writer.mark(key);
  await world.quiet();
  expect(world.errors).toEqual([]);
});

test('what was made from an older version of the object does not get through', async () => {
  const key = `AgentPolicy ${NAMESPACE}/publishing`;
  const { conflicts } = world.writer.stats();
  const patch = (text: string) => JSON.stringify({ spec: { change: { reason: text } } });
  const before = await live(key);
  // synchronous: the copy cannot be told before the mark is handled
  world.set(key, (generation, previous, now) => policyStatus(policyView({ generation }), previous, now));
  server.kubectl(['patch', 'agpol', 'publishing', '-n', NAMESPACE, '--type=merge', '-p', patch('newer')]);
  await until(async () => (await live(key)).status.observedGeneration === 2);
  expect(before.metadata.generation).toBe(1);
  expect(world.writer.stats().conflicts).toBe(conflicts + 1);
});

test('events tell of transitions, once', async () => {
  const key = `AgentPolicy ${NAMESPACE}/in-cohort`;
  world.events.length = 0;
  const show = async (change: Parameters<typeof policyView>[0], reason: string) => {
    const writes = world.writer.stats().writes;
    world.set(key, (generation, previous, now) => policyStatus(policyView({ ...change, generation }), previous, now));
    await until(() => world.writer.stats().writes > writes);
    await caughtUp(key);
    expect((await live(key)).status.conditions?.find(({ type }) => type === 'Ready')?.reason).toBe(reason);
  };
  await show({ takesPart: 'lastGood', findings: [UNKNOWN_FIELD], rollout: SHADOW }, 'UnknownField');
  await show({ rollout: SHADOW }, 'GateRunning');
  await show({ rollout: { ...SHADOW, stage: 'Partial', partialPercent: 34 } }, 'GateRunning');
  await show({ rollout: { ...SHADOW, phase: 'RolledBack' } }, 'RolledBack');
  await show({ rollout: { ...SHADOW, revision: REVISIONS[0], phase: 'GateRunning' } }, 'GateRunning');
  expect(world.events.map(({ type, reason, note }) => `${type} ${reason}: ${note}`)).toMatchInlineSnapshot(`
[
  "Warning Stalled: UnknownField: spec.rules[0].conditions.maxAmout: There is no field "maxAmout" here. Did you mean "maxAmount"? Correct the spelling or the place of the field; docs/reference.md lists the fields of each kind. (AEGIS_UNKNOWN_FIELD) The last good version stays in use.",
  "Normal StageChanged: Revision sha256:222222222222 moves from Partial to Shadow.",
  "Normal Recovered: No longer stalled (UnknownField).",
  "Normal StageChanged: Revision sha256:222222222222 moves from Shadow to Partial.",
  "Warning RolledBack: Revision sha256:222222222222 was taken back from stage Partial.",
  "Normal RevisionStaged: Revision sha256:111111111111 enters stage Shadow.",
]
`);
});
