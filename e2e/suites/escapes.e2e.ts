/**
 * What somebody inside a guarded pod tries to reach the tool undecided. The attempts run as the container of the agent;
 * whether they got anywhere is looked at from outside: everything that arrives was decided and allowed, and nothing else
 * leaves the pod at all.
 */
import { existsSync, writeFileSync } from 'node:fs';
import { eventually, waitFor } from '../../test/apiserver/wait-for.ts';
import { Cluster } from '../cluster/cluster.ts';
import { NODE_ADDRESS } from '../cluster/layout.ts';
import { IMAGES } from '../images/images.ts';
import { OPERATOR_NAMESPACE } from '../support/operator.ts';
import { installAegis, published } from '../world/aegis.ts';
import { AgentPod, deployment, HARDENED } from '../world/agent.ts';
import { DECIDED, type World } from '../world/escapes/inside/attempt.ts';
import { KILLED, READY } from '../world/escapes/inside/crash.ts';
import { InsidePod, type Tried } from '../world/escapes/inside-pod.ts';
import { NodeWatch } from '../world/escapes/node-watch.ts';
import { AGENT, CREDENTIAL, guardedAgent, relay, TOOL_ID } from '../world/escapes/objects.ts';
import { Listeners } from '../world/listeners.ts';
import { Outside } from '../world/outside.ts';
import { killNine, processOf } from '../world/pod-processes.ts';

const AT_LEAST = 35;
const GATEWAY_UID = 16_001;
const TOOL = { host: 'pay.escapes.example.com', address: '203.0.113.50' };
const ALLOWED = { host: 'files.escapes.example.com', address: '203.0.113.51' };
const ALIAS = 'alias.escapes.example.com';
/** Nobody may reach it at any port. */
const ELSEWHERE = '203.0.113.66';
const PORTS = {
  tcp: [21, 22, 25, 53, 853, 3128, 5432, 6379, 8080, 8443, 9000, 15_001, 15_020, 15_080, 15_443, 50_000],
  udp: [53, 80, 123, 443, 4433, 5353, 9999],
};
const NODE6 = 'fd00:e2e::1';
const GUARDED6 = 'fd00:e2e::99';
const FREE6 = 'fd00:e2e::98';

const cluster = Cluster.attach();
const listeners = new Listeners();
const node = new NodeWatch();
const tried: Tried[] = [];
let namespace = '';
let free = '';
let tool: Outside;
let allowed: Outside;
let agent: AgentPod;
let inside: InsidePod;
let world: World;
let uid = '';

async function servicesOf(place: string): Promise<string[]> {
  const { items } = await cluster.json<{ items: { spec: { clusterIP: string } }[] }>(['get', '-n', place, 'services']);
  return items.map(({ spec }) => spec.clusterIP).filter((address) => /^\d/.test(address));
}

async function openOutside(): Promise<void> {
  tool = await Outside.open(cluster, [TOOL.host], TOOL.address);
  allowed = await Outside.open(cluster, [ALLOWED.host], ALLOWED.address);
  tool.name(ALIAS);
  for (const address of [TOOL.address, ALLOWED.address]) await listeners.tcp(address, PORTS.tcp);
  for (const address of [TOOL.address, ALLOWED.address, ELSEWHERE]) await listeners.udp(address, PORTS.udp);
  await listeners.tcp(ELSEWHERE, [80, 443, ...PORTS.tcp]);
}

/** A pod of no agent, in a namespace where nothing is injected, to show that whoever is not guarded is seen. */
async function startFree(): Promise<void> {
  for (const object of relay(free, TOOL.address, IMAGES.workload)) await cluster.apply(object);
  await cluster.whenReady(free, 'relay');
}

async function startGuarded(): Promise<void> {
  const hosts = { tool: TOOL.host, allowed: ALLOWED.host };
  for (const object of guardedAgent(namespace, hosts, tool.authority.ca)) await cluster.apply(object);
  await published(cluster, namespace, AGENT);
  await cluster.apply(deployment({ namespace, name: AGENT }));
  agent = await AgentPod.of(cluster, namespace, AGENT);
  inside = new InsidePod(cluster, namespace, agent.name, 'agent');
  await inside.bring();
}

