/**
 * Pods as they come: namespaces with and without the label, Pod Security levels, pods of every shape, those that were
 * there before, and what people are told about each.
 */
import { waitFor } from '../../test/apiserver/wait-for.ts';
import { Cluster } from '../cluster/cluster.ts';
import { initNames } from '../support/pods.ts';
import { installAegis } from '../world/aegis.ts';
import { deployment } from '../world/agent.ts';
import { curl, node, python } from '../world/clients.ts';
import { doctor } from '../world/doctor.ts';
import { ACCOUNT, AGENT_LABEL, DECIDED, ORDERS_HOST, OrdersTenant } from '../world/orders-tenant.ts';
import { Outside } from '../world/outside.ts';
import { shapedPod, workloads } from '../world/pod-shapes.ts';
import { named, Probe, probeContainer, probePod, resultOf } from '../world/probe.ts';

const ENABLED = { 'aegis.dev/inject': 'enabled' };
const POD_SECURITY = 'pod-security.kubernetes.io/enforce';
/** At which there is no tool. */
const ELSEWHERE = 'elsewhere.example.com';
const AGENT = 'worker';

const cluster = Cluster.attach();
/** A test whose calls go outside of the cluster. */
const onOwn = cluster.ownsNode ? test : test.skip;
let outside: Outside;
const tenants: OrdersTenant[] = [];
let main: OrdersTenant;
let strict: OrdersTenant;
let unlabelled: OrdersTenant;
let restricted: OrdersTenant;
let baseline: OrdersTenant;
let late: OrdersTenant;
let probes: Map<string, Probe>;

async function tenant(labels: Record<string, string>, ...more: Parameters<OrdersTenant['registration']>[0][]) {
  const made = await OrdersTenant.make(cluster, outside, { labels, agents: [{ name: AGENT }, ...more] });
  tenants.push(made);
  return made;
}

const probe = (name: string) => named(probes, name);

function pod(of: OrdersTenant, name: string, more: Partial<Parameters<typeof probePod>[0]> = {}): object {
  return probePod({ namespace: of.namespace, name, agent: AGENT, ...more });
}

/** Like most pods: nothing is said of users and rights. */
const PLAIN = { container: { securityContext: {} } };

beforeAll(async () => {
  outside = await Outside.open(cluster, [ORDERS_HOST, ELSEWHERE], '203.0.113.20');
  await installAegis(cluster);
  const twins = { 'example.com/twin': 'yes' };
  [main, strict, unlabelled, restricted, baseline, late] = await Promise.all([
    tenant(ENABLED, { name: 'twin-a', selects: twins }, { name: 'twin-b', selects: twins }),
    tenant({ 'aegis.dev/inject': 'strict', 'aegis.dev/allow-opt-out': 'true' }, { name: 'outsider' }),
    tenant({}),
    tenant({ ...ENABLED, [POD_SECURITY]: 'restricted' }, { name: 'guarded', egressGuard: 'Enforce' }),
    tenant({ ...ENABLED, [POD_SECURITY]: 'baseline' }, { name: 'observed', egressGuard: 'Observe' }),
    tenant({}),
  ]);
  await Promise.all(tenants.map((each) => each.published()));
  const early = {
    namespace: late.namespace,
    name: 'early',
    labels: { [AGENT_LABEL]: AGENT },
    serviceAccountName: ACCOUNT,
  };
  await Promise.all([
    main.created(
      pod(main, 'plain', PLAIN),
      shapedPod(main, AGENT),
      pod(main, 'stranger', { agent: 'nobody' }),
      ...workloads(main, AGENT),
    ),
    strict.created(
      pod(strict, 'strict'),
      pod(strict, 'outsider', { agent: 'outsider', labels: { 'aegis.dev/inject': 'false' } }),
    ),
    unlabelled.created(pod(unlabelled, 'unlabelled')),
    restricted.created(pod(restricted, 'restricted', { agent: 'guarded' })),
    baseline.created(pod(baseline, 'baseline', { agent: 'observed', ...PLAIN })),
    late.created(deployment({ ...early, container: probeContainer() })),
  ]);
  await cluster.kubectl(['create', '-n', main.namespace, 'job', 'once', '--from=cronjob/cron']);
  const counts = [
    [main, 4],
    [strict, 2],
    [unlabelled, 1],
    [restricted, 1],
    [baseline, 1],
  ] as const;
  const found = await Promise.all(counts.map(([{ namespace }, count]) => Probe.all(cluster, namespace, count)));
  probes = new Map(found.flatMap((each) => [...each]));
}, 300_000);

