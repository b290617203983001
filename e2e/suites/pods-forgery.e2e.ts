/**
 * Pods that pretend, people who try to get at the gateway of a pod, other injectors before and after ours, and the
 * credentials of tools, which no container but the gateway sees.
 */
import { randomBytes } from 'node:crypto';
import { Cluster, type Pod, type Ran } from '../cluster/cluster.ts';
import { IMAGES } from '../images/images.ts';
import { initNames } from '../support/pods.ts';
import { installAegis } from '../world/aegis.ts';
import { HARDENED } from '../world/agent.ts';
import { ACCOUNT, AGENT_LABEL, DECIDED, ORDERS_HOST, OrdersTenant } from '../world/orders-tenant.ts';
import { beside, meddling, OTHER_LABEL, OtherInjectors } from '../world/other-injector.ts';
import { Outside } from '../world/outside.ts';
import { named, Probe, type ProbeOptions, probeContainer, probeOnce, probePod, resultOf } from '../world/probe.ts';

const BILLING_HOST = 'billing.example.com';
const LEDGER_HOST = 'ledger.example.com';
const CREDENTIAL = `not-real-${randomBytes(12).toString('hex')}`;
const AGENT = 'clerk';
/** Of the namespace, with the role edit. */
const EDITOR = 'dev@example.com';
const CONTAINER = { image: IMAGES.workload, imagePullPolicy: 'Never', securityContext: HARDENED };

const cluster = Cluster.attach();
let outside: Outside;
let tenant: OrdersTenant;
let others: OtherInjectors | undefined;
let probes: Map<string, Probe>;
let warnings: string;

const probe = (name: string) => named(probes, name);

function pod(name: string, more: Partial<ProbeOptions> = {}): object {
  return probePod({ namespace: tenant.namespace, name, agent: AGENT, ...more });
}

function otherwise(name: string): object {
  return pod(name, { labels: { [OTHER_LABEL]: name } });
}

interface Container {
  name: string;
  image: string;
  env?: { name: string; value?: string }[];
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  securityContext?: object;
}

function containerOf({ spec }: Pod, name: string): Container {
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  const [found, ...more] = all.filter((container) => container.name === name) as Container[];
  if (found === undefined || more.length > 0) throw new Error(`${name} is not there once`);
  return found;
}

/** Everything of ours that a pod template can name. */
function forged(): object {
  const lookAlike = { ...CONTAINER, name: 'aegis-gateway', command: ['sleep', 'infinity'] };
  const stolen = ['aegis-token', 'aegis-tools', 'aegis-state', 'aegis-bootstrap'];
  const token = { serviceAccountToken: { path: 'token', expirationSeconds: 3600 } };
  return pod('forged', {
    labels: { 'aegis.dev/agent': 'boss' },
    annotations: {
      'aegis.dev/status': JSON.stringify({ version: 1, registration: 'boss', agent: 'boss', guarded: true }),
      'aegis.dev/agent': 'boss',
    },
    spec: {
      initContainers: [{ ...lookAlike, restartPolicy: 'Always' }],
      containers: [
        {
          ...CONTAINER,
          name: 'agent',
          ...probeContainer(),
          env: [
            { name: 'AEGIS_GATEWAY_URL', value: 'http://203.0.113.99' },
            { name: 'AEGIS_TOOL_ORDERS_URL', value: 'http://203.0.113.99' },
          ],
          volumeMounts: [
            ...stolen.map((name) => ({ name, mountPath: `/stolen/${name}` })),
            { name: 'aegis-trust', mountPath: '/stolen/trust' },
          ],
        },
        { ...lookAlike, name: 'aegis-friend' },
      ],
      volumes: [
        { name: 'aegis-token', projected: { sources: [token] } },
        { name: 'aegis-tools', secret: { secretName: 'billing' } },
      ],
    },
  });
}

/** Like a mesh: something in front, and something beside, which calls tools too. */
function mesh(name: string) {
  const init = { ...CONTAINER, name: 'other-init', ...probeOnce(tenant.orders(`${name}-init`)) };
  return beside(init, { ...CONTAINER, name: 'other', ...probeContainer(8091) });
}

