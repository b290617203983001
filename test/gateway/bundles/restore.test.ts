import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BundleStore, folderStore } from '../../../gateway/bundles/bundle-store.ts';
import { GATEWAY_LIMITS } from '../../../gateway/bundles/bundle-updater.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { FakeClock } from './fake-clock.ts';
import { gateway } from './gateway-under-test.ts';
import { HOUR, KEY, payment, RING, SECOND_KEY, sign, sliceArchive, T0, temporaryFolder, until } from './publisher.ts';

let folder: ReturnType<typeof temporaryFolder>;
let state: string;
let store: BundleStore;
const BUNDLE = 'last-known-good.tar';
const MEMORY = 'memory.json';

beforeEach(() => {
  folder = temporaryFolder();
  state = join(folder.path, 'state');
  store = folderStore(state, { limits: GATEWAY_LIMITS, crypto: nodeCrypto });
});
afterEach(() => folder.remove());

type Options = Parameters<typeof gateway>[0];

/** A gateway that has lived: took these bundles, wrote, ended. */
async function lived(bundles: ReturnType<typeof sign>[], options: Options = {}): Promise<void> {
  const under = gateway({ store, ...options });
  for (const bundle of bundles)
    expect((await under.sink.offer({ archive: sliceArchive(bundle) })).code).toBeUndefined();
  await until(() => under.updater.status().stored === bundles.at(-1)?.manifest.sequence);
  await under.updater.stop();
}

async function restarted(options: Options = {}, now = T0 + 2_000) {
  const clock = new FakeClock(now);
  const under = gateway({ store, clock, ...options });
  await under.updater.restore();
  return under;
}

test('a restart goes on where the gateway was, without any source', async () => {
  await lived([sign({ sequence: 4 }), sign({ sequence: 5, cap: 100 })]);
  const under = await restarted();
  expect(under.active?.sequence).toBe(5);
  expect(under.active?.evaluate(payment(101)).enforced.verdict).toBe('approval_needed');
  expect(under.updater.status()).toMatchObject({
    state: 'active',
    stored: 5,
    active: { source: 'disk' },
    sources: [{ kind: 'disk' }],
  });
  expect((await under.sink.offer({ archive: sliceArchive(sign({ sequence: 5, cap: 100 })) })).outcome).toBe(
    'unchanged',
  );
});

test('an expired head is restored; maxStaleness judges it', async () => {
  await lived([sign({ sequence: 5 })]);
  const young = await restarted({}, T0 + 48 * HOUR);
  expect(young.updater.status().state).toBe('active');
  const old = await restarted({}, T0 + 73 * HOUR);
  expect(old.updater.status().state).toBe('stale');
  expect(old.events.map(({ type }) => type)).toEqual(['stale', 'activated']);
});

test('a clock that was set back before the restart neither loses the bundle nor makes it young', async () => {
  await lived([sign({ sequence: 5 })], { clock: new FakeClock(T0 + HOUR) });
  const under = await restarted({ maxStaleness: 2 * HOUR }, T0 - 500 * HOUR);
  expect(under.active?.sequence).toBe(5);
  expect(under.active?.freshness?.age()).toBe(HOUR);
  await under.clock.advance(HOUR + 1);
  expect(under.updater.status().state).toBe('stale');
});

test('the sequence never goes back across restarts', async () => {
  await lived([sign({ sequence: 5 })]);
  const under = await restarted();
  expect((await under.sink.offer({ archive: sliceArchive(sign({ sequence: 4 })) })).code).toBe('AEGIS_BUNDLE_SEQUENCE');
  expect((await under.sink.offer({ archive: sliceArchive(sign({ sequence: 5, cap: 9000 })) })).code).toBe(
    'AEGIS_BUNDLE_SEQUENCE_CONFLICT',
  );
});

test('not even when the bundle on disk is damaged: the memory still knows', async () => {
  const revocations = { keys: [SECOND_KEY.keyId], approvals: ['approval-1'] };
  await lived([sign({ sequence: 5, revocations })]);
  writeFileSync(join(state, BUNDLE), readFileSync(join(state, BUNDLE)).subarray(0, 50_000));
  const under = await restarted();
  expect(under.active).toBeUndefined();
  expect(under.updater.status()).toMatchObject({
    state: 'none',
    lastError: { code: 'AEGIS_BUNDLE_STORE_CORRUPT', source: 'disk' },
    revoked: { keys: 1, approvals: 1 },
  });
  expect((await under.sink.offer({ archive: sliceArchive(sign({ sequence: 4 })) })).code).toBe('AEGIS_BUNDLE_SEQUENCE');
  const stolen = sign({ sequence: 6, key: SECOND_KEY });
  expect((await under.sink.offer({ archive: sliceArchive(stolen) })).code).toBe('AEGIS_BUNDLE_KEY_REVOKED');
  expect((await under.sink.offer({ archive: sliceArchive(sign({ sequence: 6 })) })).outcome).toBe('activated');
  expect(under.active?.revokedApprovals).toEqual(new Set(['approval-1']));
});

