/** Who may take protection away from a namespace. */
import { waitFor } from '../../apiserver/api-server.ts';
import { PolicyServer, refusal, type User } from './harness.ts';

const keeper: User = { user: 'kim', groups: ['namespace-editors', 'unprotectors'] };
const kate: User = { user: 'kate', groups: ['namespace-editors'] };

let server: PolicyServer;

beforeAll(async () => {
  server = await PolicyServer.start();
  const name = 'unprotectors';
  await server.api.runKubectl([
    'create',
    'clusterrolebinding',
    name,
    '--clusterrole=aegis-unprotect',
    `--group=${name}`,
  ]);
  const space = await server.api.namespace('space', { 'aegis.dev/inject': 'enabled' });
  const path = `/api/v1/namespaces/${space}?dryRun=All`;
  const permitted = async () => (await server.merge(path, labels({ 'aegis.dev/inject': null }), keeper)).status === 200;
  await waitFor(permitted, 30_000, 'the role is not in force');
});
afterAll(() => server?.stop());

const labels = (of: Record<string, string | null>) => ({ metadata: { labels: of } });

describe('labels of a namespace', () => {
  const NEEDS = 'needs the verb unprotect on namespaces.aegis.dev (ClusterRole aegis-unprotect)';
  const make = (of: Record<string, string>) => server.api.namespace('space', of);
  const change = (name: string, of: Record<string, string | null>, as: User, subresource = '') =>
    server.merge(`/api/v1/namespaces/${name}${subresource}`, labels(of), as);
  const INJECT = 'aegis.dev/inject';
  const OPT_OUT = 'aegis.dev/allow-opt-out';

  test.each([
    ['removed', { [INJECT]: 'enabled' }, { [INJECT]: null }],
    ['emptied', { [INJECT]: 'enabled' }, { [INJECT]: '' }],
    ['switched off', { [INJECT]: 'enabled' }, { [INJECT]: 'disabled' }],
    ['misspelt', { [INJECT]: 'strict' }, { [INJECT]: 'Strict' }],
    ['no longer strict', { [INJECT]: 'strict' }, { [INJECT]: 'enabled' }],
    ['open to opting out', { [INJECT]: 'enabled' }, { [OPT_OUT]: 'true' }],
    ['open, where it was not', { [INJECT]: 'strict', [OPT_OUT]: 'false' }, { [OPT_OUT]: 'true' }],
  ])('%s: only with the permission', async (_, before, after) => {
    const name = await make(before as Record<string, string>);
    for (const subresource of ['', '/status']) {
      const answer = await change(name, after, kate, subresource);
      expect(answer).toEqual(refusal('aegis-namespace-labels', `namespace ${name} is protected by Aegis`));
      expect(answer.message).toContain(NEEDS);
    }
    expect((await change(name, after, keeper)).status).toBe(200);
  });

  test.each(['baseline', 'restricted'])('without the egress guard (%s): the same', async (level) => {
    const ENFORCE = 'pod-security.kubernetes.io/enforce';
    const name = await make({ [INJECT]: 'enabled', [ENFORCE]: 'privileged' });
    const answer = await change(name, { [ENFORCE]: level }, kate);
    expect(answer).toEqual(refusal('aegis-namespace-labels', `new pods of namespace ${name} would go without`));
    expect((await change(name, { [ENFORCE]: null }, kate)).status).toBe(200);
    expect((await change(name, { [ENFORCE]: level }, kate)).status).toBe(403);
    expect((await change(name, { [ENFORCE]: level }, keeper)).status).toBe(200);
    expect((await change(name, { [ENFORCE]: 'baseline' }, kate)).status).toBe(200);
    expect((await change(name, { [ENFORCE]: null }, kate)).status).toBe(200);
    const free = await make({});
    expect((await change(free, { [ENFORCE]: level }, kate)).status).toBe(200);
  });

  test('not by way of finalizing either', async () => {
    const name = await make({ [INJECT]: 'enabled' });
    const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name }, spec: { finalizers: ['kubernetes'] } };
    const answer = await server.ask('PUT', `/api/v1/namespaces/${name}/finalize`, body, { as: kate });
    expect(answer).toEqual(refusal('aegis-namespace-labels', NEEDS));
  });

  test.each([
    ['protected', {}, { [INJECT]: 'enabled' }],
    ['strict', { [INJECT]: 'enabled' }, { [INJECT]: 'strict' }],
    ['closed', { [INJECT]: 'enabled', [OPT_OUT]: 'true' }, { [OPT_OUT]: null }],
    ['named', { [INJECT]: 'enabled' }, { team: 'payments' }],
    ['the same', { [INJECT]: 'enabled', [OPT_OUT]: 'true' }, { [INJECT]: 'enabled', [OPT_OUT]: 'true' }],
    ['changed where nothing was protected', { [INJECT]: 'disabled' }, { [INJECT]: null }],
  ])('%s: with no permission of ours', async (_, before, after) => {
    const name = await make(before as Record<string, string>);
    expect((await change(name, after, kate)).status).toBe(200);
  });

  test('the permission is given for one namespace, too', async () => {
    const [mine, theirs] = [await make({ [INJECT]: 'enabled' }), await make({ [INJECT]: 'enabled' })];
    await server.api.runKubectl(['create', 'clusterrole', 'mine', '--verb=get', '--resource=pods']);
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name: 'mine' },
      rules: [{ apiGroups: ['aegis.dev'], resources: ['namespaces'], resourceNames: [mine], verbs: ['unprotect'] }],
    };
    await server.api.applyYaml(JSON.stringify(role), { force: true });
    await server.api.runKubectl(['create', 'clusterrolebinding', 'mine', '--clusterrole=mine', '--group=mine']);
    const max = { user: 'max', groups: ['namespace-editors', 'mine'] };
    await waitFor(async () => (await change(mine, { [INJECT]: null }, max)).status === 200, 20_000);
    expect((await change(theirs, { [INJECT]: null }, max)).status).toBe(403);
  });
});
