/**
 * The egress guard in breadth: what each of its settings lets through and tells, how `egress.allow` comes about, and
 * pods in which it cannot be granted. Depth: the suite of escapes.
 */
import { parse } from 'yaml';
import { eventually, waitFor } from '../../test/apiserver/wait-for.ts';
import { Cluster } from '../cluster/cluster.ts';
import { installAegis } from '../world/aegis.ts';
import { HARDENED } from '../world/agent.ts';
import { doctor } from '../world/doctor.ts';
import { Listeners, linkLocal } from '../world/listeners.ts';
import { AGENT_LABEL, DECIDED, ORDERS_HOST, OrdersTenant } from '../world/orders-tenant.ts';
import { Outside } from '../world/outside.ts';
import { type Attempt, named, Probe, probePod, probeTemplate } from '../world/probe.ts';

const HOSTS = ['files.example.com', 'a.mirror.example.com', 'unknown.example.com'];
/** Of the outside, beside that of its hosts; the guarded agent may reach one port of the first, and all of the second. */
const ONE_PORT = '203.0.113.31';
const ALL_PORTS = '203.0.113.32';
const NO_PORT = '203.0.113.33';
const PORTS = [443, 9000, 9001];

/** Why a guard is not granted, and a pod in which that is so. */
const UNGRANTED: Record<string, { problems: string[]; context?: object; spec?: object }> = {
  root: { problems: ['RootUser'], context: { ...HARDENED, runAsUser: 0, runAsNonRoot: false } },
  userless: { problems: ['RootUser'], context: { allowPrivilegeEscalation: false } },
  escalating: { problems: ['PrivilegeEscalation'], context: { runAsUser: 10_001 } },
  capable: { problems: ['AddedCapabilities'], context: { ...HARDENED, capabilities: { add: ['NET_ADMIN'] } } },
  privileged: { problems: ['PrivilegeEscalation', 'Privileged'], context: { runAsUser: 10_001, privileged: true } },
  shared: { problems: ['SharedProcesses'], spec: { shareProcessNamespace: true } },
  nosy: { problems: ['HostProcesses'], spec: { hostPID: true } },
  mounting: { problems: ['HostPath'], spec: { volumes: [{ name: 'node', hostPath: { path: '/usr/share' } }] } },
};

const cluster = Cluster.attach();
const ports = new Listeners();
const node6 = linkLocal();
let outside: Outside;
let tenant: OrdersTenant;
let probes: Map<string, Probe>;

const probe = (name: string) => named(probes, name);

const watched = { name: 'observe', agent: 'observe', labels: { app: 'observe' } };

beforeAll(async () => {
  outside = await Outside.open(cluster, [ORDERS_HOST, ...HOSTS], '203.0.113.30');
  for (const address of [ONE_PORT, ALL_PORTS, NO_PORT]) await ports.listen(address, PORTS);
  if (node6 !== undefined) await ports.listen(`${node6}%aegis0`, [9000]);
  await installAegis(cluster);
  const allow = [
    { host: 'files.example.com' },
    { host: '*.mirror.example.com', ports: [443] },
    { cidr: `${ONE_PORT}/32`, ports: [9000] },
    { cidr: `${ALL_PORTS}/32` },
  ];
  tenant = await OrdersTenant.make(cluster, outside, {
    labels: { 'aegis.dev/inject': 'enabled' },
    agents: [
      { name: 'off', egressGuard: 'Off' },
      { name: 'observe', egressGuard: 'Observe' },
      { name: 'enforce', egressGuard: 'Enforce', allow },
      ...[...Object.keys(UNGRANTED), 'host'].map((name) => ({ name, egressGuard: 'Enforce' as const })),
    ],
  });
  await tenant.published();
  const { namespace } = tenant;
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'observe', namespace },
    spec: { selector: { matchLabels: { app: 'observe' } }, template: probeTemplate({ ...watched, namespace }) },
  };
  await tenant.created(
    deployment,
    ...['off', 'enforce'].map((name) => probePod({ namespace, name, agent: name })),
    ...Object.entries(UNGRANTED).map(([name, { context = HARDENED, spec = {} }]) =>
      probePod({
        namespace,
        name,
        agent: name,
        container: { securityContext: context },
        spec: spec as Record<string, unknown>,
      }),
    ),
  );
  probes = await Probe.all(cluster, namespace, Object.keys(UNGRANTED).length + 3);
  for (const [name, each] of probes) if (name.startsWith('observe-')) probes.set('observe', each);
}, 300_000);

