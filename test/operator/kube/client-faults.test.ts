import { getEventListeners } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createKubeClient } from '../../../operator/kube/client.ts';
import type { KubeClient, WatchEvent } from '../../../operator/kube/types.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { failure } from './failure.ts';
import { json, ScriptedServer, status } from './scripted-server.ts';
import { CONFIG_MAP, type ConfigMap, configMap } from './types.ts';

let server: ScriptedServer;
let client: KubeClient;
let slept: number[];
const key = { namespace: 'default', name: 'it' };
const from = { resourceVersion: '1', timeoutSeconds: 300 };

beforeEach(async () => {
  server = await ScriptedServer.start();
  slept = [];
  client = newClient();
});
afterEach(async () => {
  await client.close();
  await server.stop();
});

function newClient(options: { watchIdleTimeout?: number; connections?: number } = {}): KubeClient {
  const clock = {
    ...systemClock,
    sleep: async (ms: number) => {
      slept.push(ms);
    },
  };
  return createKubeClient({
    kubeconfig: server.kubeconfig,
    userAgent: 'kube-test',
    clock,
    random: () => 0,
    ...options,
  });
}

async function watched(signal = new AbortController().signal): Promise<WatchEvent<ConfigMap>[]> {
  const events: WatchEvent<ConfigMap>[] = [];
  for await (const event of client.watch<ConfigMap>(CONFIG_MAP, from, signal)) events.push(event);
  return events;
}

describe('a busy server', () => {
  test.each([
    [429, { 'retry-after': '3' }, [3000]],
    [429, {}, [1000]],
    [429, { 'retry-after': '3600' }, [10_000]],
    [503, { 'retry-after': '1' }, [1000]],
  ])('a read waits as long as it asks (%i %j)', async (code, headers, waits) => {
    server.script = (_, response) =>
      server.requests.length === 1
        ? json(response, status(code, 'TooManyRequests'), code, headers)
        : json(response, configMap('it'));
    expect(await client.get(CONFIG_MAP, key)).toBeDefined();
    expect(slept).toEqual(waits);
  });

  test('a read is given up after a few attempts, with the time that the server asks for', async () => {
    server.script = (_, response) => json(response, status(429, 'TooManyRequests'), 429, { 'retry-after': '7' });
    expect(await failure(client.list(CONFIG_MAP))).toMatchObject({ status: 429, retryAfter: 7000 });
    expect(server.requests).toHaveLength(4);
  });

  test('nothing else is tried twice', async () => {
    server.script = (_, response) => json(response, status(429, 'TooManyRequests'), 429, { 'retry-after': '1' });
    expect((await failure(client.create(CONFIG_MAP, configMap('it')))).retryAfter).toBe(1000);
    server.script = (_, response) => json(response, status(503, 'ServiceUnavailable'), 503);
    expect((await failure(client.get(CONFIG_MAP, key))).retryAfter).toBeUndefined();
    expect(server.requests).toHaveLength(2);
  });
});