/** Both families, the filter of the node, and what the attempts are told. */
async function surround(): Promise<void> {
  const pod = await agent.pod();
  const unguarded = await cluster.pod(free, 'relay');
  uid = pod.metadata.uid;
  const ipv6 = node.addIpv6(uid, GUARDED6, NODE6);
  if (ipv6.length > 0) {
    node.addIpv6(unguarded.metadata.uid, FREE6, NODE6);
    for (const address of ipv6) {
      const place = address.replace('%eth0', '%aegis0');
      await listeners.tcp(place, [80, 443, ...PORTS.tcp]);
      await listeners.udp(place, PORTS.udp);
    }
    node.watch('GUARDED6', GUARDED6, ['-p ipv6-icmp']);
  }
  node.watchDoor(uid, GATEWAY_UID, NODE_ADDRESS);
  const operator = await servicesOf(OPERATOR_NAMESPACE);
  const expected = [
    ...['udp', 'tcp'].map((protocol) => `-d ${NODE_ADDRESS} -p ${protocol} --dport 53`),
    // answers to the kubelet's probes
    `-d ${NODE_ADDRESS} -p tcp --sport 15020`,
    `-d ${TOOL.address} -p tcp --dport 443`,
    ...[80, 443].map((port) => `-d ${ALLOWED.address} -p tcp --dport ${port}`),
    ...operator.map((address) => `-d ${address} -p tcp`),
  ];
  node.watch('GUARDED', pod.status.podIP ?? '', expected);
  node.watch('FREE', unguarded.status.podIP ?? '', []);
  const [serviceAddress = ''] = await servicesOf(free);
  const [operatorAddress = ''] = operator;
  world = {
    tool: { id: TOOL_ID, ...TOOL },
    elsewhere: ELSEWHERE,
    alias: ALIAS,
    allowed: ALLOWED,
    relay: { address: unguarded.status.podIP ?? '', service: `relay.${free}.svc.cluster.local`, serviceAddress },
    node: NODE_ADDRESS,
    operator: operatorAddress,
    gatewayUid: GATEWAY_UID,
    ipv6,
    ports: PORTS,
    freed: [],
  };
}

interface LogLine {
  kind: string;
  decision_id: string;
  taken: string;
  via?: string;
}

async function decisions(): Promise<LogLine[]> {
  const lines = (await agent.logs('aegis-gateway')).split('\n').filter((line) => line.includes('"kind":"decision"'));
  return lines.map((line) => JSON.parse(line) as LogLine);
}

/** Requests that are neither an allowed call with the gateway's credential, nor for the allowed host. */
function strays(): object[] {
  const isDecided = ({ scheme, host, method, path, authorization }: Outside['arrived'][number]) =>
    scheme === 'https' &&
    host === TOOL.host &&
    method === 'GET' &&
    path === DECIDED &&
    authorization === `Bearer ${CREDENTIAL}`;
  return tool.arrived.filter((request) => !isDecided(request));
}

/** A call that is allowed: what was under way before has arrived by now. */
async function allowedCall(): Promise<number> {
  const flags = ['-s', '-o', '/dev/null', '-m', '10', '-w', '%{http_code}'];
  const { stdout } = await agent.exec(['curl', ...flags, `https://${TOOL.host}${DECIDED}`]);
  return Number(stdout);
}

/** All of a group, and nothing that should not have arrived. */
async function attempts(group: string): Promise<void> {
  const results = await inside.try(group, world);
  tried.push(...results);
  expect(results.filter(({ asItShould }) => !asItShould).map(({ name, how }) => `${name}: ${how}`)).toEqual([]);
  // the payment API knows no such payment
  await eventually(async () => expect(await allowedCall()).toBe(404), 90_000);
  nothingEscaped();
  await denialsAreLogged(results);
}

function nothingEscaped(): void {
  const found = {
    strays: strays(),
    hits: listeners.hits.slice(0, 20),
    packets: node.seen('GUARDED'),
    ipv6: node.seen('GUARDED6'),
    door: node.atDoor(uid),
  };
  expect(found).toEqual({ strays: [], hits: [], packets: {}, ipv6: {}, door: 0 });
}

async function denialsAreLogged(results: readonly Tried[]): Promise<void> {
  for (const { name, how } of results.filter(({ logged }) => logged)) {
    const ids = [...how.matchAll(/\[([0-9a-f-]{36})\]/g)].map(([, id]) => id);
    await eventually(async () => {
      const denied = (await decisions()).filter(({ taken }) => taken === 'deny').map((line) => line.decision_id);
      expect({ name, how, logged: ids.some((id) => denied.includes(id ?? '')) }).toEqual({ name, how, logged: true });
    }, 30_000);
  }
}