beforeAll(async () => {
  outside = await Outside.open(cluster, [ORDERS_HOST, BILLING_HOST, LEDGER_HOST], '203.0.113.40');
  await installAegis(cluster);
  const tools = ['billing', 'ledger'];
  const credentialed = (name: string, host: string) => ({
    tool: (of: OrdersTenant) => of.tool(name, `https://${host}`, { credentialRef: { name } }),
  });
  tenant = await OrdersTenant.make(cluster, outside, {
    labels: { 'aegis.dev/inject': 'enabled' },
    agents: [{ name: AGENT, egressGuard: 'Enforce', tools }],
  });
  await tenant.apply([
    credentialed('billing', BILLING_HOST).tool(tenant),
    credentialed('ledger', LEDGER_HOST).tool(tenant),
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'billing' }, stringData: { token: CREDENTIAL } },
    {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: 'editor' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: EDITOR }],
    },
  ]);
  await tenant.published();
  const pinned = 'AEGIS_GATEWAY_BUNDLE_PINNED_KEYS';
  others = await OtherInjectors.start(cluster, tenant.namespace, [
    { name: 'a-before', pods: 'before', change: mesh('before') },
    { name: 'z-after', pods: 'after', change: mesh('after') },
    { name: 'z-once', pods: 'once', change: meddling('aegis-gateway', pinned, 'mine') },
    { name: 'z-always', pods: 'always', change: meddling('aegis-gateway', pinned, 'mine'), again: true },
  ]);
  const { stderr } = await tenant.created(
    forged(),
    pod('honest'),
    ...['before', 'after', 'once'].map((name) => otherwise(name)),
  );
  warnings = stderr;
  probes = await Probe.all(cluster, tenant.namespace, 5);
}, 300_000);

afterAll(async () => {
  await others?.stop();
  await tenant?.remove();
  await outside?.close();
});

describe('a pod that forges everything of ours', () => {
  test('what bears our names is overwritten or left out, with a warning', () => {
    const { pod: made } = probe('forged');
    expect(initNames(made)).toEqual(['aegis-gateway', 'aegis-capture']);
    expect(made.spec.containers.map(({ name }) => name)).toEqual(['agent']);
    expect(containerOf(made, 'aegis-gateway')).toEqual(containerOf(probe('honest').pod, 'aegis-gateway'));
    expect(JSON.parse(made.metadata.annotations?.['aegis.dev/status'] ?? '')).toMatchObject({
      registration: AGENT,
      agent: AGENT,
      guarded: true,
    });
    expect(warnings).toContain('The container aegis-friend is left out');
    const { env = [], volumeMounts = [] } = containerOf(made, 'agent');
    expect(volumeMounts).toEqual([{ name: 'aegis-trust', mountPath: '/var/run/aegis/trust', readOnly: true }]);
    const ours = env.filter(({ name }) => /^AEGIS_(GATEWAY|TOOL_ORDERS)_URL$/.test(name));
    expect(ours).toEqual([
      { name: 'AEGIS_GATEWAY_URL', value: 'http://127.0.0.1:15001' },
      { name: 'AEGIS_TOOL_ORDERS_URL', value: expect.stringMatching(/^http:\/\/127\.0\.0\.1:151\d\d$/) },
    ]);
  });

  test('it is decided as what it is, and finds neither token nor credential', async () => {
    expect(await probe('forged').try(tenant.orders('forged'))).toEqual(DECIDED);
    expect(tenant.arrived('forged')).toEqual(['/orders/ok-forged']);
    const sees = 'ls /stolen; ls /var/run/aegis; cat /proc/[0-9]*/comm | sort -u; id -u';
    const secrets = `grep -rsl -e ${CREDENTIAL} -e aegis.dev / --include=token --include=*credential*; env | grep -c ${CREDENTIAL}`;
    const write = 'touch /var/run/aegis/trust/ca.crt || echo refused';
    const tried = await probe('forged').try({
      sees: { run: ['sh', '-c', sees] },
      secrets: { run: ['sh', '-c', secrets] },
      write: { run: ['sh', '-c', write] },
    });
    expect(tried.sees.text).toMatch(/^trust\n/);
    expect(tried.sees.text).not.toContain('stolen');
    expect(tried.sees.text).toMatch(/\n10001\n$/);
    expect(tried.secrets.text?.trim()).toBe('0');
    expect(tried.write.text).toBe('refused\n');
  });

  test('a token for aegis.dev of its own is refused', async () => {
    const token = { serviceAccountToken: { path: 'token', audience: 'aegis.dev' } };
    const volumes = [{ name: 'mine', projected: { sources: [token] } }];
    const elsewhere = await Promise.all([
      tenant.create(pod('token', { spec: { volumes } })),
      // not an agent, and no gateway beside it
      tenant.create(pod('token-of-nobody', { agent: 'nobody', spec: { volumes } })),
    ]);
    for (const { code, stderr } of elsewhere) {
      expect(code).not.toBe(0);
      expect(stderr).toMatch(
        /aegis-audience.*a token for the audience aegis\.dev is for the gateway|holds a token for aegis\.dev/,
      );
    }
  });
});

