/** Others write to the same objects: people and GitOps tools. Specs are theirs, statuses ours, and nobody fights. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../apiserver/wait-for.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import type { OperatorProcess } from '../../support/operator-process.ts';
import { type AegisObject, OBJECTS, QUICK, type SampleKind, sampleYaml, World } from './world-a.ts';

const KINDS = Object.keys(OBJECTS) as SampleKind[];
const MERGE = { contentType: 'application/merge-patch+json' };

interface ManagedFields {
  manager: string;
  subresource?: string;
  fieldsV1: Record<string, unknown>;
}

let world: World;
let operator: OperatorProcess;

async function all(): Promise<AegisObject[]> {
  return Promise.all(KINDS.map((kind) => world.object(kind)));
}

async function current(): Promise<AegisObject[]> {
  return eventually(async () => {
    const objects = await all();
    expect(objects.map(kstatusOf)).toEqual(KINDS.map(() => 'Current'));
    return objects;
  }, 15_000);
}

const statuses = (objects: AegisObject[]): unknown[] => objects.map(({ status }) => status);
const generations = (objects: AegisObject[]): number[] => objects.map(({ metadata }) => metadata.generation);

beforeAll(async () => {
  world = await World.open();
  operator = await world.operator(QUICK);
  await world.settled();
});

afterAll(() => world?.close());

test.each(KINDS)('a status of %s that somebody else has edited is put right', async (kind) => {
  const before = (await current())[KINDS.indexOf(kind)] as AegisObject;
  const lie = {
    type: 'Ready',
    status: 'False',
    reason: 'Broken',
    message: 'by hand',
    lastTransitionTime: '2020-01-01T00:00:00Z',
  };
  const foreign = { ...lie, type: 'Approved', status: 'True' };
  const edits = {
    'everything but two conditions': [{ op: 'replace', path: '/status', value: { conditions: [lie, foreign] } }],
    'another generation': [{ op: 'replace', path: '/status/observedGeneration', value: 99 }],
    'nothing left': [{ op: 'remove', path: '/status' }],
  };
  for (const patch of Object.values(edits)) {
    const path = `${OBJECTS[kind]}/status?fieldManager=kubectl-edit`;
    const { status } = await world.server.raw('PATCH', path, patch, { contentType: 'application/json-patch+json' });
    expect(status).toBe(200);
    await eventually(async () => {
      const { conditions, ...rest } = (await world.object(kind)).status ?? {};
      const { conditions: known, ...others } = before.status ?? {};
      expect(rest).toEqual(others);
      const words = (list: typeof conditions) => list?.map(({ type, status: value, reason }) => [type, value, reason]);
      expect(words(conditions)).toEqual(words(known));
    });
  }
  expect((await world.object(kind)).metadata.generation).toBe(before.metadata.generation);
});

test('what a leader that was deposed would write under our own name is put right as well', async () => {
  const { status } = await world.object();
  const stale = {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentPolicy',
    metadata: { name: 'finance-payments', namespace: 'fintech' },
    status: { ...status, bundle: { ...status?.bundle, sequence: 0 } },
  };
  const path = `${OBJECTS.AgentPolicy}/status?fieldManager=aegis-operator-status&force=true`;
  const contentType = 'application/apply-patch+yaml';
  const answer = await world.server.raw('PATCH', path, stale, { contentType });
  expect(answer.status).toBe(200);
  await eventually(async () => expect((await world.object()).status).toEqual(status));
});

test.each([
  'argocd-controller',
  'kustomize-controller',
])('%s applies the same again and again: no difference, no generation, no commit', async (fieldManager) => {
  const before = await current();
  const { manifest } = world.last;
  for (let round = 0; round < 3; round++) await world.server.applyYaml(sampleYaml(), { fieldManager, force: true });
  // rejects where there is a difference
  const flags = ['--server-side', '--force-conflicts', `--field-manager=${fieldManager}`];
  await world.server.runKubectl(['diff', ...flags, '-f', '-'], sampleYaml());
  await sleep(1_500);
  const after = await all();
  expect(generations(after)).toEqual(generations(before));
  expect(statuses(after)).toEqual(statuses(before));
  expect(world.last.manifest).toBe(manifest);
});

test('a client-side apply of what stands there changes nothing either', async () => {
  const before = await current();
  await world.server.runKubectl(['apply', '-f', '-'], sampleYaml());
  await world.server.runKubectl(['apply', '-f', '-'], sampleYaml());
  expect(generations(await all())).toEqual(generations(before));
  await sleep(500);
  expect(statuses(await all())).toEqual(statuses(before));
});

test('labels and annotations of others stay, and start nothing', async () => {
  const before = await current();
  const { manifest } = world.last;
  const metadata = { labels: { 'app.kubernetes.io/instance': 'policies' }, annotations: { note: 'by hand' } };
  for (const kind of KINDS) await world.server.raw('PATCH', OBJECTS[kind], { metadata }, MERGE);
  await sleep(1_500);
  const after = await current();
  expect(generations(after)).toEqual(generations(before));
  for (const { metadata: found } of after) expect(found).toMatchObject(metadata);
  expect(world.last.manifest).toBe(manifest);
});

test('a spec that was edited stays as it is; the operator never owns any of it', async () => {
  await world.edit(1234);
  const policy = await world.settled();
  expect(JSON.stringify(policy.spec)).toContain('1234');
  for (const { metadata, kind } of await all()) {
    const ours = (metadata.managedFields as ManagedFields[]).filter(({ manager }) => manager.startsWith('aegis-'));
    expect(ours.length).toBeGreaterThan(0);
    for (const { manager, subresource, fieldsV1 } of ours) {
      const fields = Object.keys(fieldsV1).sort();
      if (manager === 'aegis-operator-finalizers') expect([kind, fields]).toEqual(['AgentTenant', ['f:metadata']]);
      else expect([manager, subresource, fields]).toEqual(['aegis-operator-status', 'status', ['f:status']]);
    }
    // and nobody without a name of its own: a client that names none would be called by its program
    expect(JSON.stringify(metadata.managedFields)).not.toMatch(/"manager":"(node|undici|aegis-operator\/)/);
  }
  expect(operator.child.exitCode).toBeNull();
});
