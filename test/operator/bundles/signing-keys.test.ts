import { keysInUse, revokeKey, rotateKeys } from '../../../operator/bundles/rotate-keys.ts';
import { openSigningKeys, type SigningKeys } from '../../../operator/bundles/signing-keys.ts';
import { type Secret, SIGNING_SECRET } from '../../../operator/bundles/signing-secret.ts';
import { publishTrustedKeys, trustedKeysConfigMap } from '../../../operator/bundles/trusted-keys.ts';
import { SECRET } from '../../../operator/model/resource-types.ts';
import { formatKeyRing, parseKeyRing } from '../../../policy/bundle/key-ring.ts';
import { FakeKube } from '../support/fake-kube.ts';
import {
  codeOf,
  countedBytes,
  crypto,
  HOUR,
  NAMESPACE,
  newWorld,
  publication,
  TENANT,
  TestClock,
  TestLog,
  until,
} from './world.ts';

let kube: FakeKube;
let clock: TestClock;
let log: TestLog;
let random: (length: number) => Uint8Array;
const end = new AbortController();

beforeEach(() => {
  kube = new FakeKube();
  clock = new TestClock();
  log = new TestLog();
  random = countedBytes();
});
afterAll(() => end.abort());

const open = (client = kube as Parameters<typeof openSigningKeys>[0]['client']): Promise<SigningKeys> =>
  openSigningKeys({ client, namespace: NAMESPACE, clock, crypto, randomBytes: random, log });
const admin = () => ({ client: kube, namespace: NAMESPACE, crypto, randomBytes: random, now: clock.now() });
const secret = (): Secret => kube.all<Secret>(SECRET)[0] as Secret;
const rewrite = (data: Record<string, string>): Promise<Secret> =>
  kube.replace<Secret>(SECRET, { ...secret(), data: { ...secret().data, ...data } });
const remove = (): Promise<void> => kube.delete(SECRET, { namespace: NAMESPACE, name: SIGNING_SECRET });
const ids = (keys: SigningKeys): string[] => [...keys.ring().keys.keys()];

async function following(keys: SigningKeys): Promise<() => number> {
  let told = 0;
  keys.subscribe(() => told++);
  void keys.run(end.signal);
  await until('watching', () => kube.calls.some(({ verb, kind }) => verb === 'watch' && kind === 'Secret'));
  return () => told;
}

test('made once; whoever comes second or later has the same keys', async () => {
  const first = await open();
  const again = await open();
  expect(again.pinned()).toEqual(first.pinned());
  expect(ids(first)).toHaveLength(2);
  expect(Object.keys(secret().data ?? {}).sort()).toEqual(
    ['index.json', ...first.pinned().map((id) => `${id}.pem`)].sort(),
  );
  expect(JSON.stringify(first)).not.toContain('PRIVATE');
});

test('two that start at the same moment agree', async () => {
  const [a, b] = await Promise.all([open(kube.client()), open(kube.client())]);
  expect(a.pinned()).toEqual(b.pinned());
});

test.each([
  ['index.json', ''],
  ['index.json', Buffer.from('{}').toString('base64')],
])('a malformed Secret is an error with advice and is not overwritten (%s)', async (name, text) => {
  await open();
  const damaged = await rewrite({ [name]: text });
  const failure = await open().catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: 'AEGIS_SIGNING_KEYS', fix: expect.stringContaining('backup') });
  expect(secret()).toEqual(damaged);
});

test('a key that is not the one of its name is refused, without telling anything of it', async () => {
  const [active, standby] = (await open()).pinned();
  await rewrite({ [`${active}.pem`]: secret().data?.[`${standby}.pem`] ?? '' });
  const failure = (await open().catch((error: unknown) => error)) as Error;
  expect(failure.message).toContain('holds another key');
  expect(failure.message).not.toContain('BEGIN');
});