test('a freeze survives, so that new content does not slip in by a restart', async () => {
  const freeze = { mode: 'DenyWrites', reason: 'incident', since: '2026-11-22T08:00:00.000Z' } as const;
  await lived([sign({ sequence: 5, freeze })]);
  const under = await restarted();
  expect(under.active?.freeze).toBe('DenyWrites');
  expect((await under.sink.offer({ archive: sliceArchive(sign({ sequence: 6, cap: 9, freeze })) })).code).toBe(
    'AEGIS_BUNDLE_FROZEN',
  );
});

test('a damaged memory is ignored with a code; the bundle stands for itself', async () => {
  await lived([sign({ sequence: 5 })]);
  const text = readFileSync(join(state, MEMORY), 'utf8');
  writeFileSync(join(state, MEMORY), text.replace('"sequence":5', '"sequence":9'));
  const under = await restarted();
  expect(under.active?.sequence).toBe(5);
  expect(under.updater.status().failures).toEqual({ AEGIS_BUNDLE_STORE_CORRUPT: 1 });
});

test.each([
  ['flipped in the middle', (bytes: Buffer) => bytes.fill(1, bytes.length >> 1, (bytes.length >> 1) + 1)],
  ['empty', () => Buffer.alloc(0)],
  ['noise', () => Buffer.from('x'.repeat(4096))],
])('a bundle on disk that is %s is not used', async (_, damage) => {
  await lived([sign({ sequence: 5 })]);
  writeFileSync(join(state, BUNDLE), damage(readFileSync(join(state, BUNDLE))));
  const under = await restarted();
  expect(under.active).toBeUndefined();
  expect(under.updater.status().lastError?.code).toMatch(/AEGIS_BUNDLE_/);
});

test('what is on disk is verified like anything else: keys, tenant, pinned sequence', async () => {
  await lived([sign({ sequence: 5 })]);
  const code = async (options: Options) => {
    const under = await restarted(options);
    expect(under.active).toBeUndefined();
    return under.updater.status().lastError?.code;
  };
  expect(await code({ ring: { keys: RING.keys, revoked: new Set([KEY.keyId]) } })).toBe('AEGIS_BUNDLE_KEY_REVOKED');
  expect(await code({ minSequence: 6 })).toBe('AEGIS_BUNDLE_SEQUENCE');
  expect(await code({ tenant: 'ehr' })).toBe('AEGIS_BUNDLE_TENANT');
  expect(await code({ agentId: 'planner-agent' })).toBe('AEGIS_BUNDLE_AGENT');
  expect(await code({ tenantUid: 'uid-2' })).toBe('AEGIS_BUNDLE_TENANT_UID');
});

test('an empty or missing folder is no problem', async () => {
  const under = await restarted();
  expect(under.updater.status()).toMatchObject({ state: 'none', failures: {} });
});

test('a disk that cannot be written stops no activation, is told, and is tried again', async () => {
  mkdirSync(folder.path, { recursive: true });
  writeFileSync(state, 'a file where the folder should be');
  const under = gateway({ store });
  await under.sink.offer({ archive: sliceArchive(sign({ sequence: 5 })) });
  expect(under.active?.sequence).toBe(5);
  await until(() => under.updater.status().storeError?.code === 'AEGIS_BUNDLE_STORE');
  expect(under.events.at(-1)).toEqual({ type: 'stored', sequence: 5, code: 'AEGIS_BUNDLE_STORE' });
  await import('node:fs/promises').then(({ rm }) => rm(state));
  for (let i = 0; i < 50 && under.updater.status().stored === undefined; i++) {
    await under.clock.advance(60_000);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(under.updater.status()).toMatchObject({ stored: 5 });
  expect(under.updater.status().storeError).toBeUndefined();
});

test('only the gateway may read what is kept', async () => {
  await lived([sign({ sequence: 5 })]);
  const { statSync } = await import('node:fs');
  expect(statSync(state).mode & 0o777).toBe(0o700);
  for (const name of [BUNDLE, MEMORY]) expect(statSync(join(state, name)).mode & 0o777).toBe(0o600);
  expect(existsSync(join(state, `.${BUNDLE}.new`))).toBe(false);
  chmodSync(state, 0o700);
});
