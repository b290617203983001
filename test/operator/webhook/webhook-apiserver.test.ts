import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { loadedObject } from '../../../operator/model/loaded-object.ts';
import { compile } from '../../../policy/compiler/compile.ts';
import type { Finding } from '../../../policy/errors.ts';
import { describeResource, type LoadedResource } from '../../../policy/resources/resource.ts';
import { KIND_SCHEMAS } from '../../../policy/resources/schemas.generated.ts';
import { validateResource } from '../../../policy/validation/validate-resource.ts';
import { ApiServer, waitFor } from '../../apiserver/api-server.ts';
import { fixturesIn, loadFixture } from '../../policy/validation/load-fixture.ts';
import { digest, WebhookReplica, webhookManifest } from './webhook-harness.ts';

const ROOT = join(__dirname, '../../..');
const PLURALS: Record<string, string> = {
  AgentPolicy: 'agentpolicies',
  AgentRegistration: 'agentregistrations',
  AgentTool: 'agenttools',
  AgentTenant: 'agenttenants',
};
const DENIED = /^admission webhook "validate\.aegis\.dev" denied the request: /;

const folders = ['config/samples', 'config/tools'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => join(folder, name)),
);

function loadFolder(folder: string): LoadedResource[] {
  const files = readdirSync(join(ROOT, folder)).filter((file) => /^(?!tests).*\.yaml$/.test(file));
  return files.flatMap((file) => loadFixture(join('../..', folder, file)).resources);
}

const FIXTURES = ['invalid', 'invalid/semantic', 'valid'].flatMap((folder) => fixturesIn(folder));
const NAMESPACES = new Set(
  [...FIXTURES.map((path) => loadFixture(path).resources), ...folders.map(loadFolder)]
    .flatMap((resources) => resources.map(({ object: { metadata } }) => metadata.namespace))
    .concat('aegis-system')
    .filter((name): name is string => /^[a-z][a-z0-9-]*$/.test(name ?? '') && name !== 'default'),
);

/** Wrong parts of metadata that the API server itself takes away before anybody sees them. They widen nothing. */
const DROPPED_BY_SERVER = ['invalid/018-namespace-on-cluster-kind.yaml', 'invalid/069-misspelt-labels.yaml'];

let api: ApiServer;
let replica: WebhookReplica;

beforeAll(async () => {
  api = await ApiServer.start();
  await Promise.all([...NAMESPACES].map((name) => api.runKubectl(['create', 'namespace', name])));
  replica = new WebhookReplica(api, 'aegis-system');
  await replica.start();
  await install();
});
afterAll(async () => {
  await replica.stop();
  await api.stop();
});
beforeEach(() => {
  replica.around.synced = true;
  replica.around.resources = [];
});

/** Applies the manifest and waits until the API server calls the webhook. */
async function install(): Promise<void> {
  await api.applyYaml(JSON.stringify(webhookManifest(replica.server?.address.port as number)));
  const typo = { scope: { tenantWide: true }, rules: [{ name: 'r', actions: ['*'] }], typo: 1 };
  await waitFor(async () => (await send(object('probe', typo))).status === 422, 15_000, 'the webhook is not called');
}

function object(name: string, spec: object, metadata: object = {}): KubeObject {
  return {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentPolicy',
    metadata: { name, namespace: 'default', ...metadata },
    spec,
  } as KubeObject;
}

interface Answer {
  status: number;
  message: string;
  warnings: string[];
}

async function send(
  resource: { apiVersion: string; kind: string; metadata: { name: string; namespace?: string } },
  method: 'POST' | 'PUT' = 'POST',
  query = 'dryRun=All&fieldValidation=Ignore',
): Promise<Answer> {
  const { apiVersion, kind, metadata } = resource;
  const space =
    KIND_SCHEMAS[kind as 'AgentPolicy'].scope === 'Cluster' ? '' : `/namespaces/${metadata.namespace ?? 'default'}`;
  const name = method === 'PUT' ? `/${metadata.name}` : '';
  const { status, body, headers } = await api.raw(
    method,
    `/apis/${apiVersion}${space}/${PLURALS[kind]}${name}?${query}`,
    resource,
  );
  const message = String((body as { message?: string }).message ?? '');
  const text = String(headers.warning ?? '');
  return { status, message, warnings: [...text.matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, each]) => each ?? '') };
}