afterAll(async () => {
  await Promise.all(tenants.map((each) => each.remove()));
  await outside?.close();
});

describe('namespaces', () => {
  test('enabled: a pod of an agent gets the gateway, and nothing is wrong with it', async () => {
    const { pod: plain } = probe('plain');
    expect(initNames(plain)).toEqual(['aegis-gateway', 'aegis-capture']);
    await main.until(AGENT, 'Injected', 'AllInjected');
    expect(await main.until(AGENT, 'EgressGuarded', 'NotRequested')).toMatchObject({ status: 'False' });
    const { code, text } = await doctor(cluster, probe('plain'));
    expect(text).toContain('Nothing is wrong.');
    expect(code).toBe(0);
  });

  test('enabled: a pod of no agent is left alone, one with another ServiceAccount too, with a warning', async () => {
    expect(initNames(probe('stranger').pod)).toEqual([]);
    const { code, stderr } = await main.create(pod(main, 'pretender', { serviceAccountName: 'default' }));
    expect(code).toBe(0);
    expect(stderr).toMatch(
      /Warning: AEGIS_INJECT_SERVICE_ACCOUNT: .* worker, but it runs as ServiceAccount default instead of agent/,
    );
    expect(initNames(await cluster.pod(main.namespace, 'pretender'))).toEqual([]);
    await main.untilEvent(AGENT, 'PodUnguarded', /pretender: AEGIS_INJECT_SERVICE_ACCOUNT/);
  });

  test('enabled: a pod cannot stay out where its namespace does not allow it', async () => {
    const { code, stderr } = await main.create(pod(main, 'deserter', { labels: { 'aegis.dev/inject': 'false' } }));
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/aegis-opt-out.*cannot stay out/);
  });

  test('strict: pods of no agent are refused, with the code, and those of agents run', async () => {
    const [none, other] = await Promise.all([
      strict.create(pod(strict, 'stranger', { agent: 'nobody' })),
      strict.create(pod(strict, 'pretender', { serviceAccountName: 'default' })),
    ]);
    expect(none.stderr).toMatch(/AEGIS_INJECT_NO_AGENT: No AgentRegistration/);
    expect(other.stderr).toMatch(/AEGIS_INJECT_SERVICE_ACCOUNT/);
    expect([none.code, other.code]).not.toContain(0);
    await strict.untilEvent(AGENT, 'PodRefused', /pretender: AEGIS_INJECT_SERVICE_ACCOUNT/);
    expect(initNames(probe('strict').pod)).toEqual(['aegis-gateway', 'aegis-capture']);
  });

  test('strict, with leave to stay out: the pod runs without a gateway, and everybody is told', async () => {
    expect(initNames(probe('outsider').pod)).toEqual([]);
    expect(await strict.until('outsider', 'Injected', 'OptedOut')).toMatchObject({ status: 'False' });
    expect(await strict.until('outsider', 'Ready', 'OptedOut')).toMatchObject({ status: 'False' });
    await strict.until(AGENT, 'Injected', 'AllInjected');
  });

  test('without the label: nothing is put in, and condition and doctor say what to do', async () => {
    expect(initNames(probe('unlabelled').pod)).toEqual([]);
    const { status, message } = await unlabelled.until(AGENT, 'Injected', 'NamespaceNotLabelled');
    expect(status).toBe('False');
    expect(message).toContain(`kubectl label namespace ${unlabelled.namespace} aegis.dev/inject=enabled`);
    const { code, text } = await doctor(cluster, probe('unlabelled'));
    expect(code).toBe(1);
    expect(text).toContain('✗ namespace is labelled: NamespaceNotLabelled');
    expect(text).toContain(`next: kubectl label namespace ${unlabelled.namespace} aegis.dev/inject=enabled`);
  });
});

