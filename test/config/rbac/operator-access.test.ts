/** What the operator's ServiceAccount may and may not do, asked of a real API server that all manifests were applied to. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { ApiServer } from '../../apiserver/api-server.ts';

const ROOT = join(__dirname, '../../..');
const OPERATOR = 'system:serviceaccount:aegis-system:aegis-operator';

let server: ApiServer;
let token: string;

beforeAll(async () => {
  server = await ApiServer.start({ crds: false });
  server.kubectl(['apply', '--server-side', '-k', join(ROOT, 'config/operator')]);
  server.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
  token = server.kubectl(['create', 'token', 'aegis-operator', '-n', 'aegis-system']).trim();
  server.kubectl(['create', 'namespace', 'fintech']);
});
afterAll(() => server?.stop());

interface Ask {
  verb: string;
  group?: string;
  resource: string;
  subresource?: string;
  namespace?: string;
  name?: string;
}

/** Asked as the operator itself, with its token. */
async function may({ subresource, ...ask }: Ask): Promise<boolean> {
  const resourceAttributes = { ...ask, ...(subresource !== undefined && { subresource }) };
  const { status, body } = await server.raw(
    'POST',
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes } },
    { token },
  );
  expect(status).toBe(201);
  return (body as { status: { allowed: boolean } }).status.allowed;
}

const asText = ({ verb, group, resource, subresource, namespace, name }: Ask): string =>
  `${verb} ${group === undefined ? '' : `${group}/`}${resource}${subresource === undefined ? '' : `/${subresource}`} ${namespace ?? '*'}/${name ?? '*'}`;

const each = (verbs: string, ask: Omit<Ask, 'verb'>): Ask[] => verbs.split(' ').map((verb) => ({ verb, ...ask }));
const aegis = { group: 'aegis.dev' };
const ours = { namespace: 'aegis-system' };
const theirs = { namespace: 'fintech' };
const KINDS = ['agentpolicies', 'agentregistrations', 'agenttools', 'agenttenants'];

const MUST: Ask[] = [
  ...KINDS.flatMap((resource) => each('get list watch', { ...aegis, resource })),
  ...KINDS.flatMap((resource) => each('patch', { ...aegis, resource, subresource: 'status' })),
  ...each('get list watch', { resource: 'pods' }),
  ...each('get list watch', { resource: 'namespaces' }),
  ...each('get list watch create patch', { resource: 'configmaps', ...theirs }),
  ...each('get list watch create update patch delete', { resource: 'configmaps', ...ours }),
  ...['aegis-signing-keys', 'aegis-serving-certificate'].flatMap((name) =>
    each('get list watch update', { resource: 'secrets', name, ...ours }),
  ),
  ...each('create', { resource: 'secrets', ...ours }),
  ...each('get update', { group: 'coordination.k8s.io', resource: 'leases', name: 'aegis-operator', ...ours }),
  ...each('create', { group: 'coordination.k8s.io', resource: 'leases', ...ours }),
  ...each('create patch', { group: 'events.k8s.io', resource: 'events', ...theirs }),
  ...each('create', { group: 'authentication.k8s.io', resource: 'tokenreviews' }),
  ...[
    ['validatingwebhookconfigurations', 'aegis-validation'],
    ['validatingwebhookconfigurations', 'aegis-pods'],
    ['mutatingwebhookconfigurations', 'aegis-injection'],
  ].flatMap(([resource = '', name = '']) =>
    each('get list watch patch', { group: 'admissionregistration.k8s.io', resource, name }),
  ),
];

const MUST_NOT: Ask[] = [
  ...KINDS.flatMap((resource) => each('create update delete deletecollection', { ...aegis, resource, ...theirs })),
  ...['agentpolicies', 'agentregistrations', 'agenttools'].flatMap((resource) =>
    each('patch', { ...aegis, resource, ...theirs }),
  ),
  ...['approvalrequests', 'approvaldecisions', 'emergencyactions'].flatMap((resource) =>
    each('create update patch delete', { ...aegis, resource, ...theirs }),
  ),
  ...each('get list watch create update patch delete', { resource: 'secrets', ...theirs }),
  ...each('get list watch delete', { resource: 'secrets', ...ours }),
  ...each('get update', { resource: 'secrets', name: 'somebody-elses', ...ours }),
  ...each('patch delete', { resource: 'secrets', name: 'aegis-signing-keys', ...ours }),
  ...each('update delete deletecollection', { resource: 'configmaps', ...theirs }),
  ...each('deletecollection', { resource: 'configmaps', ...ours }),
  ...each('create update patch delete', { resource: 'pods', ...ours }),
  ...each('create', { resource: 'pods', subresource: 'exec', ...theirs }),
  ...each('get', { resource: 'pods', subresource: 'log', ...theirs }),
  ...each('create update patch delete', { resource: 'namespaces' }),
  ...each('create', { resource: 'serviceaccounts', subresource: 'token', ...ours }),
  ...each('impersonate', { resource: 'users' }),
  ...each('get update create', { group: 'coordination.k8s.io', resource: 'leases', ...theirs }),
  ...each('update', { group: 'coordination.k8s.io', resource: 'leases', name: 'another', ...ours }),
  ...each('get list delete', { group: 'events.k8s.io', resource: 'events' }),
  ...['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'].flatMap((resource) =>
    each('create update patch delete', { group: 'admissionregistration.k8s.io', resource }),
  ),
  ...each('patch update delete', { group: 'admissionregistration.k8s.io', resource: 'validatingadmissionpolicies' }),
  ...['roles', 'clusterroles', 'rolebindings', 'clusterrolebindings'].flatMap((resource) =>
    each('create update patch bind escalate', { group: 'rbac.authorization.k8s.io', resource }),
  ),
  ...each('create update patch', { group: 'apiextensions.k8s.io', resource: 'customresourcedefinitions' }),
];