describe('a broken server', () => {
  test('one that says nothing', async () => {
    server.script = () => {};
    const error = await failure(client.get(CONFIG_MAP, key, { timeout: 50 }));
    expect(error).toMatchObject({ status: 0, reason: 'Timeout' });
    expect(error.message).not.toContain('secret-token');
  });

  test('one that stops in the middle of an answer', async () => {
    server.script = (_, response) => response.writeHead(200).write('{"kind":');
    expect(await failure(client.get(CONFIG_MAP, key, { timeout: 50 }))).toMatchObject({ status: 0, reason: 'Timeout' });
  });

  test('one that hangs up', async () => {
    server.script = (request) => request.socket.destroy();
    expect(await failure(client.get(CONFIG_MAP, key))).toMatchObject({ status: 0, reason: 'UND_ERR_SOCKET' });
  });

  test('one that is not there', async () => {
    await server.close();
    expect(await failure(client.get(CONFIG_MAP, key))).toMatchObject({ status: 0, reason: 'ECONNREFUSED' });
  });

  test('a page of a proxy is not repeated', async () => {
    server.script = (_, response) => response.writeHead(502).end('<html>10.0.0.1 is down</html>');
    expect(await failure(client.get(CONFIG_MAP, key))).toMatchObject({ status: 502, message: 'status 502' });
  });

  test('an answer that is not JSON', async () => {
    server.script = (_, response) => response.end('hello');
    expect(await failure(client.get(CONFIG_MAP, key))).toMatchObject({ status: 0, reason: 'InvalidJSON' });
  });

  test('a call that is given up', async () => {
    server.script = () => {};
    const controller = new AbortController();
    const error = failure(client.get(CONFIG_MAP, key, { signal: controller.signal }));
    setTimeout(() => controller.abort(), 20);
    expect(await error).toMatchObject({ status: 0, reason: 'Aborted' });
  });

  test('a closed client', async () => {
    await client.close();
    expect(await failure(client.get(CONFIG_MAP, key))).toMatchObject({ status: 0, reason: 'Closed' });
  });
});

describe('lists', () => {
  test('pages that expire are read again from the beginning, in the end as one', async () => {
    server.script = (_, response, url) => {
      if (url.searchParams.has('continue')) return json(response, status(410, 'Expired'), 410);
      const more = url.searchParams.has('limit');
      return json(response, {
        metadata: { resourceVersion: '9', ...(more && { continue: 'next' }) },
        items: [{ metadata: { name: 'a' } }, ...(more ? [] : [{ metadata: { name: 'b' } }])],
      });
    };
    const { items, resourceVersion } = await client.list(CONFIG_MAP);
    expect([items.length, resourceVersion]).toEqual([2, '9']);
    expect(server.requests).toHaveLength(7);
  });

  test('pages that are too large are asked for in smaller ones', async () => {
    const huge = 'x'.repeat(33 * 1024 * 1024);
    server.script = (_, response, url) => {
      const large = url.searchParams.get('limit') === '4';
      if (!large) return json(response, { metadata: { resourceVersion: '9' }, items: [{ metadata: { name: 'a' } }] });
      return response.writeHead(200).end(JSON.stringify([huge, huge]));
    };
    const { items } = await client.list(CONFIG_MAP, { pageSize: 4 });
    expect(items).toHaveLength(1);
    expect(server.requests.map((line) => /limit=([0-9]+)/.exec(line)?.[1])).toEqual(['4', '1']);
  });

  test('a list of nothing', async () => {
    server.script = (_, response) => json(response, { metadata: { resourceVersion: '3' }, items: null });
    expect(await client.list(CONFIG_MAP)).toEqual({ items: [], resourceVersion: '3' });
  });
});