describe('people with the role edit', () => {
  const as = (...args: string[]): Promise<Ran> => cluster.run([`--as=${EDITOR}`, '-n', tenant.namespace, ...args]);

  test('get no token for aegis.dev', async () => {
    const [ours, theirs] = await Promise.all([
      as('create', 'token', ACCOUNT, '--audience=aegis.dev'),
      as('create', 'token', ACCOUNT, '--audience=example.com'),
    ]);
    expect(ours.code).not.toBe(0);
    expect(ours.stderr).toMatch(/aegis-token-requests.*made by kubelets for a pod/);
    expect(theirs.code).toBe(0);
  });

  test('enter the agent, and not the gateway', async () => {
    const [gateway, capture, attach, agent] = await Promise.all([
      as('exec', 'honest', '-c', 'aegis-gateway', '--', 'true'),
      as('exec', 'honest', '-c', 'aegis-capture', '--', 'true'),
      as('attach', 'honest', '-c', 'aegis-gateway'),
      as('exec', 'honest', '--', 'id', '-u'),
    ]);
    for (const { code, stderr } of [gateway, capture, attach]) {
      expect(code).not.toBe(0);
      expect(stderr).toMatch(/aegis-exec.*nobody enters the container aegis-/);
    }
    expect(agent).toMatchObject({ code: 0, stdout: '10001\n' });
  });

  test('change no label and no stamp of a running agent', async () => {
    const [agent, stamp, own] = await Promise.all([
      as('label', 'pod/honest', `${AGENT_LABEL}=nobody`, '--overwrite'),
      as('annotate', 'pod/honest', 'aegis.dev/status={}', '--overwrite'),
      as('annotate', 'pod/honest', 'example.com/note=seen'),
    ]);
    expect(agent.stderr).toMatch(/aegis-labels.*bind this pod to its AgentRegistration/);
    expect(stamp.stderr).toMatch(/aegis-labels.*written by the webhook/);
    expect([agent.code, stamp.code]).not.toContain(0);
    expect(own.code).toBe(0);
  });

  test('add no debug container, but debug a copy, which has a gateway of its own', async () => {
    const image = [`--image=${IMAGES.workload}`, '--image-pull-policy=Never'];
    // nobody adds one, administrators included
    const inside = await cluster.run(['debug', '-n', tenant.namespace, 'honest', ...image, '--', 'sleep', 'infinity']);
    expect(inside.code).not.toBe(0);
    expect(inside.stderr).toMatch(/aegis-reserved-user.*Debug a copy/);
    // as the message and docs/admission-policies.md say
    const flags = [
      '--copy-to=honest-debug',
      '--profile=baseline',
      '--keep-labels',
      '--keep-init-containers=false',
      ...image,
      '-c',
      'debugger',
    ];
    const copied = await as('debug', 'honest', ...flags, '--', 'sleep', 'infinity');
    if (copied.code !== 0) throw new Error(copied.stderr);
    const copy = new Probe(await cluster.whenReady(tenant.namespace, 'honest-debug', 90));
    expect(initNames(copy.pod)).toEqual(['aegis-gateway', 'aegis-capture']);
    expect(copy.pod.spec.containers.map(({ name }) => name)).toEqual(['agent', 'debugger']);
    const status = (url: string) => `curl -s -o /dev/null -w '%{http_code}' ${url}`;
    const { granted, refused } = tenant.orders('debugger');
    const place = { namespace: tenant.namespace, name: copy.name, container: 'debugger' };
    const { stdout } = await cluster.exec(place, ['sh', '-c', `${status(granted.http)}; ${status(refused.http)}`]);
    expect(stdout).toBe('200403');
    expect(tenant.arrived('debugger')).toEqual(['/orders/ok-debugger']);
  });
});

