import type { KubeClient, KubeObject, ObjectMeta } from '../../../operator/kube/types.ts';
import { unreadRegistrations } from '../../../operator/webhook/unread-registrations.ts';

function registration(metadata: Partial<ObjectMeta> = {}): KubeObject {
  const all = { name: 'payer', namespace: 'fintech', uid: 'one', generation: 2, resourceVersion: '9', ...metadata };
  return { apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentRegistration', metadata: all };
}

function unread(there: KubeObject[], read: KubeObject[]): Promise<string[]> {
  const client = {
    async list(type: { plural: string }, selection: { namespace?: string } = {}) {
      const asked = type.plural === 'agentregistrations' && selection.namespace === 'fintech';
      return { items: asked ? there : [], resourceVersion: '9' };
    },
  } as unknown as Pick<KubeClient, 'list'>;
  const known = new Map(
    read.map((object) => [`AgentRegistration ${object.metadata.namespace}/${object.metadata.name}`, { object }]),
  );
  return unreadRegistrations(client, known, 'fintech', 1000);
}

const cases: [string, KubeObject[], string[]][] = [
  ['nothing of it', [], ['payer']],
  ['the same', [registration()], []],
  ['the same before its status changed', [registration({ resourceVersion: '3' })], []],
  ['an older one', [registration({ generation: 1 })], ['payer']],
  ['a newer one', [registration({ generation: 3 })], []],
  ['an earlier one of that name', [registration({ uid: 'before', generation: 7 })], ['payer']],
  ['one of another namespace', [registration({ namespace: 'other' })], ['payer']],
];
test.each(cases)('%s has been read', async (_, read, names) => {
  expect(await unread([registration()], read)).toEqual(names);
});

test('where there are none there is nothing to read', async () => {
  expect(await unread([], [registration()])).toEqual([]);
});