describe('watches', () => {
  const added = `${JSON.stringify({ type: 'ADDED', object: configMap('ä€🙂') })}\n`;
  const bookmark = `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '7' } } })}\n`;

  test('asks for bookmarks, and ends when the server does', async () => {
    server.script = (_, response) => response.end(added + bookmark);
    expect(await watched()).toEqual([
      { type: 'ADDED', object: configMap('ä€🙂') },
      { type: 'BOOKMARK', resourceVersion: '7' },
    ]);
    expect(server.requests[0]).toBe(
      'GET /api/v1/configmaps?watch=true&allowWatchBookmarks=true&resourceVersion=1&timeoutSeconds=300',
    );
  });

  test('an error within is one of the API', async () => {
    const error = `${JSON.stringify({ type: 'ERROR', object: status(410, 'Expired', 'too old') })}\n`;
    server.script = (_, response) => response.end(added + error + added);
    expect(await failure(watched())).toMatchObject({ status: 410, reason: 'Expired', message: 'too old' });
  });

  test.each([
    ['an event that is cut off', added.slice(0, -5), 'Truncated'],
    ['a line that is not JSON', 'hello\n', 'InvalidEvent'],
    ['an event without an object', '{"type":"ADDED"}\n', 'InvalidEvent'],
    ['an event of a kind that is not known', added.replace('ADDED', 'MOVED'), 'InvalidEvent'],
  ])('%s', async (_, text, reason) => {
    server.script = (__, response) => response.end(text);
    expect(await failure(watched())).toMatchObject({ status: 0, reason });
  });

  test('a refused watch says why', async () => {
    server.script = (_, response) => json(response, status(429, 'TooManyRequests'), 429, { 'retry-after': '2' });
    expect(await failure(watched())).toMatchObject({ status: 429, retryAfter: 2000 });
    expect(server.requests).toHaveLength(1);
  });

  test('silence is an error', async () => {
    client = newClient({ watchIdleTimeout: 50 });
    server.script = (_, response) => response.write(added);
    expect(await failure(watched())).toMatchObject({ status: 0, reason: 'Idle' });
  });

  test('a reader that takes its time is no silence', async () => {
    client = newClient({ watchIdleTimeout: 60 });
    server.script = (_, response) => {
      response.write(added);
      setTimeout(() => response.end(added), 30);
    };
    let count = 0;
    for await (const _ of client.watch(CONFIG_MAP, from, new AbortController().signal)) {
      count++;
      await new Promise((resolve) => setTimeout(resolve, 120));
    }
    expect(count).toBe(2);
  });

  test('whoever stops reading closes the connection', async () => {
    let closed = false;
    server.script = (request, response) => {
      request.socket.once('close', () => {
        closed = true;
      });
      response.write(added);
    };
    for await (const _ of client.watch(CONFIG_MAP, from, new AbortController().signal)) break;
    await until(() => closed);
  });

  test('watches do not wait for calls, nor calls for watches', async () => {
    client = newClient({ connections: 1 });
    server.script = (_, response, url) => {
      if (url.searchParams.has('watch')) response.write(added);
      else if (!url.pathname.endsWith('hangs')) json(response, configMap('it'));
    };
    const stop = new AbortController();
    const watches = [1, 2, 3].map(() => client.watch(CONFIG_MAP, from, stop.signal)[Symbol.asyncIterator]());
    for (const watch of watches) expect((await watch.next()).done).toBe(false);
    expect(await client.get(CONFIG_MAP, key)).toBeDefined();
    const hanging = failure(client.get(CONFIG_MAP, { namespace: 'default', name: 'hangs' }, { timeout: 300 }));
    const another = client.watch(CONFIG_MAP, from, stop.signal)[Symbol.asyncIterator]();
    expect((await another.next()).done).toBe(false);
    expect((await hanging).reason).toBe('Timeout');
    stop.abort();
    for (const watch of [...watches, another]) await failure(watch.next());
  });
});

describe('nothing is left behind', () => {
  test('not on a signal that lives long, not in sockets, not on the heap', async () => {
    const line = `${JSON.stringify({ type: 'ADDED', object: configMap('it', { a: 'x'.repeat(10_000) }) })}\n`;
    let turn = 0;
    server.script = (request, response, url) => {
      if (!url.searchParams.has('watch')) return json(response, configMap('it'));
      response.write(line.repeat(3));
      // all the ways in which a watch ends
      const end = [() => response.end(), () => request.socket.destroy(), () => response.end('{'), () => {}][turn++ % 4];
      return setTimeout(() => end?.(), 1);
    };
    const { signal } = new AbortController();
    const round = async () => {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), 8);
      await watched(turn % 4 === 3 ? stop.signal : signal).catch(() => undefined);
      clearTimeout(timer);
      await client.get(CONFIG_MAP, key, { signal });
    };
    for (let i = 0; i < 60; i++) await round();
    const before = heapUsed();
    for (let i = 0; i < 300; i++) await round();
    await until(() => server.sockets.size <= 2);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(heapUsed() - before).toBeLessThan(3_000_000);
  });
});

function heapUsed(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('it did not come to pass');
}