function handled(resources: readonly LoadedResource[]): LoadedResource[] {
  return resources.filter(({ object: { kind, apiVersion } }) => kind in PLURALS && apiVersion === 'aegis.dev/v1alpha1');
}

/** As the API server hands them out. */
function asSent(resources: readonly LoadedResource[]): LoadedResource[] {
  return resources.map(({ object: each }) => {
    const cluster = each.kind in PLURALS && KIND_SCHEMAS[each.kind as 'AgentPolicy'].scope === 'Cluster';
    const metadata = cluster ? each.metadata : { namespace: 'default', ...each.metadata };
    return loadedObject({ ...each, metadata } as KubeObject);
  });
}

describe('schema, CEL and webhook together refuse what the offline lint refuses', () => {
  const files = fixturesIn('invalid').filter((path) => handled(loadFixture(path).resources).length > 0);

  test('most of the invalid files can be sent', () => expect(files.length).toBeGreaterThan(60));

  test.each(files)('%s', async (path) => {
    for (const resource of handled(loadFixture(path).resources)) {
      const wrong = !DROPPED_BY_SERVER.includes(path) && validateResource(resource).length > 0;
      const { status, message } = await send(resource.object);
      expect([describeResource(resource), status >= 400, message !== '']).toEqual([
        describeResource(resource),
        wrong,
        wrong,
      ]);
      expect(status).toBeLessThan(500);
    }
  });

  test('a misspelt field of metadata is refused where the API server says so, as kubectl asks it to', async () => {
    const [resource] = loadFixture(DROPPED_BY_SERVER[1] as string).resources;
    const { status, message } = await send(resource?.object as KubeObject, 'POST', 'dryRun=All&fieldValidation=Strict');
    expect([status, message]).toEqual([400, expect.stringContaining('unknown field "metadata.')]);
  });

  test.each(fixturesIn('invalid/semantic'))('%s', async (path) => {
    replica.around.resources = asSent(loadFixture(path).resources);
    const resources = handled(replica.around.resources);
    const { findings } = compile(replica.around.resources, { digest });
    for (const resource of resources) {
      const about = findings.filter((each) => each.resource === describeResource(resource));
      const errors = about.filter(isFinal);
      const answer = await send(resource.object);
      expect([answer.status, answer.message]).toEqual([
        errors.length > 0 ? 422 : 201,
        expect.stringMatching(errors.length > 0 ? DENIED : /^$/),
      ]);
      for (const { code } of errors) expect(answer.message).toContain(code);
    }
  });

  test.each(fixturesIn('valid'))('%s is accepted', async (path) => {
    const loaded = loadFixture(path).resources;
    replica.around.resources = asSent(loaded);
    for (const { object: each } of handled(loaded))
      expect(await send(each)).toMatchObject({ status: 201, message: '' });
  });
});

/** What is missing may follow; conflicts between policies are for the operator. */
function isFinal({ code, severity, message }: Finding): boolean {
  const missing =
    ['AEGIS_UNKNOWN_AGENT', 'AEGIS_UNKNOWN_TOOL'].includes(code) || message.includes('no rule that is loaded');
  return severity === 'error' && !missing;
}

test.each(folders)('%s is accepted in any order, without a warning once all of it is there', async (folder) => {
  const loaded = handled(loadFolder(folder));
  for (const { object: each } of loaded) expect(await send(each)).toMatchObject({ status: 201, message: '' });
  replica.around.resources = asSent(loaded);
  for (const { object: each } of loaded) expect(await send(each)).toMatchObject({ status: 201, message: '' });
});