beforeAll(async () => {
  await openOutside();
  await installAegis(cluster);
  namespace = await cluster.namespace('escapes', { 'aegis.dev/inject': 'enabled' });
  free = await cluster.namespace('escapes-free');
  await Promise.all([startFree(), startGuarded()]);
  await surround();
}, 300_000);

afterAll(async () => {
  if (tried.length > 0) console.log(table(tried));
  node.close();
  node.removeIpv6(NODE6);
  listeners.close();
  await tool?.close();
  await allowed?.close();
  for (const name of [namespace, free]) if (name !== '') await cluster.removeNamespace(name);
});

function table(rows: readonly Tried[]): string {
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(({ group, name, how, asItShould }) => {
    const end = how.replaceAll(/ \[[0-9a-f-]{36}\]/g, '');
    return `${asItShould ? '✓' : '✗'} ${group.padEnd(10)} ${name.padEnd(width)}  ${end.slice(0, 100)}`;
  });
  return `${rows.length} attempts to escape\n${lines.join('\n')}`;
}

test('a pod that nobody guards is seen: the same attempts arrive', async () => {
  const unguarded = new InsidePod(cluster, free, 'relay', 'relay');
  await unguarded.bring();
  await unguarded.try('direct', world);
  const seen = (protocol: string, address: string) =>
    new Set(
      listeners.hits.filter((hit) => hit.protocol === protocol && hit.address === address).map(({ port }) => port),
    );
  await eventually(() => {
    for (const port of PORTS.tcp) {
      expect(seen('tcp', TOOL.address)).toContain(port);
      expect(seen('tcp', ELSEWHERE)).toContain(port);
    }
    for (const port of PORTS.udp) expect(seen('udp', TOOL.address)).toContain(port);
    for (const address of world.ipv6) {
      expect(seen('tcp', address.replace('%eth0', '%aegis0'))).toContain(8080);
      expect(seen('udp', address.replace('%eth0', '%aegis0'))).toContain(9999);
    }
  }, 20_000);
  expect(node.seen('FREE')).toMatchObject({ tcp: expect.any(Number), udp: expect.any(Number) });
  listeners.hits.length = 0;
  tool.arrived.length = 0;
});

test('the pod is guarded, and what is allowed arrives with the credential that only the gateway has', async () => {
  const { metadata } = await agent.pod();
  expect(JSON.parse(metadata.annotations?.['aegis.dev/status'] ?? '')).toMatchObject({ guarded: true });
  expect(await allowedCall()).toBe(404);
  expect(tool.arrived).toHaveLength(1);
  nothingEscaped();
});

test('past the gateway, by sockets', () => attempts('direct'));

test('through the gateway to where it should not lead', () => attempts('ways'));

test('requests that two programs read in two ways', () => attempts('requests'));

test('by the rights of the process', () => attempts('rights'));

test('by way of neighbours', () => attempts('neighbours'));

test('from the source ports of connections that the tool has reset', async () => {
  expect(await allowedCall()).toBe(404);
  world = { ...world, freed: tool.reset() };
  expect(world.freed).not.toEqual([]);
  await attempts('reset');
});

test('every request that arrived is one that the gateway has allowed', async () => {
  await eventually(async () => {
    const permits = (await decisions()).filter(({ taken, via }) => taken === 'allow' && via !== 'api');
    expect(permits).toHaveLength(tool.arrived.length);
  }, 30_000);
  expect(tool.arrived.length).toBeGreaterThan(5);
  expect(allowed.arrived.map(({ path }) => path).sort()).toEqual(['/escapes/allowed-host', '/escapes/allowed-sni']);
});

test('while the gateway is killed and comes back', async () => {
  // so that it has a connection to lose
  expect(await allowedCall()).toBe(404);
  const running = attempts('crash');
  const { pid } = await processOf(uid, HARDENED.runAsUser);
  await waitFor(() => existsSync(`/proc/${pid}/root${READY}`), 30_000, 'the attempts have not begun');
  await killNine(uid, GATEWAY_UID);
  writeFileSync(`/proc/${pid}/root${KILLED}`, '');
  await running;
  const { status } = await agent.pod();
  expect(status.initContainerStatuses?.find(({ name }) => name === 'aegis-gateway')?.restartCount).toBeGreaterThan(0);
});

test('enough was tried', () => {
  expect(tried.length).toBeGreaterThanOrEqual(AT_LEAST);
  expect(new Set(tried.map(({ name }) => name)).size).toBe(tried.length);
});
