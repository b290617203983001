import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { KubeObject } from '../../operator/kube/types.ts';
import { ApiServer } from '../apiserver/api-server.ts';
import { objectOf } from '../apiserver/objects.ts';
import { fixturesIn, loadFixture } from '../policy/validation/load-fixture.ts';
import { kstatusOf } from '../support/kstatus.ts';
import { BASE_OBJECTS } from './cel-cases.ts';
import { CRDS, ROOT } from './load-schemas.ts';
import { collectionOf } from './posting.ts';

type Stored = KubeObject & {
  metadata: { generation: number; resourceVersion: string };
  spec: Record<string, unknown>;
  status: { observedGeneration: number; conditions?: unknown[] };
};

const APPLY = 'application/apply-patch+yaml';
const MERGE = 'application/merge-patch+json';
const KINDS = CRDS.map(({ spec }) => spec.names.kind);
let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start();
  for (const name of ['fintech', 'aegis-system']) {
    await server.raw('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }
});
afterAll(() => server?.stop());

function baseOf(kind: string, name: string, namespace: string) {
  const scope = CRDS.find(({ spec }) => spec.names.kind === kind)?.spec.scope;
  const metadata = { name, ...(scope === 'Namespaced' && { namespace }) };
  return { apiVersion: 'aegis.dev/v1alpha1', kind, metadata, ...(BASE_OBJECTS[kind] as { spec: object }) };
}

const pathOf = (object: KubeObject) => `${collectionOf(object)}/${object.metadata.name}`;

async function create(object: KubeObject): Promise<Stored> {
  return objectOf<Stored>(await server.raw('POST', collectionOf(object), object));
}

async function read(object: KubeObject): Promise<Stored> {
  return objectOf<Stored>(await server.raw('GET', pathOf(object)));
}

async function apply(object: KubeObject, manager: string, more = ''): Promise<Stored> {
  const path = `${pathOf(object)}${more.includes('status') ? '/status' : ''}`;
  const query = `fieldManager=${manager}&force=true${more.includes('dryRun') ? '&dryRun=All' : ''}`;
  return objectOf<Stored>(
    await server.raw('PATCH', `${path}?${query}`, JSON.stringify(object), { contentType: APPLY }),
  );
}

/** As the operator does: conditions, and whatever else it says of this generation. */
function writeStatus(stored: Stored): Promise<Stored> {
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'Completed',
    message: 'Enforced.',
    lastTransitionTime: '2026-03-01T08:00:00Z',
    observedGeneration: stored.metadata.generation,
  };
  const { apiVersion, kind, metadata } = stored;
  const { name, namespace } = metadata;
  const status = { observedGeneration: metadata.generation, conditions: [ready] };
  const own = { apiVersion, kind, metadata: { name, ...(namespace !== undefined && { namespace }) }, status };
  return apply(own as KubeObject, 'aegis-operator-status', 'status');
}

const withoutTimes = ({ metadata: { managedFields: _, ...metadata }, ...rest }: Stored) => ({ ...rest, metadata });

/**
 * What is left of a stored object when only the fields that Git declares are looked at, in lists place by place: Argo
 * CD's own comparison of custom resources. Whatever the server or the operator adds is no difference then.
 */