const GOOD = { scope: { tenantWide: true }, rules: [{ name: 'r', actions: ['*'] }] };

test.each(['Ignore', 'Warn', 'Strict'])('a typo with fieldValidation=%s is refused', async (validation) => {
  const typo = { ...GOOD, rules: [{ name: 'r', actions: ['*'], condition: { maxAmount: 5 } }] };
  const { status, message } = await send(object('typo', typo), 'POST', `fieldValidation=${validation}`);
  expect([status, message]).toEqual([
    422,
    expect.stringContaining(
      'AEGIS_UNKNOWN_FIELD: there is no field condition here (spec.rules[0].condition) fix: Did you mean conditions?',
    ),
  ]);
  expect((await api.raw('GET', '/apis/aegis.dev/v1alpha1/namespaces/default/agentpolicies/typo')).status).toBe(404);
});

test('what kubectl shows can be read', async () => {
  const typo = `
apiVersion: aegis.dev/v1alpha1
kind: AgentPolicy
metadata: {name: typo, namespace: default}
spec:
  scope: {tenantWide: true}
  rules: [{name: r, actions: ["*"], condition: {maxAmount: 5}}]
  roll-out: {}
`;
  const shown = await api.runKubectl(['apply', '--validate=false', '-f', '-'], typo).catch(String);
  expect(
    shown,
  ).toContain(`error when creating "STDIN": admission webhook "validate.aegis.dev" denied the request: 2 errors
  AEGIS_UNKNOWN_FIELD: there is no field condition here (spec.rules[0].condition) fix: Did you mean conditions?
  AEGIS_UNKNOWN_FIELD: there is no field roll-out here (spec.roll-out) fix: Did you mean rollout?
`);
});

test('warnings reach whoever applies', async () => {
  const { status, warnings } = await send(object('warned', { ...GOOD, scope: { agents: ['nobody'] } }));
  expect([status, warnings]).toEqual([
    201,
    [
      expect.stringMatching(
        /^AEGIS_UNKNOWN_AGENT: No AgentRegistration has the id .*nobody.* \(spec\.scope\.agents\[0\]\) fix: /,
      ),
    ],
  ]);
});

test('a name that the API server makes up is a name', async () => {
  const { name: _, ...metadata } = object('x', GOOD).metadata;
  const made = { ...object('x', GOOD), metadata: { ...metadata, generateName: 'made-' } };
  expect((await send(made as unknown as KubeObject)).status).toBe(201);
});

describe('numbers', () => {
  const body = (number: string) =>
    JSON.stringify(
      object('numbers', {
        ...GOOD,
        tests: [{ name: 't', input: { agent: 'a', tool: 't', action: 'x', params: { n: 'N' } }, expect: 'allow' }],
      }),
    ).replace('"N"', number);
  const post = (number: string) =>
    api.raw('POST', '/apis/aegis.dev/v1alpha1/namespaces/default/agentpolicies?dryRun=All', body(number));
  const stored = async (number: string) => {
    const { status, body: answer } = await post(number);
    return { status, text: JSON.stringify(answer) };
  };

  test('the API server keeps 64 bits, which JSON.parse does not: refused', async () => {
    const { status, text } = await stored('9007199254740993');
    expect(status).toBe(422);
    expect(text).toContain(
      'AEGIS_SCHEMA_BOUNDS: n has more digits than a number keeps exactly (spec.tests[0].input.params.n)',
    );
    // Without the webhook it is there, to the digit.
    await api.runKubectl(['delete', 'validatingwebhookconfiguration', 'aegis-validation']);
    await waitFor(async () => (await post('9007199254740993')).status === 201, 15_000);
    await install();
  });

  test('amounts beyond what a number keeps exactly are refused by the schema already', async () => {
    const amount = (text: string) =>
      JSON.stringify(
        object('numbers', { ...GOOD, rules: [{ name: 'r', actions: ['*'], conditions: { maxAmount: 'N' } }] }),
      ).replace('"N"', text);
    for (const text of ['9007199254740992', '9007199254740993', '1e30', '0.1', '99999999999999999999']) {
      const { status, body: answer } = await api.raw(
        'POST',
        '/apis/aegis.dev/v1alpha1/namespaces/default/agentpolicies?dryRun=All',
        amount(text),
      );
      expect([text, status]).toEqual([text, 422]);
      expect(JSON.stringify(answer)).not.toMatch(/admission webhook/);
    }
  });

  test.each(['9007199254740991', '0.1', '5000.0', '1.5e3'])('%s is exact', async (number) => {
    expect((await post(number)).status).toBe(201);
  });
});

