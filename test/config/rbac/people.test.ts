/** Roles for people who decide: what each may do, asked of a real API server as that person. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiServer, waitFor } from '../../apiserver/api-server.ts';

const ROOT = join(__dirname, '../../..');
const ROLES = ['aegis-viewer', 'aegis-editor', 'aegis-approver', 'aegis-emergency'] as const;
const POLICIES = ['agentpolicies', 'agentregistrations', 'agenttools'];
const APPROVALS = ['approvalrequests', 'approvaldecisions'];
const KINDS = [...POLICIES, 'agenttenants', ...APPROVALS, 'emergencyactions'];
const READ = ['get', 'list', 'watch'];
const WRITE = ['create', 'update', 'patch', 'delete', 'deletecollection'];

let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
  server.kubectl(['apply', '--server-side', '-f', join(ROOT, 'config/rbac/people.yaml')]);
  server.kubectl(['create', 'namespace', 'fintech']);
  // a kind is established some time before it is served
  for (const kind of KINDS) {
    const served = async () => (await server.raw('GET', `/apis/aegis.dev/v1alpha1/${kind}`)).status === 200;
    await waitFor(served, 30_000, `${kind} are not served`);
  }
  for (const role of ROLES) {
    server.kubectl(['create', 'rolebinding', role, '-n', 'fintech', `--clusterrole=${role}`, `--user=${role}`]);
  }
});
afterAll(() => server?.stop());

const asPerson = (user: string) => ({ as: { user, groups: ['system:authenticated'] } });

async function may(user: string, verb: string, resource: string, more: object = {}): Promise<boolean> {
  const resourceAttributes = { group: 'aegis.dev', verb, resource, namespace: 'fintech', ...more };
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SelfSubjectAccessReview',
    spec: { resourceAttributes },
  };
  const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const { body } = await server.raw('POST', path, review, asPerson(user));
  return (body as { status: { allowed: boolean } }).status.allowed;
}

/** Verbs by kind; nothing where a kind is not named. */
const MATRIX: Record<(typeof ROLES)[number], Record<string, readonly string[]>> = {
  'aegis-viewer': Object.fromEntries(POLICIES.map((kind) => [kind, READ])),
  'aegis-editor': Object.fromEntries(POLICIES.map((kind) => [kind, WRITE])),
  'aegis-approver': { approvalrequests: READ, approvaldecisions: [...READ, 'create'] },
  'aegis-emergency': { emergencyactions: [...READ, 'create', 'delete'] },
};
// of the cluster: not within a binding to a namespace
const IN_CLUSTER = new Set(['agenttenants']);

test.each(ROLES)('%s: these verbs, and no others', async (role) => {
  const given: Record<string, string[]> = {};
  for (const kind of KINDS) {
    if (IN_CLUSTER.has(kind)) continue;
    const verbs: string[] = [];
    for (const verb of [...READ, ...WRITE]) if (await may(role, verb, kind)) verbs.push(verb);
    if (verbs.length > 0) given[kind] = verbs;
  }
  expect(given).toEqual(MATRIX[role]);
});

test('nobody of them writes status, in no namespace else, nor takes protection away', async () => {
  for (const role of ROLES) {
    for (const kind of KINDS) {
      for (const verb of ['update', 'patch']) {
        expect([role, kind, await may(role, verb, kind, { subresource: 'status' })]).toEqual([role, kind, false]);
      }
      expect([role, kind, await may(role, 'create', kind, { namespace: 'default' })]).toEqual([role, kind, false]);
    }
    expect([role, await may(role, 'unprotect', 'namespaces')]).toEqual([role, false]);
    expect([role, await may(role, 'relabel', 'pods')]).toEqual([role, false]);
  }
});

test('approvers and emergencies are part of no role that every cluster has', () => {
  for (const role of ['aegis-approver', 'aegis-emergency', 'aegis-unprotect', 'aegis-relabel']) {
    const labels = server.kubectl(['get', 'clusterrole', role, '-o', 'jsonpath={.metadata.labels}']);
    expect([role, Object.keys(JSON.parse(labels) as object)]).toEqual([role, ['app.kubernetes.io/part-of']]);
  }
});

test('an approver decides, and cannot touch what is decided on', async () => {
  const base = '/apis/aegis.dev/v1alpha1/namespaces/fintech';
  const decision = (name: string) => ({
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'ApprovalDecision',
    metadata: { name },
    spec: { request: { name: 'apr-1' }, digest: `sha256:${'a'.repeat(64)}`, decision: 'Deny', comment: 'too much' },
  });
  const person = asPerson('aegis-approver');
  const made = await server.raw('POST', `${base}/approvaldecisions`, decision('one'), person);
  expect(made.status).toBe(201);
  for (const other of ['aegis-viewer', 'aegis-editor', 'aegis-emergency']) {
    const answer = await server.raw('POST', `${base}/approvaldecisions`, decision('two'), asPerson(other));
    expect([other, answer.status]).toEqual([other, 403]);
  }
  expect((await server.raw('DELETE', `${base}/approvaldecisions/one`, undefined, person)).status).toBe(403);
  expect((await server.raw('GET', `${base}/approvalrequests`, undefined, person)).status).toBe(200);
  const policy = readFileSync(join(ROOT, 'config/samples/fintech/policies.yaml'), 'utf8').split('\n---\n')[0] as string;
  const yaml = { ...person, contentType: 'application/yaml' };
  expect((await server.raw('POST', `${base}/agentpolicies`, policy, yaml)).status).toBe(403);
});

test('an emergency is declared and ended, by whoever has the role', async () => {
  const path = '/apis/aegis.dev/v1alpha1/namespaces/fintech/emergencyactions';
  const action = {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'EmergencyAction',
    metadata: { name: 'stop' },
    spec: { action: 'Freeze', target: { tenant: 'fintech' }, reason: 'payments run away' },
  };
  expect((await server.raw('POST', path, action, asPerson('aegis-editor'))).status).toBe(403);
  expect((await server.raw('POST', path, action, asPerson('aegis-emergency'))).status).toBe(201);
  expect((await server.raw('DELETE', `${path}/stop`, undefined, asPerson('aegis-approver'))).status).toBe(403);
  expect((await server.raw('DELETE', `${path}/stop`, undefined, asPerson('aegis-emergency'))).status).toBe(200);
});