test.each(MUST.map((ask) => [asText(ask), ask] as const))('may: %s', async (_, ask) => {
  expect(await may(ask)).toBe(true);
});

test.each(MUST_NOT.map((ask) => [asText(ask), ask] as const))('may not: %s', async (_, ask) => {
  expect(await may(ask)).toBe(false);
});

describe('what the API server forbids beyond roles', () => {
  const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } });
  const secret = (name: string) => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name }, stringData: { a: 'b' } });
  const apply = (path: string, body: unknown, as = token) =>
    server.raw('PATCH', `${path}?fieldManager=aegis-operator&force=true`, body, {
      token: as,
      contentType: 'application/apply-patch+yaml',
    });
  const path = (namespace: string, name: string) => `/api/v1/namespaces/${namespace}/configmaps/${name}`;

  test('bootstrap copies can be made and changed in any namespace', async () => {
    const name = 'aegis-bootstrap-finance-agent';
    expect((await apply(path('fintech', name), configMap(name))).status).toBe(201);
    expect((await apply(path('fintech', name), { ...configMap(name), data: { a: 'c' } })).status).toBe(200);
  });

  test('no other ConfigMap of another namespace can be written', async () => {
    expect((await server.raw('POST', '/api/v1/namespaces/fintech/configmaps', configMap('app'))).status).toBe(201);
    const created = await server.raw('POST', '/api/v1/namespaces/fintech/configmaps', configMap('x'), { token });
    expect([created.status, JSON.stringify(created.body)]).toEqual([403, expect.stringContaining('aegis-bootstrap-')]);
    expect((await apply(path('fintech', 'app'), configMap('app'))).status).toBe(403);
    expect((await server.raw('DELETE', path('fintech', 'app'), undefined, { token })).status).toBe(403);
    expect((await server.raw('GET', path('fintech', 'app'), undefined, { token })).status).toBe(200);
  });

  test('its own namespace is free, but for Secrets', async () => {
    const secrets = '/api/v1/namespaces/aegis-system/secrets';
    expect((await apply(path('aegis-system', 'anything'), configMap('anything'))).status).toBe(201);
    expect((await server.raw('POST', secrets, secret('aegis-signing-keys'), { token })).status).toBe(201);
    expect((await server.raw('POST', secrets, secret('another'), { token })).status).toBe(403);
    expect((await server.raw('GET', secrets, undefined, { token })).status).toBe(403);
    const byName = (...names: string[]): string =>
      `${secrets}?fieldSelector=${encodeURIComponent(names.map((name) => `metadata.name=${name}`).join(','))}`;
    expect((await server.raw('GET', byName('aegis-signing-keys'), undefined, { token })).status).toBe(200);
    // how a reflector asks for a version and nothing else
    const nobody = await server.raw('GET', byName('aegis-signing-keys', 'no.such.name'), undefined, { token });
    expect([nobody.status, (nobody.body as { items: unknown[] }).items]).toEqual([200, []]);
    expect((await server.raw('GET', byName('another'), undefined, { token })).status).toBe(403);
  });

  test('of an AgentTenant it changes the status, and nothing else', async () => {
    const tenant = { apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentTenant', metadata: { name: 'fintech' } };
    const url = '/apis/aegis.dev/v1alpha1/agenttenants/fintech';
    const spec = { namespaces: ['fintech'] };
    const made = await server.raw('POST', '/apis/aegis.dev/v1alpha1/agenttenants', { ...tenant, spec });
    expect(made.status).toBe(201);
    const patch = (operations: unknown[], at = url) =>
      server.raw('PATCH', at, operations, { token, contentType: 'application/json-patch+json' });
    expect((await patch([{ op: 'add', path: '/spec/namespaces/-', value: 'payments' }])).status).toBe(403);
    expect((await patch([{ op: 'add', path: '/metadata/labels', value: { a: 'b' } }])).status).toBe(403);
    expect((await patch([{ op: 'add', path: '/metadata/annotations', value: { a: 'b' } }])).status).toBe(403);
    const status = { ...tenant, status: { observedGeneration: 1 } };
    expect((await apply(`${url}/status`, status)).status).toBe(200);
    // with the status comes no spec
    await apply(`${url}/status`, { ...status, spec: { namespaces: ['payments'] } });
    const { body } = await server.raw('GET', url);
    expect((body as { spec: unknown }).spec).toMatchObject(spec);
    // administrators are not bound by it
    const byAdmin = await server.raw('PATCH', url, [{ op: 'add', path: '/spec/namespaces/-', value: 'payments' }], {
      contentType: 'application/json-patch+json',
    });
    expect(byAdmin.status).toBe(200);
  });
});