afterAll(async () => {
  await tenant?.remove();
  await outside?.close();
  ports.close();
});

/** Ways out that lead to no tool. */
const WAYS = {
  files: { tls: 'files.example.com' },
  filesPlain: { http: 'http://files.example.com/' },
  mirror: { tls: 'a.mirror.example.com' },
  mirrorPlain: { http: 'http://a.mirror.example.com/' },
  unknown: { tls: 'unknown.example.com' },
  unknownPlain: { http: 'http://unknown.example.com/' },
  onePort: { tcp: ONE_PORT, port: 9000 },
  otherPort: { tcp: ONE_PORT, port: 9001 },
  allPorts: { tcp: ALL_PORTS, port: 9001 },
  noPort: { tcp: NO_PORT, port: 9000 },
  onePortUdp: { udp: ONE_PORT, port: 9000 },
  otherPortUdp: { udp: ONE_PORT, port: 9001 },
  allPortsUdp: { udp: ALL_PORTS, port: 9001 },
  noPortUdp: { udp: NO_PORT, port: 9000 },
  quic: { udp: ALL_PORTS, port: 443 },
  noQuic: { udp: NO_PORT, port: 443 },
} satisfies Record<string, Attempt>;
type Way = keyof typeof WAYS;
const GRANTED: readonly Way[] = ['files', 'filesPlain', 'mirror', 'onePort', 'onePortUdp', 'allPorts', 'allPortsUdp'];

/** To the node, by IPv6, where pods have it. */
const WAYS6: Record<string, Attempt> =
  node6 === undefined ? {} : { tcp6: { tcp: `${node6}%eth0`, port: 9000 }, udp6: { udp: `${node6}%eth0`, port: 9000 } };

function wentThrough({ open, status }: { open?: boolean; status?: number }): boolean {
  return open === true || status === 200;
}

/** @returns names of the ways that led out */
async function waysOut(from: Probe): Promise<string[]> {
  const tried = await from.try<string>({ ...WAYS, ...WAYS6 });
  return Object.keys(tried)
    .filter((way) => wentThrough(tried[way] ?? {}))
    .sort();
}

test('Off: hosts of no tool and direct connections pass, tools are decided', async () => {
  expect(await waysOut(probe('off'))).toEqual([...Object.keys(WAYS), ...Object.keys(WAYS6)].sort());
  expect(await probe('off').try(tenant.orders('off'))).toEqual(DECIDED);
  expect(tenant.arrived('off')).toEqual(['/orders/ok-off']);
  expect(await tenant.until('off', 'EgressGuarded', 'NotRequested')).toMatchObject({ status: 'False' });
});

/** What the observed agent does beside its tool, and may do later. */
const WANTED: Record<string, Attempt> = {
  files: WAYS.files,
  unknownPlain: WAYS.unknownPlain,
  onePort: { ...WAYS.onePort, hold: 4000 },
  noPortUdp: { ...WAYS.noPortUdp, hold: 4000 },
};

test('Observe: everything passes', async () => {
  const tried = await probe('observe').try<string>({ ...WANTED, ...tenant.orders('observe') });
  expect(tried).toMatchObject(DECIDED);
  expect(Object.keys(WANTED).filter((way) => !wentThrough(tried[way] ?? {}))).toEqual([]);
  // what passes is not read
  expect(tried.files?.issuer).toMatch(/^Test CA /);
  expect(await tenant.until('observe', 'EgressGuarded', 'Observing')).toMatchObject({ status: 'False' });
});

