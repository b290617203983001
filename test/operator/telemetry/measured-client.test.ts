import { KubeError } from '../../../operator/kube/kube-error.ts';
import type { KubeClient, WatchEvent } from '../../../operator/kube/types.ts';
import { CONFIG_MAP } from '../../../operator/model/resource-types.ts';
import { measuredClient } from '../../../operator/telemetry/measured-client.ts';

const told: unknown[] = [];
let now = 0;
beforeEach(() => told.splice(0));

function measured(client: Partial<KubeClient>): KubeClient {
  return measuredClient(client as KubeClient, { requested: (facts) => told.push(facts) }, { monotonic: () => now });
}

test('every call is counted with its verb, its outcome and its time, and passes as it is', async () => {
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n' } };
  const seen: unknown[] = [];
  const client = measured({
    get: async (...args) => {
      seen.push(args);
      now += 5;
      return undefined;
    },
    apply: async (_, applied) => applied,
    replace: async () => {
      throw new KubeError(409, 'Conflict', 'no');
    },
    list: async () => {
      throw new KubeError(0, 'ECONNRESET', 'no');
    },
  });
  expect(await client.get(CONFIG_MAP, { name: 'a' }, { timeout: 5 })).toBeUndefined();
  expect(seen).toEqual([[CONFIG_MAP, { name: 'a' }, { timeout: 5 }]]);
  expect(await client.apply(CONFIG_MAP, object, { fieldManager: 'x' })).toBe(object);
  await expect(client.replace(CONFIG_MAP, object)).rejects.toMatchObject({ status: 409 });
  await expect(client.list(CONFIG_MAP)).rejects.toMatchObject({ reason: 'ECONNRESET' });
  expect(told).toEqual([
    { verb: 'get', code: 404, ms: 5 },
    { verb: 'patch', code: '2xx', ms: 0 },
    { verb: 'update', code: 409, ms: 0 },
    { verb: 'list', code: 0, ms: 0 },
  ]);
});

test('a watch counts when it ends: by itself, by an error, or because nobody reads on', async () => {
  let released = 0;
  const client = measured({
    async *watch(_type, { resourceVersion }): AsyncIterable<WatchEvent<never>> {
      try {
        yield { type: 'BOOKMARK', resourceVersion };
        if (resourceVersion === 'old') throw new KubeError(410, 'Expired', 'too old');
      } finally {
        released++;
      }
    },
  });
  const { signal } = new AbortController();
  const watch = (resourceVersion: string) => client.watch(CONFIG_MAP, { resourceVersion, timeoutSeconds: 5 }, signal);
  const events: unknown[] = [];
  for await (const event of watch('5')) events.push(event);
  expect(events).toEqual([{ type: 'BOOKMARK', resourceVersion: '5' }]);
  await expect(
    (async () => {
      for await (const event of watch('old')) events.push(event);
    })(),
  ).rejects.toMatchObject({ status: 410 });
  for await (const _ of watch('6')) break;
  expect(told).toEqual([
    { verb: 'watch', code: '2xx', ms: 0 },
    { verb: 'watch', code: 410, ms: 0 },
    { verb: 'watch', code: '2xx', ms: 0 },
  ]);
  expect(released).toBe(3);
});
