import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { caFolder } from '../../../gateway/capture/ca/ca-folder.ts';
import { openCertificateAuthority } from '../../../gateway/capture/ca/certificate-authority.ts';
import type { LimitStore, LimitStoreStatus } from '../../../gateway/limits/limit-store.ts';
import { createRedisLimitStore, type RedisLimitStoreOptions } from '../../../gateway/limits/redis-limit-store.ts';
import { attempt, charge, hold, left, OPERATION, openStore, RATE, until } from './open-store.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

let redis: RedisServer;
let prefixes = 0;
const stores: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  for (const store of stores) await store.close();
  await redis.remove();
});

async function open(options: Partial<RedisLimitStoreOptions> = {}, more: Parameters<typeof openStore>[1] = {}) {
  const store = await openStore({ url: redis.url, prefix: `p${++prefixes}:`, ...options }, more);
  stores.push(store);
  return store;
}

const UNAVAILABLE = { code: 'AEGIS_LIMITS_UNAVAILABLE' };

describe('when the server fails', () => {
  async function refused(store: LimitStore): Promise<number> {
    const started = performance.now();
    await expect(store.reserve([charge(1n)])).rejects.toMatchObject(UNAVAILABLE);
    return performance.now() - started;
  }

  test('killed: refused at once; started again: counts on, from its own log', async () => {
    const own = await startRedis(['--appendonly', 'yes', '--appendfsync', 'always']);
    const store = await openStore({ url: own.url, maxBackoff: 100 });
    try {
      await (await hold(store, charge(6n))).settle();
      const pending = await hold(store, charge(1n));
      await own.kill();
      await until(() => store.status().state === 'connecting');
      expect(await refused(store)).toBeLessThan(100);
      await expect(pending.settle()).rejects.toMatchObject(UNAVAILABLE);
      await pending.release();
      await own.start();
      await until(() => store.status().state === 'ready');
      await until(async () => (await left(store)) === 4n);
      await (await hold(store, charge(4n))).settle();
      expect(await left(store)).toBe(0n);
      expect(store.errors).toEqual([]);
    } finally {
      await store.close();
      await own.remove();
    }
  });

  test('stopped: each command is bounded in time, the next fail at once; what was doubtful is cleared up afterwards', async () => {
    const own = await startRedis();
    const store = await openStore({ url: own.url, timeout: 150 });
    try {
      const [settled, held] = [await hold(store, charge(3n)), await hold(store, charge(2n))];
      await settled.settle();
      own.signal('SIGSTOP');
      const doubtful = held.settle();
      const lost = store.reserve([charge(4n)]);
      await expect(doubtful).rejects.toMatchObject(UNAVAILABLE);
      await expect(lost).rejects.toMatchObject(UNAVAILABLE);
      expect(store.status()).toMatchObject({ state: 'slow', reason: 'TIMEOUT' });
      expect(await refused(store)).toBeLessThan(50);
      const released = [held.release(), settled.release()];
      own.signal('SIGCONT');
      await Promise.all(released);
      await until(() => store.status().state === 'ready');
      // Whether the server had settled it or not, and although the second hold came to be after all.
      await until(async () => (await left(store)) === 10n);
    } finally {
      await store.close();
      await own.remove();
    }
  });

  test('stopped for long: the connection is given up, and a new one found', async () => {
    const own = await startRedis();
    const seen: string[] = [];
    const store = await createRedisLimitStore(
      { url: own.url, timeout: 100, hangUpAfter: 300, maxBackoff: 100, lease: 3_000 },
      { now: Date.now, random: Math.random, instance: 'x', onStatus: ({ state }) => seen.push(state) },
    );
    const state = (): LimitStoreStatus['state'] | undefined => store.status?.().state;
    try {
      await until(() => state() === 'ready');
      const held = await hold(store, charge(3n));
      own.signal('SIGSTOP');
      const doubtful = held.settle();
      await refused(store);
      await expect(doubtful).rejects.toMatchObject(UNAVAILABLE);
      const released = held.release();
      await until(() => state() === 'connecting');
      own.signal('SIGCONT');
      await released;
      await until(() => state() === 'ready');
      await until(() => Promise.resolve(left(store)).then((rest) => rest === 10n));
      expect(seen.slice(0, 3)).toEqual(['ready', 'ready', 'slow']);
    } finally {
      await store.close?.();
      await own.remove();
    }
  });

  test('a script that the server forgot is sent again', async () => {
    const store = await open();
    await hold(store, charge(1n));
    await redis.command('SCRIPT FLUSH');
    await hold(store, charge(1n));
    expect(await left(store)).toBe(8n);
  });

  test('a server that is full, or forgets what it holds', async () => {
    const own = await startRedis(['--maxmemory', '3mb', '--maxmemory-policy', 'volatile-lru']);
    const store = await openStore({ url: own.url });
    try {
      await until(() => store.status().evicts === true);
      await own.command('CONFIG SET maxmemory-policy noeviction');
      await own.command('CONFIG SET maxmemory 100kb');
      const error = await Promise.resolve(store.reserve([charge(424_242n, { max: 10n ** 9n })])).catch((e: Error) => e);
      expect(error).toMatchObject(UNAVAILABLE);
      expect(String(error)).toContain('OOM');
      expect(String(error)).not.toContain('424242');
    } finally {
      await store.close();
      await own.remove();
    }
  });

  test('closed: refused', async () => {
    const store = await open();
    await store.close();
    await refused(store);
    expect(store.status().state).toBe('closed');
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

describe('connecting', () => {
  test.each([
    'nonsense',
    'http://localhost:6379',
    'redis://user:secret-4242@localhost:6379',
    'redis://localhost:6379/first',
  ])('refused: %s', async (url) => {
    const made = createRedisLimitStore({ url }, { now: Date.now, random: Math.random, instance: 'x' });
    const error = await made.catch((e: Error) => e);
    expect(error).toMatchObject({ code: 'AEGIS_LIMITS_CONFIG' });
    expect(String(error)).not.toContain('4242');
  });

  test('user and password are read for every connection', async () => {
    const own = await startRedis(
      '--user default off --user gateway on >first ~aegis:* +eval +evalsha +info +select +time +hget +hmget +hgetall +hset +hdel +del +set +exists +pexpire +pttl'.split(
        ' ',
      ),
    );
    let password = 'wrong';
    const store = await openStore(
      { url: `${own.url}?db=2`, credentials: () => ({ username: 'gateway', password }), maxBackoff: 100 },
      { wait: false },
    );
    try {
      await until(() => store.status().reason === 'WRONGPASS');
      expect(JSON.stringify(store.status())).not.toContain('wrong"');
      password = 'first';
      await until(() => store.status().state === 'ready');
      const [first, second] = [
        await attempt(store, OPERATION, charge(6n)),
        await attempt(store, OPERATION, charge(6n)),
      ];
      await first.settle();
      await first.refund();
      await second.release();
      expect(await left(store)).toBe(10n);
      expect(store.status().evicts).toBe(false);
    } finally {
      await store.close();
      await own.remove();
    }
  });

  test('TLS, with an authority and a certificate of its own', async () => {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), 'aegis-redis-tls-'));
    const deps = { files: caFolder(folder), now: Date.now, randomBytes };
    const authority = openCertificateAuthority(deps);
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const cert = authority.issueLeaf('valkey.example.com', publicKey, Date.now() + 86_400_000);
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
    writeFileSync(certFile, cert);
    writeFileSync(keyFile, key);
    const files = [
      '--tls-cert-file',
      certFile,
      '--tls-key-file',
      keyFile,
      '--tls-ca-cert-file',
      join(folder, 'ca.crt'),
    ];
    const own = await startRedis(['--tls-port', String(port), '--tls-auth-clients', 'no', ...files]);
    const url = `rediss://127.0.0.1:${port}/3`;
    const tls = { ca: authority.certificate, serverName: 'valkey.example.com' };
    const good = await openStore({ url, tls });
    const [strange, misnamed] = await Promise.all([
      openStore({ url, tls: { serverName: tls.serverName } }, { wait: false }),
      openStore({ url, tls: { ...tls, serverName: 'other.example.com' } }, { wait: false }),
    ]);
    try {
      expect(await left(good)).toBe(10n);
      await hold(good, charge(1n));
      expect(await own.command('INFO keyspace')).toContain('db3:');
      await until(() => /CERT|VERIFY|ISSUER/.test(strange.status().reason ?? ''));
      await until(() => misnamed.status().reason === 'ERR_TLS_CERT_ALTNAME_INVALID');
    } finally {
      for (const store of [good, strange, misnamed]) await store.close();
      await own.remove();
      rmSync(folder, { recursive: true });
    }
  });

  test('a cluster takes the script: all keys of a tenant are in one slot', async () => {
    const own = await startRedis(['--cluster-enabled', 'yes']);
    try {
      await own.command('CLUSTER ADDSLOTSRANGE 0 16383');
      await until(async () => (await own.command('CLUSTER INFO')).includes('cluster_state:ok'));
      const store = await openStore({ url: own.url });
      const call = await attempt(
        store,
        OPERATION,
        charge(6n, { tenant: 'a{b}c' }),
        charge(1n, { ...RATE, tenant: 'a{b}c' }),
      );
      await call.settle();
      await call.release();
      await store.close();
    } finally {
      await own.remove();
    }
  });

  test('the prefix and the tenant keep counters apart', async () => {
    const [first, second] = [await open(), await open()];
    await hold(first, charge(6n));
    expect(await left(second)).toBe(10n);
    expect(await left(first, { tenant: 'u' })).toBe(10n);
    expect(await left(first)).toBe(4n);
  });

  test('a call is three round trips, however often its ends are told', async () => {
    const own = await startRedis();
    const store = await openStore({ url: own.url });
    try {
      await left(store);
      await sleep(50);
      const calls = async () =>
        Number(/cmdstat_evalsha:calls=(\d+)/.exec(await own.command('INFO commandstats'))?.[1] ?? 0);
      const before = await calls();
      const held = await attempt(store, OPERATION, charge(1n), charge(1n, RATE));
      await held.settle();
      await held.settle();
      await held.release();
      await held.release();
      expect((await calls()) - before).toBe(3);
    } finally {
      await store.close();
      await own.remove();
    }
  });
});