test('Enforce: only egress.allow passes, of names, of networks, and of ports', async () => {
  expect(await tenant.until('enforce', 'EgressGuarded', 'Guarded')).toMatchObject({ status: 'True' });
  const before = outside.arrived.length;
  const arrived = ports.hits.length;
  expect(await waysOut(probe('enforce'))).toEqual([...GRANTED].sort());
  expect(
    outside
      .since(before)
      .map(({ scheme, host }) => `${scheme}://${host}`)
      .sort(),
  ).toEqual(['http://files.example.com', 'https://a.mirror.example.com', 'https://files.example.com']);
  const hits = ports.hits.slice(arrived).map(({ protocol, address, port }) => `${protocol} ${address}:${port}`);
  expect(hits.sort()).toEqual([
    `tcp ${ONE_PORT}:9000`,
    `tcp ${ALL_PORTS}:9001`,
    `udp ${ONE_PORT}:9000`,
    `udp ${ALL_PORTS}:9001`,
  ]);
  expect(await probe('enforce').try(tenant.orders('enforce'))).toEqual(DECIDED);
});

test('Enforce: what is refused is refused at once, with the code or an error of the network', async () => {
  const { unknownPlain, noPort, noPortUdp, noQuic } = await probe('enforce').try(WAYS);
  expect(unknownPlain).toMatchObject({ status: 403, text: expect.stringContaining('AEGIS_HOST_UNKNOWN') });
  expect(noPort).toEqual({ error: 'ECONNREFUSED' });
  expect(noPortUdp).toEqual({ error: 'ECONNREFUSED' });
  expect(noQuic).toEqual({ error: 'ECONNREFUSED' });
});

test('hostNetwork is refused, with an Event on the registration', async () => {
  const { namespace } = tenant;
  const { code, stderr } = await tenant.create(
    probePod({ namespace, name: 'host', agent: 'host', spec: { hostNetwork: true } }),
  );
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/AEGIS_INJECT_HOST_NETWORK: .* uses the network of its node/);
  await tenant.untilEvent('host', 'PodRefused', /^host: AEGIS_INJECT_HOST_NETWORK/);
});

test("a container with the gateway's user is refused by the API server itself", async () => {
  const { namespace } = tenant;
  const asGateway = [
    { container: { securityContext: { ...HARDENED, runAsUser: 16_001 } } },
    {
      container: { securityContext: { ...HARDENED, runAsUser: undefined } },
      spec: { securityContext: { runAsUser: 16_001 } },
    },
  ];
  for (const [index, each] of asGateway.entries()) {
    const { code, stderr } = await tenant.create(probePod({ namespace, name: `twin-${index}`, agent: 'off', ...each }));
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/aegis-reserved-user.*user 16001 is reserved/);
  }
});

describe('containers that the guard cannot hold are admitted, captured and decided', () => {
  test.each(Object.keys(UNGRANTED))('%s', async (name) => {
    const { problems = [] } = UNGRANTED[name] ?? {};
    const found = probe(name);
    const stamp = JSON.parse(found.pod.metadata.annotations?.['aegis.dev/status'] ?? '');
    expect(stamp).toMatchObject({ capture: 'Transparent', egressGuard: 'Enforce', guarded: false, problems });
    expect(await found.try({ ...tenant.orders(name), unknown: WAYS.unknownPlain })).toMatchObject({
      ...DECIDED,
      unknown: { status: 403 },
    });
    expect(tenant.arrived(name)).toEqual([`/orders/ok-${name}`]);
    const { status, message } = await tenant.until(name, 'EgressGuarded', problems[0] ?? '');
    expect(status).toBe('False');
    for (const problem of problems) expect(message).toContain(`${problem} (1 pod): `);
    await tenant.until(name, 'Ready', 'Bound');
  });

  test('doctor names every reason and its remedy', async () => {
    const { code, text } = await doctor(cluster, probe('privileged'));
    expect(code).toBe(1);
    expect(text).toContain('✗ egress guard: PrivilegeEscalation');
    expect(text).toContain('next: Set allowPrivilegeEscalation: false.');
    expect(text).toContain('next: Remove privileged.');
  });
});

