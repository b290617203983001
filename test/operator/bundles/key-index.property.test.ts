import fc from 'fast-check';
import { firstIndex, idsOf, type KeyIndex, readKeyIndex, revoke, rotate } from '../../../operator/bundles/key-index.ts';
import { publicKeyToPem, type SigningKey, signingKeyFromSeed } from '../../../policy/bundle/keys.ts';
import { AegisError } from '../../../policy/errors.ts';
import { countedBytes, crypto, HOUR, T0 } from './world.ts';

const operation = fc.oneof(
  fc.constant({ kind: 'rotate' as const }),
  fc.record({ kind: fc.constant('revoke' as const), which: fc.nat(50) }),
);

test('whatever is rotated and revoked: one active and one standby key, no id twice, no revoked key comes back', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
      const random = countedBytes();
      const keys = new Map<string, SigningKey>();
      const make = (): string => {
        const key = signingKeyFromSeed(random(32), crypto);
        keys.set(key.keyId, key);
        return key.keyId;
      };
      let index = firstIndex(make(), make());
      const revoked = new Set<string>();
      for (const step of operations) {
        const before = index;
        if (step.kind === 'rotate') {
          const old = { publicKey: publicKeyToPem((keys.get(index.active) as SigningKey).publicKey) };
          index = rotate(index, old, make(), T0 + HOUR);
          expect(index.active).toBe(before.standby);
          expect(index.retired[0]).toMatchObject({ id: before.active });
        } else {
          const ids = idsOf(index);
          const id = ids[step.which % ids.length] as string;
          if (id === index.active) expect(() => revoke(before, id, make())).toThrow(AegisError);
          else {
            index = revoke(index, id, make());
            revoked.add(id);
          }
          expect(index.active).toBe(before.active);
        }
        const ids = idsOf(index);
        expect(new Set(ids).size).toBe(ids.length);
        for (const id of [index.active, index.standby]) {
          expect(keys.has(id)).toBe(true);
          expect(revoked.has(id)).toBe(false);
        }
        expect(new Set(index.revoked)).toEqual(revoked);
        expect(readKeyIndex(JSON.stringify(index), crypto)).toEqual(index);
      }
    }),
    { numRuns: 60 },
  );
});

test('an id that nobody knows is not revoked', () => {
  const index = firstIndex('0'.repeat(32), '1'.repeat(32));
  expect(() => revoke(index, 'f'.repeat(32), '2'.repeat(32))).toThrow(/none of the signing keys/);
});

test.each<[string, (index: KeyIndex) => unknown]>([
  ['no JSON', () => '{'],
  ['another version', (index) => ({ ...index, version: 2 })],
  ['an unknown field', (index) => ({ ...index, more: 1 })],
  ['a missing field', ({ revoked: _, ...index }) => index],
  ['no id', (index) => ({ ...index, active: 'x' })],
  ['one key with two parts', (index) => ({ ...index, standby: index.active })],
  ['an active key that is revoked', (index) => ({ ...index, revoked: [index.active] })],
  ['a retired key that is another', (index) => ({ ...index, retired: [{ ...index.retired[0], id: '9'.repeat(32) }] })],
  ['a time that is none', (index) => ({ ...index, retired: [{ ...index.retired[0], notAfter: 'soon' }] })],
])('%s is refused', (_, damage) => {
  const key = signingKeyFromSeed(new Uint8Array(32).fill(5), crypto);
  const retired = [{ id: key.keyId, publicKey: publicKeyToPem(key.publicKey), notAfter: '2026-01-01T00:00:00.000Z' }];
  const index: KeyIndex = { version: 1, active: '0'.repeat(32), standby: '1'.repeat(32), retired, revoked: [] };
  const damaged = damage(index);
  const text = typeof damaged === 'string' ? damaged : JSON.stringify(damaged);
  expect(() => readKeyIndex(text, crypto)).toThrow(expect.objectContaining({ code: 'AEGIS_SIGNING_KEYS' }));
});