describe('Pod Security levels that forbid NET_ADMIN', () => {
  const levels = [
    ['restricted', () => restricted, 'guarded', 'Enforce'],
    ['baseline', () => baseline, 'observed', 'Observe'],
  ] as const;

  test.each(
    levels,
  )('%s: admitted, without the init container, and the registration says why', async (name, of, agent, guard) => {
    expect(initNames(probe(name).pod)).toEqual(['aegis-gateway']);
    expect(JSON.parse(probe(name).pod.metadata.annotations?.['aegis.dev/status'] ?? '')).toMatchObject({
      capture: 'Explicit',
      egressGuard: guard,
      guarded: false,
      problems: expect.arrayContaining(['PodSecurity']),
    });
    expect(await of().until(agent, 'EgressGuarded', 'PodSecurity')).toMatchObject({
      status: 'False',
      message: expect.stringContaining('Let the namespace enforce the level privileged, or accept explicit capture.'),
    });
    expect(await of().until(agent, 'Injected', 'ExplicitCapture')).toMatchObject({ status: 'True' });
    expect(await of().until(agent, 'Ready', 'Bound')).toMatchObject({ status: 'True' });
  });

  onOwn.each(levels)(
    '%s: clients that honour proxy variables, and the URL of the tool, are decided',
    async (name, of) => {
      const tried = await probe(name).try({
        ...of().orders(`${name}-fetch`),
        curl: curl(...bothWays(of(), `${name}-curl`)),
        node: node(...bothWays(of(), `${name}-node`)),
        python: python(...bothWays(of(), `${name}-python`)),
        url: curl(...urlsOf(of().orders(`${name}-url`, '$AEGIS_TOOL_ORDERS_URL'))),
      });
      const once = String.raw`200 \S+\n403 \S+\n`;
      expect(tried).toMatchObject({
        ...DECIDED,
        curl: { text: expect.stringMatching(`^${once}${once}$`) },
        node: { text: expect.stringMatching(`^${once}${once}$`) },
        python: { text: expect.stringMatching(`^${once}${once}$`) },
        url: { text: expect.stringMatching(`^${once}$`) },
      });
      for (const way of ['fetch', 'curl', 'plain-curl', 'node', 'plain-node', 'python', 'plain-python', 'url']) {
        expect(of().arrived(`${name}-${way}`)).toEqual([`/orders/ok-${name}-${way}`]);
      }
      // Node's fetch puts plain HTTP into a tunnel to port 80 (docs/capture.md)
      const plain = await probe(name).try(of().orders(`${name}-plain-fetch`, `http://${ORDERS_HOST}`));
      expect(plain).toEqual(DECIDED);
      expect(of().arrived(`${name}-plain-fetch`)).toEqual([`/orders/ok-${name}-plain-fetch`]);
    },
  );

  onOwn('hosts of no tool: by the proxy they are refused or pass, as egressGuard says', async () => {
    const elsewhere = { elsewhere: curl(`http://${ELSEWHERE}/`) };
    expect(await probe('restricted').try(elsewhere)).toMatchObject({
      elsewhere: { text: expect.stringMatching(/^403 \S+\n$/) },
    });
    expect(await probe('baseline').try(elsewhere)).toMatchObject({ elsewhere: { text: '200 \n' } });
  });

  test('restricted: doctor names the level and both ways on', async () => {
    const { code, text } = await doctor(cluster, probe('restricted'));
    expect(code).toBe(1);
    expect(text).toContain('✓ Pod Security level: restricted: capture by proxy variables');
    expect(text).toContain('✗ egress guard: PodSecurity');
    expect(text).toContain('next: Let the namespace enforce the level privileged, or accept explicit capture.');
  });
});