describe('from Observe to Enforce', () => {
  const seen = [
    { destination: '203.0.113.31', port: 9000, protocol: 'tcp', refused: false },
    { destination: '203.0.113.33', port: 9000, protocol: 'udp', refused: false },
    { destination: 'files.example.com', port: 443, protocol: 'tcp', refused: false },
    { destination: 'unknown.example.com', port: 80, protocol: 'tcp', refused: false },
  ];
  let proposal: { spec: { egress: { allow: object[] } } };

  test('status.egress lists what passed, and doctor proposes egress.allow', async () => {
    const listed = async () => {
      const { egress } = await tenant.status('observe');
      return egress !== undefined && egress.observed.length >= seen.length && egress;
    };
    const { observed } = await waitFor(listed, 120_000, 'status.egress does not list it');
    expect(observed).toEqual(seen.map((each) => expect.objectContaining(each)));
    const { code, text } = await doctor(cluster, probe('observe'));
    expect(text).toContain('egress guard: Observe: nothing is refused');
    expect({ code, text }).toMatchObject({ code: 0 });
    const [, yaml = ''] = /in AgentRegistration observe:\n((?: {6}.*\n)+)/.exec(text) ?? [];
    proposal = parse(yaml) as typeof proposal;
    expect(proposal.spec.egress.allow).toEqual([
      { host: 'files.example.com', ports: [443] },
      { host: 'unknown.example.com', ports: [80] },
      { cidr: '203.0.113.31/32', ports: [9000] },
      { cidr: '203.0.113.33/32', ports: [9000] },
    ]);
  });

  test('a running pod keeps what it was started with, and the registration says so', async () => {
    const patch = JSON.stringify({ spec: { ...proposal.spec, egressGuard: 'Enforce' } });
    await cluster.kubectl(['patch', '-n', tenant.namespace, 'agreg/observe', '--type=merge', '-p', patch]);
    const { status, message } = await tenant.until('observe', 'EgressGuarded', 'OutdatedPods');
    expect(status).toBe('False');
    expect(message).toContain('kubectl rollout restart');
    const { text } = await doctor(cluster, probe('observe'));
    expect(text).toContain('✗ stamp of the webhook: OutdatedPods');
    expect(text).toContain('next: kubectl rollout restart deployment/observe');
  });

  test('restarted, exactly what was proposed goes through', async () => {
    const { namespace } = tenant;
    await cluster.kubectl(['rollout', 'restart', '-n', namespace, 'deployment/observe']);
    expect(await tenant.until('observe', 'EgressGuarded', 'Guarded', 120)).toMatchObject({ status: 'True' });
    await cluster.kubectl(['rollout', 'status', '-n', namespace, 'deployment/observe', '--timeout=60s']);
    const pods = await cluster.pods(namespace, `${AGENT_LABEL}=observe`);
    const { name } = probe('observe');
    const renewed = pods.find(({ metadata }) => metadata.name !== name);
    if (renewed === undefined) throw new Error('no new pod');
    const granted: string[] = ['files', 'unknownPlain', 'onePort', 'onePortUdp', 'noPort', 'noPortUdp'];
    expect(await waysOut(new Probe(renewed))).toEqual(granted.sort());
    expect(await new Probe(renewed).try(tenant.orders('renewed'))).toEqual(DECIDED);
  });

  test('what only new pods get is changed: it stays guarded, and a warning names the restart', async () => {
    const warnings = ['get', '-n', tenant.namespace, 'agreg/observe', '-o', 'jsonpath={.status.warnings}'];
    const superseded = /Some pods were started before .*rollout restart/;
    await eventually(async () => expect(await cluster.kubectl(warnings)).not.toMatch(superseded), 30_000);
    const patch = JSON.stringify({ spec: { egress: { allow: [] } } });
    await cluster.kubectl(['patch', '-n', tenant.namespace, 'agreg/observe', '--type=merge', '-p', patch]);
    await eventually(async () => expect(await cluster.kubectl(warnings)).toMatch(superseded), 30_000);
    expect(await tenant.until('observe', 'EgressGuarded', 'Guarded')).toMatchObject({ status: 'True' });
  });
});
