import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyFiles } from '../../../gateway/bundles/trusted-keys.ts';
import { formatKeyRing, withRevoked } from '../../../policy/bundle/key-ring.ts';
import { publicKeyToPem } from '../../../policy/bundle/keys.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { codeOf, KEY, RING, SECOND_KEY, temporaryFolder, writeKeys } from './publisher.ts';

const folder = temporaryFolder();
afterAll(() => folder.remove());
const options = { crypto: nodeCrypto };

test('the ring stays the same object until a file changes', async () => {
  const file = writeKeys(folder.path);
  const keys = keyFiles([file], options);
  const { ring } = await keys();
  expect([...ring.keys.keys()].sort()).toEqual([KEY.keyId, SECOND_KEY.keyId].sort());
  expect((await keys()).ring).toBe(ring);
  writeFileSync(file, formatKeyRing(withRevoked(RING, [KEY.keyId])));
  const changed = await keys();
  expect(changed.ring).not.toBe(ring);
  expect(changed.ring.revoked.has(KEY.keyId)).toBe(true);
});

test('a file that breaks or goes away leaves the keys from before, and says so', async () => {
  const file = join(folder.path, 'breaking.pem');
  writeFileSync(file, publicKeyToPem(KEY.publicKey));
  const keys = keyFiles([file], options);
  const { ring } = await keys();
  writeFileSync(file, 'half a ke');
  expect(await keys()).toMatchObject({ ring, problem: { code: 'AEGIS_KEY_FORMAT' } });
  rmSync(file);
  expect(await keys()).toMatchObject({ ring, problem: { code: 'AEGIS_BUNDLE_SOURCE' } });
  writeFileSync(file, publicKeyToPem(SECOND_KEY.publicKey));
  const back = await keys();
  expect(back.problem).toBeUndefined();
  expect([...back.ring.keys.keys()]).toEqual([SECOND_KEY.keyId]);
});

test('without any key there is no ring', async () => {
  expect(await codeOf(keyFiles([join(folder.path, 'none.pem')], options))).toBe('AEGIS_BUNDLE_SOURCE');
});

test('several files are one ring; the same key twice is a mistake', async () => {
  const [a, b] = [join(folder.path, 'a.pem'), join(folder.path, 'b.pem')];
  writeFileSync(a, publicKeyToPem(KEY.publicKey));
  writeFileSync(b, publicKeyToPem(SECOND_KEY.publicKey));
  expect((await keyFiles([a, b], options)()).ring.keys.size).toBe(2);
  expect(await codeOf(keyFiles([a, a], options))).toBe('AEGIS_KEY_RING');
});

test('only pinned ids count, whatever the mount says', async () => {
  const file = writeKeys(folder.path);
  const { ring } = await keyFiles([file], { ...options, pinned: new Set([KEY.keyId]) })();
  expect([...ring.keys.keys()]).toEqual([KEY.keyId]);
  expect(await codeOf(keyFiles([file], { ...options, pinned: new Set(['f'.repeat(32)]) }))).toBe('AEGIS_KEY_RING');
});
