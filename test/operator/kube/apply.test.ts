import { appliedDiffers, isOwnedBy, labelSelector, ownerReference } from '../../../operator/kube/apply.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { type ConfigMap, configMap } from './types.ts';

const live: ConfigMap = {
  ...configMap('it', { a: '1' }),
  metadata: {
    name: 'it',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '7',
    labels: { ours: '1', theirs: '1' },
    annotations: { theirs: '1' },
    ownerReferences: [
      { apiVersion: 'v1', kind: 'X', name: 'x', uid: 'ux', controller: true, blockOwnerDeletion: true },
    ],
  },
};
const desired = (more: Partial<ConfigMap> = {}): ConfigMap => ({ ...configMap('it', { a: '1' }), ...more });
const withMetadata = (metadata: object): ConfigMap => desired({ metadata: { name: 'it', ...metadata } });

test.each<[string, ConfigMap, boolean]>([
  ['the same', desired(), false],
  ['another value', desired({ data: { a: '2' } }), true],
  ['one more', desired({ data: { a: '1', b: '1' } }), true],
  ['one less', desired({ data: {} }), true],
  ['a field of which nothing is said', { ...desired(), data: undefined } as unknown as ConfigMap, true],
  ['our label', withMetadata({ labels: { ours: '1' } }), false],
  ['another label', withMetadata({ labels: { ours: '2' } }), true],
  ['a label that is not there', withMetadata({ labels: { other: '1' } }), true],
  ['an annotation', withMetadata({ annotations: { ours: '1' } }), true],
  ['the owner', withMetadata({ ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'ux' }] }), false],
  ['another owner', withMetadata({ ownerReferences: [{ apiVersion: 'v1', kind: 'X', name: 'x', uid: 'uy' }] }), true],
  ['an empty field', { ...desired(), binaryData: {} } as ConfigMap, false],
])('%s', (_, object, differs) => {
  expect(appliedDiffers(object, live)).toBe(differs);
});

test('what does not exist differs', () => {
  expect(appliedDiffers(desired(), undefined)).toBe(true);
});

test('lists differ by their order, and null is nothing', () => {
  const status = (value: unknown) => ({ ...desired(), status: value }) as KubeObject;
  const a = { type: 'A', status: 'True' };
  const b = { type: 'B', status: 'True' };
  expect(appliedDiffers(status({ conditions: [a, b] }), status({ conditions: [a, b] }))).toBe(false);
  expect(appliedDiffers(status({ conditions: [a] }), status({ conditions: [a, b] }))).toBe(true);
  expect(appliedDiffers(status({ conditions: [b, a] }), status({ conditions: [a, b] }))).toBe(true);
  expect(appliedDiffers(status({ count: 0 }), status({}))).toBe(true);
  expect(appliedDiffers(status({ count: null }), status({}))).toBe(false);
  expect(appliedDiffers(status({}), status(undefined))).toBe(false);
  // to select everything is not to select nothing
  expect(appliedDiffers(status({ selector: {} }), status({ other: 1 }))).toBe(true);
  expect(appliedDiffers(status({ list: [] }), status({ list: {} }))).toBe(true);
  expect(appliedDiffers(status([1]), status({ 0: 1 }))).toBe(true);
});

test('in a shared field others may add', () => {
  const webhooks = (webhook: object) => ({ ...desired(), webhooks: [webhook] }) as KubeObject;
  const stored = webhooks({ name: 'a', timeoutSeconds: 10, clientConfig: { url: 'x', caBundle: 'y' } });
  const wanted = webhooks({ name: 'a', clientConfig: { url: 'x' } });
  expect(appliedDiffers(wanted, stored)).toBe(true);
  expect(appliedDiffers(wanted, stored, { shared: ['webhooks'] })).toBe(false);
  expect(appliedDiffers(webhooks({ name: 'a', clientConfig: { url: 'z' } }), stored, { shared: ['webhooks'] })).toBe(
    true,
  );
});

test('owners are known by their uid', () => {
  const owner = { ...configMap('owner'), metadata: { name: 'owner', uid: 'uo' } };
  const reference = ownerReference(owner);
  expect(reference).toEqual({ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'uo', controller: true });
  expect(ownerReference(owner, { controller: false, blockOwnerDeletion: true })).toMatchObject({
    controller: false,
    blockOwnerDeletion: true,
  });
  const child = withMetadata({ ownerReferences: [reference] });
  expect(isOwnedBy(child, owner)).toBe(true);
  expect(isOwnedBy(child, { ...owner, metadata: { name: 'owner', uid: 'another' } })).toBe(false);
  expect(isOwnedBy(desired(), owner)).toBe(false);
  expect(() => ownerReference(desired())).toThrow(TypeError);
});

test('a selector of labels', () => {
  expect(labelSelector({ a: '1', 'example.com/b': '2' })).toBe('a=1,example.com/b=2');
});