describe('another injector', () => {
  test.each([
    'before',
    'after',
  ])('%s ours: both work, ours come first, and the traffic of both is captured', async (name) => {
    const { pod: made } = probe(name);
    expect(initNames(made)).toEqual(['aegis-gateway', 'aegis-capture', 'other-init']);
    expect(made.spec.containers.map((container) => container.name)).toEqual(['agent', 'other']);
    expect(resultOf(made, 'other-init')).toEqual(DECIDED);
    expect(await probe(name).try(tenant.orders(`${name}-agent`))).toEqual(DECIDED);
    expect(await probe(name).try(tenant.orders(`${name}-other`), 8091)).toEqual(DECIDED);
    for (const mark of [`${name}-init`, `${name}-agent`, `${name}-other`]) {
      expect(tenant.arrived(mark)).toEqual([`/orders/ok-${mark}`]);
    }
    expect(JSON.parse(made.metadata.annotations?.['aegis.dev/status'] ?? '')).toMatchObject({ guarded: true });
  });

  test('that changes ours once: it is put right', () => {
    expect(containerOf(probe('once').pod, 'aegis-gateway')).toEqual(containerOf(probe('honest').pod, 'aegis-gateway'));
  });

  test('that insists: the pod is refused, and the registration told', async () => {
    const { code, stderr } = await tenant.create(otherwise('always'));
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/AEGIS_INJECT_DIFFERS: .*spec\.initContainers\[aegis-gateway\]/);
    // names of fields, no values
    expect(stderr).not.toContain('mine');
    await tenant.untilEvent(AGENT, 'PodRefused', /always: AEGIS_INJECT_DIFFERS/);
  });
});

describe('credentials of tools', () => {
  const authorizations = (mark: string) =>
    outside.arrived
      .filter(({ path }) => path.endsWith(mark))
      .map(({ host, authorization }) => ({ host, authorization }));

  test('the gateway adds it, whatever the agent says', async () => {
    const base = `https://${BILLING_HOST}`;
    const { granted } = tenant.orders('forged-credential', base);
    const tried = await probe('honest').try<string>({
      ...tenant.orders('credential', base),
      forged: { ...granted, headers: { authorization: 'Bearer of-the-agent' } },
    });
    expect(tried).toEqual({ ...DECIDED, forged: DECIDED.granted });
    const ours = { host: BILLING_HOST, authorization: `Bearer ${CREDENTIAL}` };
    expect(authorizations('-credential')).toEqual([ours, ours]);
    expect(JSON.stringify(tried)).not.toContain(CREDENTIAL);
  });

  test('a tool whose Secret is missing is closed, with a clear error, and no other', async () => {
    const { granted } = tenant.orders('ledger', `https://${LEDGER_HOST}`);
    const tried = await probe('honest').try({ ledger: granted, ...tenant.orders('beside') });
    expect(tried).toMatchObject(DECIDED);
    expect(tried.ledger).toMatchObject({ text: expect.stringContaining('AEGIS_UPSTREAM_CREDENTIAL') });
    expect(tried.ledger.status).toBeGreaterThanOrEqual(500);
    expect(tenant.arrived('ledger')).toEqual([]);
  });
});