function asDeclared(live: unknown, declared: unknown): unknown {
  if (Array.isArray(live) && Array.isArray(declared)) {
    return live.map((each, index) => (index < declared.length ? asDeclared(each, declared[index]) : each));
  }
  if (!isMap(live) || !isMap(declared)) return live;
  // a null that is declared may be left out: in a merge patch both mean the same
  const names = Object.keys(declared).filter((name) => name in live || declared[name] === null);
  return Object.fromEntries(names.map((name) => [name, asDeclared(live[name] ?? null, declared[name])]));
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

test.each(KINDS)('%s: a new object is InProgress, whatever status its author gives it', async (kind) => {
  const namespace = await server.namespace('new');
  const object = baseOf(kind, namespace, namespace);
  const fake = { observedGeneration: 1, conditions: [] };
  const stored = await create({ ...object, status: fake } as KubeObject);
  expect(stored.status).toEqual({ observedGeneration: -1 });
  expect(kstatusOf(stored)).toBe('InProgress');
});

test.each(KINDS)('%s: spec and status cannot be written through each other', async (kind) => {
  const namespace = await server.namespace('isolated');
  const stored = await create(baseOf(kind, namespace, namespace));
  const observed = await writeStatus(stored);
  expect(observed.metadata.generation).toBe(1);
  expect(observed.status).toMatchObject({ observedGeneration: 1, conditions: [{ type: 'Ready', status: 'True' }] });
  expect(kstatusOf(observed)).toBe('Current');

  const contentType = { contentType: MERGE };
  const labelled = { metadata: { labels: { a: 'b' } }, status: { observedGeneration: 7, conditions: [] } };
  const afterSpec = objectOf<Stored>(await server.raw('PATCH', pathOf(stored), labelled, contentType));
  expect(afterSpec.status).toEqual(observed.status);
  const both = { spec: { madeUp: true }, status: { observedGeneration: 1, conditions: [] } };
  const afterStatus = objectOf<Stored>(await server.raw('PATCH', `${pathOf(stored)}/status`, both, contentType));
  expect(afterStatus.spec).toEqual(stored.spec);
  expect([afterStatus.metadata.generation, afterStatus.status.conditions]).toEqual([1, []]);
});

test('a change of the spec makes an object InProgress again; a change of labels does not', async () => {
  const namespace = await server.namespace('generation');
  const stored = await writeStatus(await create(baseOf('AgentPolicy', 'p', namespace)));
  const patch = async (change: object) =>
    objectOf<Stored>(await server.raw('PATCH', pathOf(stored), change, { contentType: MERGE }));
  expect(kstatusOf(await patch({ metadata: { labels: { team: 'payments' } } }))).toBe('Current');
  expect(kstatusOf(await patch({ spec: { suspend: true } }))).toBe('InProgress');
});

test('an id cannot be changed, by whatever way', async () => {
  const namespace = await server.namespace('ids');
  for (const [kind, field, message] of [
    ['AgentRegistration', 'agentId', 'agentId cannot be changed'],
    ['AgentTool', 'toolId', 'toolId cannot be changed'],
  ] as const) {
    const stored = await create(baseOf(kind, 'first', namespace));
    const change = { spec: { [field]: 'second' } };
    const patched = await server.raw('PATCH', pathOf(stored), change, { contentType: MERGE });
    expect(patched).toMatchObject({ status: 422, body: { message: expect.stringContaining(message) } });
    const replaced = await server.raw('PUT', pathOf(stored), { ...stored, spec: { ...stored.spec, ...change.spec } });
    expect(replaced.status).toBe(422);
    // the id that it has anyway may be written out
    const same = await server.raw('PATCH', pathOf(stored), { spec: { [field]: 'first' } }, { contentType: MERGE });
    expect(same.status).toBe(200);
    const gone = await server.raw('PATCH', pathOf(stored), { spec: { [field]: null } }, { contentType: MERGE });
    expect(gone.status).toBe(200);
  }
});

describe('GitOps controllers', () => {
  const resources = fixturesIn('valid').flatMap((path) => loadFixture(path).resources.map(({ object }) => object));
  /** Several files speak of the same objects. */
  const named = new Map(resources.map((object) => [pathOf(object as KubeObject), object as unknown as KubeObject]));
  const objects = [...named.values()];

  beforeAll(async () => {
    for (const { metadata } of objects) {
      if (metadata.namespace === undefined) continue;
      const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: metadata.namespace } };
      objectOf(await server.raw('POST', '/api/v1/namespaces', namespace), 409);
    }
  });

  test.each([
    ['argocd-controller', {}],
    ['kustomize-controller', { labels: { 'kustomize.toolkit.fluxcd.io/name': 'aegis-policies' } }],
  ])('%s finds nothing to do after the operator has written, and a sync changes nothing', async (manager, more) => {
    for (const object of objects) {
      const desired = { ...object, metadata: { ...object.metadata, ...more } } as KubeObject;
      const first = await apply(desired, manager);
      await writeStatus(first);
      if (object.kind === 'AgentTenant') {
        const finalizers = ['aegis.dev/bundle-revocation'];
        await server.raw('PATCH', pathOf(object), { metadata: { finalizers } }, { contentType: MERGE });
      }
      const live = await read(object);
      expect(asDeclared(live, desired)).toEqual(desired);
      const predicted = await apply(desired, manager, 'dryRun');
      expect(withoutTimes(predicted)).toEqual(withoutTimes(live));
      const synced = await apply(desired, manager);
      expect(synced.metadata.resourceVersion).toBe(live.metadata.resourceVersion);
      expect([synced.metadata.generation, kstatusOf(synced)]).toEqual([live.metadata.generation, 'Current']);
    }
    expect(objects.length).toBeGreaterThan(10);
  });

  test('client-side apply, as Argo CD does it by default, finds nothing to do either', async () => {
    const namespace = await server.namespace('client-side');
    const own = objects.filter(({ kind, metadata }) => kind === 'AgentPolicy' && metadata.namespace !== undefined);
    const renamed = own.map((object, index) => ({
      ...object,
      metadata: { ...object.metadata, name: `p-${index}`, namespace },
    }));
    const text = renamed.map((object) => stringify(object)).join('---\n');
    await server.runKubectl(['apply', '-f', '-'], text);
    const live = await Promise.all(renamed.map((object) => read(object)));
    await server.runKubectl(['apply', '-f', '-'], text);
    // lists are sent again without their defaults, and stored with them again
    const specOf = ({ metadata, spec }: Stored) => ({ generation: metadata.generation, spec });
    expect((await Promise.all(renamed.map((object) => read(object)))).map(specOf)).toEqual(live.map(specOf));
    renamed.forEach((object, index) => {
      expect(asDeclared(live[index], object)).toEqual(object);
    });
    expect(await server.runKubectl(['diff', '-f', '-'], text)).toBe('');
  });
});