describe('a policy that is invalid in the cluster already', () => {
  const BAD = object('inherited', { ...GOOD, typo: 1 });
  const live = async (changes: object = {}) => {
    const { body } = await api.raw('GET', '/apis/aegis.dev/v1alpha1/namespaces/default/agentpolicies/inherited');
    return { ...(body as KubeObject), ...changes };
  };

  beforeAll(async () => {
    await api.runKubectl(['delete', 'validatingwebhookconfiguration', 'aegis-validation']);
    await waitFor(async () => (await send(BAD)).status === 201, 15_000);
    await send(BAD, 'POST', '');
    await install();
  });

  test('can be labelled, with a warning', async () => {
    const { status, warnings } = await send(
      await live({ metadata: { ...(await live()).metadata, labels: { a: 'b' } } }),
      'PUT',
    );
    expect([status, warnings]).toEqual([200, [expect.stringMatching(/^AEGIS_ADMISSION_UNCHANGED: /)]]);
  });

  test('can have its status written', async () => {
    const path = '/apis/aegis.dev/v1alpha1/namespaces/default/agentpolicies/inherited/status';
    const { status } = await api.raw('PUT', path, await live({ status: { observedGeneration: 1 } }));
    expect(status).toBe(200);
  });

  test('cannot be changed and stay invalid', async () => {
    expect((await send(await live({ spec: { ...GOOD, typo: 2 } }), 'PUT')).status).toBe(422);
    expect((await send(await live({ spec: GOOD }), 'PUT')).status).toBe(200);
  });

  test('can be deleted, and lose its finalizers', async () => {
    await api.runKubectl(['annotate', 'agpol', 'inherited', 'a=b']);
    await api.runKubectl([
      'patch',
      'agpol',
      'inherited',
      '--type=merge',
      '-p',
      '{"metadata":{"finalizers":["a.example/b"]}}',
    ]);
    await api.runKubectl(['delete', 'agpol', 'inherited', '--wait=false']);
    await api.runKubectl(['patch', 'agpol', 'inherited', '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    expect((await api.raw('GET', '/apis/aegis.dev/v1alpha1/namespaces/default/agentpolicies/inherited')).status).toBe(
      404,
    );
  });
});

test('while the operator starts, only what a resource says by itself is refused', async () => {
  replica.around.synced = false;
  const { status, warnings } = await send(object('early', { ...GOOD, scope: { agents: ['nobody'] } }));
  expect([status, warnings]).toEqual([201, [expect.stringMatching(/^AEGIS_ADMISSION_PARTIAL: /)]]);
  expect((await send(object('early', { ...GOOD, typo: 1 }))).status).toBe(422);
});

test('with the operator down, resources are still created, at once', async () => {
  const port = replica.server?.address.port as number;
  await replica.stop();
  const began = performance.now();
  expect((await send(object('down', GOOD))).status).toBe(201);
  // Even one that it would have refused: the operator's own validation keeps it out of force.
  expect((await send(object('down', { ...GOOD, typo: 1 }))).status).toBe(201);
  expect(performance.now() - began).toBeLessThan(4_000);
  replica = new WebhookReplica(api, 'aegis-system');
  await replica.start({ port });
  await waitFor(async () => (await send(object('up', { ...GOOD, typo: 1 }))).status === 422, 15_000);
});