test('a rotation reaches running operators; the old key is trusted until its time, by the operator itself for ever', async () => {
  const keys = await open();
  const told = await following(keys);
  const [active, standby] = keys.pinned();
  const index = await rotateKeys(admin(), 2 * HOUR);
  await until('told', () => told() === 1);
  expect(keys.active().keyId).toBe(standby);
  expect(keys.pinned()).toEqual([standby, index.standby]);
  expect(ids(keys)).toContain(active);
  clock.offset = 3 * HOUR;
  expect(ids(keys)).not.toContain(active);
  expect(keys.storedRing().keys.has(active)).toBe(true);
  // what is published is what gateways read
  expect(formatKeyRing(parseKeyRing(formatKeyRing(keys.ring()), crypto))).toBe(formatKeyRing(keys.ring()));
});

test('a Secret that breaks or goes while an operator runs changes nothing, is told, and only then put back', async () => {
  const keys = await open();
  const told = await following(keys);
  const pinned = keys.pinned();
  const good = secret();
  await rewrite({ 'index.json': 'AAAA' });
  await until('told', () => told() === 1);
  expect(keys.problem?.code).toBe('AEGIS_SIGNING_KEYS');
  expect(keys.pinned()).toEqual(pinned);
  expect(await keys.restore()).toBe(false); // it is there: an administrator has to look at it
  await rewrite(good.data ?? {});
  await until('well again', () => keys.problem === undefined);
  await remove();
  await until('told', () => keys.problem?.code === 'AEGIS_SIGNING_KEYS_GONE');
  expect(kube.all(SECRET)).toEqual([]);
  expect(await keys.restore()).toBe(true);
  expect(keys.problem).toBeUndefined();
  expect(secret().data).toEqual(good.data);
  expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
});

test('a revocation that was seen is not taken back by an older Secret', async () => {
  const keys = await open();
  const told = await following(keys);
  const backup = secret();
  const [, standby] = keys.pinned();
  await revokeKey(admin(), standby);
  await until('told', () => told() === 1);
  expect(keys.revoked()).toEqual([standby]);
  await rewrite(backup.data ?? {});
  await until('complained', () => keys.problem !== undefined);
  expect(keys.revoked()).toEqual([standby]);
  expect(keys.pinned()).not.toContain(standby);
});

test('the active key, and keys of heads in force, are not revoked', async () => {
  const { publisher, keys } = await newWorld(kube);
  random = countedBytes(100);
  const first = await publisher.publish(publication(1), undefined);
  const [active] = keys.pinned();
  expect(await codeOf(revokeKey(admin(), active))).toBe('AEGIS_KEY_ACTIVE');
  await rotateKeys(admin(), HOUR);
  expect((await keysInUse(admin())).tenants).toEqual(new Map([[active, [TENANT.name]]]));
  expect(await codeOf(revokeKey(admin(), active))).toBe('AEGIS_KEY_IN_USE');
  await following(keys);
  await until('rotated', () => keys.active().keyId !== active);
  const renewed = await publisher.renew(first, { lifetime: HOUR });
  expect(renewed.manifest.keyId).not.toBe(active);
  expect((await revokeKey(admin(), active)).revoked).toEqual([active]);
  await until('revoked', () => keys.revoked().length === 1);
  expect((await publisher.renew(renewed, { lifetime: HOUR })).manifest.revocations.keys).toEqual([active]);
  expect(await codeOf(revokeKey(admin(), 'f'.repeat(32)))).toBe('AEGIS_KEY_NOT_FOUND');
});

test('two administrators at once: one of them is told', async () => {
  await open();
  const results = await Promise.allSettled([rotateKeys(admin(), HOUR), rotateKeys(admin(), HOUR)]);
  const failed = results.filter((result) => result.status === 'rejected');
  expect(failed).toHaveLength(1);
  expect(failed[0]?.reason).toMatchObject({ code: 'AEGIS_SIGNING_KEYS_CONFLICT' });
});

test('the trusted keys and the CA are published', async () => {
  const keys = await open();
  await publishTrustedKeys(kube, trustedKeysConfigMap(keys, 'CERTIFICATE', NAMESPACE));
  const stored = trustedKeysConfigMap(keys, 'CERTIFICATE', NAMESPACE);
  expect(stored.metadata.name).toBe('aegis-trusted-keys');
  expect([...parseKeyRing(stored.data?.['keyring.json'] ?? '', crypto).keys.keys()].sort()).toEqual(
    [...keys.pinned()].sort(),
  );
});