test('every CRD fits into the annotation of client-side apply', () => {
  for (const file of readdirSync(join(ROOT, 'crds')).filter((each) => each.endsWith('.yaml'))) {
    const size = JSON.stringify(parse(readFileSync(join(ROOT, 'crds', file), 'utf8'))).length;
    expect({ file, fits: size < 262_144 }).toEqual({ file, fits: true });
  }
});

test('columns, short names and the category show what there is at a glance', async () => {
  const namespace = await server.namespace('columns');
  for (const kind of ['AgentPolicy', 'AgentRegistration', 'AgentTool']) {
    await writeStatus(await create(baseOf(kind, 'shown', namespace)));
  }
  const kubectl = (...args: string[]) => server.runKubectl(['-n', namespace, 'get', ...args]);
  const shown = await kubectl('agpol,agreg,agtool');
  for (const { spec } of CRDS.filter(({ spec }) =>
    ['agpol', 'agreg', 'agtool'].includes(spec.names.shortNames[0] ?? ''),
  )) {
    const columns = spec.versions[0]?.additionalPrinterColumns.filter(({ priority }) => !priority) ?? [];
    const header = columns.map(({ name }) => name.toUpperCase()).join('\\s+');
    expect(shown).toMatch(new RegExp(`NAME\\s+${header}\\n${spec.names.singular}\\.aegis\\.dev/shown\\s`));
  }
  expect(shown.match(/\bTrue\b/g)).toHaveLength(3);
  const names = (await kubectl('aegis', '-o', 'name')).trim().split('\n');
  expect(names.filter((name) => !name.startsWith('agenttenant.')).sort()).toEqual(
    ['agentpolicy', 'agentregistration', 'agenttool'].map((each) => `${each}.aegis.dev/shown`),
  );
  const wide = await kubectl('agpol', '-o', 'wide');
  expect(wide).toMatch(/REVISION\s+PHASE\s+MESSAGE/);
});