describe('pods of every shape', () => {
  onOwn(
    'init containers and all containers are decided, whatever users, groups and file systems they have',
    async () => {
      const { pod: made } = probe('shaped');
      expect(initNames(made)).toEqual(['aegis-gateway', 'aegis-capture', 'first']);
      expect(resultOf(made, 'first')).toEqual(DECIDED);
      expect(await probe('shaped').try(main.orders('shaped'))).toEqual(DECIDED);
      expect(await probe('shaped').try(main.orders('second'), 8091)).toEqual(DECIDED);
      for (const mark of ['init', 'shaped', 'second']) expect(main.arrived(mark)).toEqual([`/orders/ok-${mark}`]);
      const token = 'cat /var/run/secrets/kubernetes.io/serviceaccount/token | wc -c; id -u; id -G';
      const { own } = await probe('shaped').try({ own: { run: ['sh', '-c', token] } });
      expect(own.text).toMatch(/^[1-9]\d+\n20001\n20002 20003 20004\n$/);
    },
  );

  test('a Job completes although the gateway is a sidecar, and so does one of a CronJob', async () => {
    const jobs = ['job/job', 'job/once'];
    await cluster.kubectl(['wait', '-n', main.namespace, ...jobs, '--for=condition=Complete', '--timeout=90s']);
    for (const [name, mark] of [
      ['job', 'job'],
      ['once', 'cron'],
    ] as const) {
      const [ended] = await cluster.pods(main.namespace, `job-name=${name}`);
      if (ended === undefined) throw new Error(`no pod of ${name}`);
      expect(ended.status.phase).toBe('Succeeded');
      expect(initNames(ended)).toEqual(['aegis-gateway', 'aegis-capture']);
      if (!cluster.ownsNode) continue;
      expect(resultOf(ended, 'agent')).toEqual(DECIDED);
      expect(main.arrived(mark)).toEqual([`/orders/ok-${mark}`]);
    }
  });

  onOwn.each([
    ['plain', () => main],
    ['strict', () => strict],
    ['set-0', () => main],
  ] as const)('%s: its calls are decided, and what is granted arrives', async (name, of) => {
    expect(await probe(name).try(of().orders(name))).toEqual(DECIDED);
    expect(of().arrived(name)).toEqual([`/orders/ok-${name}`]);
  });

  test('a pod that two registrations match is refused, and both are told', async () => {
    const { code, stderr } = await main.create(
      pod(main, 'torn', { agent: 'nobody', labels: { 'example.com/twin': 'yes' } }),
    );
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/AEGIS_INJECT_AMBIGUOUS: The AgentRegistrations twin-a, twin-b all match/);
    await Promise.all(
      ['twin-a', 'twin-b'].map((each) => main.untilEvent(each, 'PodRefused', /torn: AEGIS_INJECT_AMBIGUOUS/)),
    );
  });
});

test('pods from before the label are named, and a restart heals them', async () => {
  const { namespace } = late;
  await cluster.kubectl(['rollout', 'status', '-n', namespace, 'deployment/early', '--timeout=60s']);
  await cluster.kubectl(['label', 'namespace', namespace, 'aegis.dev/inject=enabled']);
  expect(await late.until(AGENT, 'Injected', 'PodsPredateInjection')).toMatchObject({
    status: 'False',
    message: expect.stringContaining('kubectl rollout restart'),
  });
  const [before] = await cluster.pods(namespace, `${AGENT_LABEL}=${AGENT}`);
  const { code, text } = await doctor(cluster, { namespace, name: before?.metadata.name ?? '' });
  expect(code).toBe(1);
  expect(text).toContain('✗ stamp of the webhook: PodsPredateInjection');
  const [, command = ''] = /next: kubectl (rollout restart .*)/.exec(text) ?? [];
  await cluster.kubectl(command.split(' '));
  await late.until(AGENT, 'Injected', 'AllInjected', 90);
  await late.until(AGENT, 'Ready', 'Bound', 90);
  const only = await waitFor(
    async () => {
      const pods = await cluster.pods(namespace, `${AGENT_LABEL}=${AGENT}`);
      return pods.length === 1 && pods[0];
    },
    60_000,
    'the old pod does not go',
  );
  expect(initNames(only)).toEqual(['aegis-gateway', 'aegis-capture']);
  if (cluster.ownsNode) expect(await new Probe(only).try(late.orders('early'))).toEqual(DECIDED);
});

type Orders = Record<'granted' | 'refused', { http: string }>;

function urlsOf({ granted, refused }: Orders): string[] {
  return [granted.http, refused.http];
}

/** By HTTPS and by HTTP. */
function bothWays(of: OrdersTenant, mark: string): string[] {
  const plain = mark.replace('-', '-plain-');
  return [...urlsOf(of.orders(mark)), ...urlsOf(of.orders(plain, `http://${ORDERS_HOST}`))];
}