test('the token between replicas is worth nothing at the API server', async () => {
  // as the kubelet gets it, for a replica on its node: nobody else may (config/admission-policies)
  const pods = '/api/v1/namespaces/aegis-system/pods';
  await server.raw('POST', '/api/v1/nodes', { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-1' } });
  const { body: deployed } = await server.raw(
    'GET',
    '/apis/apps/v1/namespaces/aegis-system/deployments/aegis-operator',
  );
  const { template } = (deployed as { spec: { template: { metadata: object; spec: object } } }).spec;
  const spec = { ...template.spec, nodeName: 'node-1' };
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...template.metadata, name: 'op-0' }, spec };
  expect((await server.raw('POST', pods, pod)).status).toBe(201);
  const asKubelet = ['--as=system:node:node-1', '--as-group=system:nodes'];
  const bound = ['--bound-object-kind=Pod', '--bound-object-name=op-0', '--audience=aegis.dev/operator'];
  const { body: replica } = await server.raw('GET', `${pods}/op-0`);
  const uid = `--bound-object-uid=${(replica as { metadata: { uid: string } }).metadata.uid}`;
  const flags = ['create', 'token', 'aegis-operator', '-n', 'aegis-system', ...bound, uid, ...asKubelet];
  const relay = server.kubectl(flags).trim();
  expect((await server.raw('GET', '/api/v1/pods', undefined, { token: relay })).status).toBe(401);
  const review = await server.raw(
    'POST',
    '/apis/authentication.k8s.io/v1/tokenreviews',
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: relay, audiences: ['aegis.dev/operator'] },
    },
    { token },
  );
  expect((review.body as { status: unknown }).status).toMatchObject({
    authenticated: true,
    user: { username: OPERATOR },
    audiences: ['aegis.dev/operator'],
  });
});

test('applying everything again changes nothing', () => {
  const again = server.kubectl(['diff', '--server-side', '-k', join(ROOT, 'config/operator')]);
  expect(again).toBe('');
  server.kubectl(['apply', '--server-side', '--dry-run=server', '-k', join(ROOT, 'config/operator')]);
});

describe('people and GitOps tools', () => {
  const can = (role: string, verb: string, resource: string, subresource = ''): boolean => {
    const user = `${role}-of-fintech`;
    const flags = subresource === '' ? [] : [`--subresource=${subresource}`];
    try {
      const args = ['auth', 'can-i', verb, `${resource}.aegis.dev`, ...flags, '-n', 'fintech', `--as=${user}`];
      return server.kubectl(args).trim() === 'yes';
    } catch {
      return false;
    }
  };
  const roles = { viewer: 'aegis-viewer', editor: 'aegis-editor' };

  beforeAll(() => {
    for (const [role, name] of Object.entries(roles)) {
      const user = `${role}-of-fintech`;
      server.kubectl(['create', 'rolebinding', user, '-n', 'fintech', `--clusterrole=${name}`, `--user=${user}`]);
    }
  });

  test('the roles are parts of view, edit and admin', () => {
    const labels = (name: string) =>
      JSON.parse(server.kubectl(['get', 'clusterrole', name, '-o', 'jsonpath={.metadata.labels}'])) as object;
    const part = (name: string) => ({ [`rbac.authorization.k8s.io/aggregate-to-${name}`]: 'true' });
    expect(labels(roles.viewer)).toMatchObject({ ...part('view'), ...part('edit'), ...part('admin') });
    expect(labels(roles.editor)).toMatchObject({ ...part('edit'), ...part('admin') });
    expect(labels(roles.editor)).not.toHaveProperty('rbac.authorization.k8s.io/aggregate-to-view');
  });

  test('viewers read, editors write policies, and neither touches status, tenants, approvals or emergencies', () => {
    expect(can('viewer', 'list', 'agentpolicies')).toBe(true);
    expect(can('viewer', 'create', 'agentpolicies')).toBe(false);
    for (const kind of ['agentpolicies', 'agentregistrations', 'agenttools']) {
      expect([kind, can('editor', 'create', kind), can('editor', 'patch', kind, 'status')]).toEqual([
        kind,
        true,
        false,
      ]);
    }
    for (const kind of ['agenttenants', 'approvalrequests', 'approvaldecisions', 'emergencyactions']) {
      expect([kind, can('editor', 'create', kind)]).toEqual([kind, false]);
    }
  });
});

test('the CRDs that are applied are all that there are', () => {
  const crds = server.kubectl(['get', 'crd', '-o', 'name']).trim().split('\n').sort();
  const files = execFileSync('ls', [join(ROOT, 'crds')], { encoding: 'utf8' })
    .split('\n')
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => `customresourcedefinition.apiextensions.k8s.io/${name.replace('.yaml', '')}.aegis.dev`);
  expect(crds).toEqual(files.sort());
});
