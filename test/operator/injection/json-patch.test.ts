import fc from 'fast-check';
import { injectPod } from '../../../operator/injection/inject-pod.ts';
import { patchOf } from '../../../operator/injection/json-patch.ts';
import { applyPatch } from './apply-patch.ts';
import { asDefaulted, digest, overTheWire, podOf, situation } from './sample-injection.ts';

const scalar = fc.oneof(fc.constantFrom('a', 'b', '', 1, 0, true, null), fc.string({ maxLength: 3 }));
const named = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), value: scalar });
const mount = fc.record({
  name: fc.constantFrom('v', 'w'),
  mountPath: fc.constantFrom('/a', '/b', '/c'),
  readOnly: fc.boolean(),
});
const json = fc.letrec((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc.array(named, { maxLength: 5 }),
    fc.array(mount, { maxLength: 4 }),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('x', 'y', 'a/b', 'm~n', '~1', '', 'toString'), tie('any'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
})).any;

test('makes the one of the other', () => {
  fc.assert(
    fc.property(json, json, (before, after) => {
      expect(applyPatch(before, patchOf(before, after))).toEqual(after);
    }),
    { numRuns: 3000 },
  );
});

test('there is nothing to do where nothing differs', () => {
  fc.assert(fc.property(json, (value) => expect(patchOf(value, overTheWire(value))).toEqual([])));
  expect(patchOf({ a: undefined }, {})).toEqual([]);
});

test('names the containers that are touched, and no others', () => {
  const { facts, namespace, settings } = situation();
  const before = podOf({
    initContainers: [{ name: 'migrate', image: 'm:1' }],
    containers: [{ name: 'agent', image: 'a:1', env: [{ name: 'A', value: 'b' }] }],
  });
  const { pod } = injectPod(before, facts, namespace, settings, digest);
  const operations = patchOf(before, pod);
  expect(applyPatch(before, operations)).toEqual(overTheWire(pod));
  expect([...new Set(operations.map(({ op, path }) => `${op} ${path.replace(/env\/\d+/, 'env/…')}`))]).toEqual(
    [
      'add /metadata/annotations',
      'add /spec/containers/0/env/…',
      'add /spec/containers/0/volumeMounts',
      'add /spec/initContainers/0',
      'add /spec/initContainers/1',
      'add /spec/initContainers/2/env',
      'add /spec/initContainers/2/volumeMounts',
      'add /spec/volumes',
    ].sort((a, b) => order(operations, a) - order(operations, b)),
  );
});

function order(operations: readonly { op: string; path: string }[], shown: string): number {
  return operations.findIndex(({ op, path }) => `${op} ${path.replace(/env\/\d+/, 'env/…')}` === shown);
}

test('a second call of the webhook changes what the API server has added to our containers, and nothing else', () => {
  const { facts, namespace, settings } = situation();
  const once = injectPod(podOf(), facts, namespace, settings, digest).pod;
  expect(patchOf(asDefaulted(once), injectPod(asDefaulted(once), facts, namespace, settings, digest).pod)).toEqual([]);
  const again = asDefaulted(once, 'everywhere');
  expect(patchOf(again, injectPod(again, facts, namespace, settings, digest).pod)).toEqual([
    { op: 'remove', path: '/spec/initContainers/0/volumeMounts/5' },
    { op: 'remove', path: '/spec/initContainers/1/volumeMounts' },
  ]);
});

test('lists that are longer than anybody needs are replaced as a whole', () => {
  const list = (prefix: string) =>
    Array.from({ length: 600 }, (_, index) => ({ name: `${prefix}${index}`, value: '1' }));
  expect(patchOf({ env: list('a') }, { env: list('b') })).toEqual([{ op: 'replace', path: '/env', value: list('b') }]);
});

test('of a list of which a great deal goes, the whole is replaced: each entry that is taken out moves all behind it', () => {
  const list = Array.from({ length: 3000 }, (_, at) => ({ name: `entry-${at}` }));
  const left = list.slice(1500);
  expect(patchOf({ list }, { list: left })).toEqual([{ op: 'replace', path: '/list', value: left }]);
  const few = list.slice(0, 1000);
  expect(patchOf({ list: few }, { list: few.slice(500) })).toHaveLength(500);
});
