import type { LoadedResource } from '../../policy/resources/resource.ts';
import { validateResource } from '../../policy/validation/validate-resource.ts';
import { ApiServer } from '../apiserver/api-server.ts';
import { fixturesIn, loadFixture } from '../policy/validation/load-fixture.ts';
import { DROPPED, FOR_COMPILER, FOR_WEBHOOK, TEXT_ONLY } from './beyond-the-schema.ts';
import { type FieldValidation, fieldsOf, tryCreate, tryCreateText } from './posting.ts';

const FILES = fixturesIn('invalid');
let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
  const namespaces = [...FILES, ...fixturesIn(FOR_COMPILER), ...fixturesIn('valid')]
    .flatMap((path) => loadFixture(path).resources)
    .map(({ object }) => object.metadata.namespace)
    .filter((name) => typeof name === 'string' && /^[a-z0-9-]+$/.test(name));
  for (const name of new Set(['fintech', ...namespaces])) {
    await server.raw('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
});
afterAll(() => server?.stop());

const created = ({ status }: { status: number }): boolean => status === 201;
const asServer = (resource: LoadedResource) => validateResource(resource, { unknownFields: 'ignore' });

/** Whether the API server takes everything in a file, however a client reads it. */
async function takes(path: string, fieldValidation: FieldValidation): Promise<boolean> {
  const { resources, findings, text } = loadFixture(path);
  if (findings.length > 0) return (await tryCreateText(server, text, fieldValidation)).every(created);
  for (const { object } of resources) {
    if (!created(await tryCreate(server, object, fieldValidation))) return false;
  }
  return true;
}

async function takenOf(paths: readonly string[], fieldValidation: FieldValidation): Promise<string[]> {
  const taken: string[] = [];
  for (const path of paths) if (await takes(path, fieldValidation)) taken.push(path);
  return taken;
}

test('what gets past schema and rules is exactly what the lists say', async () => {
  const beyond = [...FOR_WEBHOOK, ...DROPPED, ...TEXT_ONLY].sort();
  expect(await takenOf(FILES, 'Ignore')).toEqual(beyond);
  const semantic = fixturesIn(FOR_COMPILER);
  expect(await takenOf(semantic, 'Ignore')).toEqual(semantic);
  expect(semantic.length).toBeGreaterThan(25);
});

test('strict field validation, which kubectl asks for, refuses no more of them than it can see', async () => {
  const strict = ['069-misspelt-labels', '002-duplicate-key-conditions', '011-merge-key'];
  const refused = strict.map((name) => `invalid/${name}.yaml`);
  const beyond = [...FOR_WEBHOOK, ...DROPPED, ...TEXT_ONLY].filter((path) => !refused.includes(path)).sort();
  expect(await takenOf(FILES, 'Strict')).toEqual(beyond);
});

test('offline lint says of every single resource what schema and rules say', async () => {
  const different = [];
  let refused = 0;
  for (const path of [...FILES, ...fixturesIn(FOR_COMPILER), ...fixturesIn('valid')]) {
    for (const resource of loadFixture(path).resources) {
      const answer = await tryCreate(server, resource.object, 'Ignore');
      const findings = asServer(resource);
      if (!created(answer)) refused++;
      if (created(answer) === (findings.length === 0)) continue;
      different.push({ path, server: answer.status, lint: findings.map(({ message }) => message) });
    }
  }
  const on = (path: string, message: string) => ({ path, server: 201, lint: [message] });
  // lint is stricter on purpose: what is left empty is kept as null for the webhook; a namespace is dropped
  expect(different).toEqual([
    on('invalid/018-namespace-on-cluster-kind.yaml', 'this kind belongs to the cluster and has no namespace'),
    on('invalid/026-empty-conditions.yaml', 'conditions is empty, but must be a mapping'),
    on('invalid/028-empty-max-amount.yaml', 'maxAmount is empty, but must be a whole number or text'),
    on('invalid/056-tool-actions-empty.yaml', 'actions is empty, but must be a list'),
  ]);
  expect(refused).toBeGreaterThan(60);
});

test('both find the same fields wrong', async () => {
  const different = [];
  let compared = 0;
  for (const path of FILES) {
    for (const resource of loadFixture(path).resources) {
      const fields = fieldsOf(await tryCreate(server, resource.object, 'Ignore'));
      if (fields.length === 0) continue;
      compared++;
      const ours = asServer(resource).map(({ field = '' }) => field);
      if (!fields.some((field) => ours.some((each) => each.startsWith(field) || field.startsWith(each)))) {
        different.push({ path, server: fields, lint: ours });
      }
    }
  }
  expect(different).toEqual([]);
  expect(compared).toBeGreaterThan(50);
});

test('lint refuses every invalid file, with what the lists leave to others', () => {
  const accepted = FILES.filter((path) => {
    const { findings, resources } = loadFixture(path);
    return findings.length === 0 && resources.every((resource) => validateResource(resource).length === 0);
  });
  expect(accepted).toEqual([]);
});

test('for the webhook: what it needs to see is still there after the API server has decoded it', async () => {
  for (const path of FOR_WEBHOOK) {
    for (const resource of loadFixture(path).resources) {
      const { body } = await tryCreate(server, resource.object, 'Ignore');
      const wanted = validateResource(resource).map(({ code, field }) => [code, field]);
      const seen = validateResource({ ...resource, object: body as LoadedResource['object'] });
      expect({ path, found: seen.map(({ code, field }) => [code, field]) }).toEqual({ path, found: wanted });
    }
  }
});
