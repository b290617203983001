import type { Activation } from '../../../gateway/enforcement/activation.ts';
import { jsonFile } from '../../../policy/bundle/content-file.ts';
import { makeKeyRing } from '../../../policy/bundle/key-ring.ts';
import type { Freeze } from '../../../policy/bundle/manifest.ts';
import { packBundle } from '../../../policy/bundle/pack-bundle.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { FakeClock } from './fake-clock.ts';
import { gateway } from './gateway-under-test.ts';
import {
  contentOf,
  HOUR,
  KEY,
  MINUTE,
  payment,
  RING,
  renew,
  SECOND_KEY,
  sign,
  sliceArchive,
  sliceFiles,
  T0,
} from './publisher.ts';

const verdict = (activation: Activation | undefined, amount: number) =>
  activation?.evaluate(payment(amount)).enforced.verdict;
const freeze = (mode: 'Keep' | 'DenyWrites' | 'DenyAll', exception?: 'Suspension' | 'Revocation'): Freeze => ({
  mode,
  reason: 'incident 12',
  since: '2026-11-22T08:00:00.000Z',
  ...(exception !== undefined && { exception }),
});

describe('what is offered comes into force', () => {
  test('first bundle, then a later one; nothing before the first', async () => {
    const under = gateway();
    expect(under.active).toBeUndefined();
    expect(under.updater.status()).toMatchObject({ state: 'none', activations: 0, behind: false });
    const first = sign();
    expect(await under.sink.offer({ archive: sliceArchive(first) })).toEqual({ outcome: 'activated' });
    expect(verdict(under.active, 4000)).toBe('allow');
    expect(await under.sink.offer({ files: sliceFiles(sign({ sequence: 2, cap: 100 })) })).toEqual({
      outcome: 'activated',
    });
    expect(verdict(under.active, 4000)).toBe('approval_needed');
    expect(under.updater.status()).toMatchObject({
      state: 'active',
      activations: 2,
      renewals: 0,
      active: { sequence: 2, tenant: { uid: 'uid-1' }, freeze: { mode: 'None' }, source: 'http' },
    });
    expect(under.events.map(({ type }) => type)).toEqual(['activated', 'activated']);
  });

  test('a whole bundle becomes the slice of the agent', async () => {
    const under = gateway();
    expect(await under.sink.offer({ archive: packBundle(sign()) })).toEqual({ outcome: 'activated' });
    expect(verdict(under.active, 4000)).toBe('allow');
    expect(under.active?.contract('planner-agent', 'stripe-payments')).toBeUndefined();
  });

  test('the same again changes nothing, in whatever packing', async () => {
    const under = gateway();
    const bundle = sign();
    await under.sink.offer({ archive: sliceArchive(bundle) });
    const { active } = under;
    for (const candidate of [{ archive: sliceArchive(bundle) }, { files: sliceFiles(bundle) }]) {
      expect(await under.sink.offer(candidate)).toEqual({ outcome: 'unchanged' });
    }
    expect(under.active).toBe(active);
  });

  test('a later head of the same content keeps the loaded policy and is fresh again', async () => {
    const under = gateway();
    const bundle = sign();
    await under.sink.offer({ archive: sliceArchive(bundle) });
    const before = under.active;
    const contract = before?.contract('finance-agent', 'stripe-payments');
    await under.clock.advance(2 * HOUR);
    expect(before?.freshness?.age()).toBe(2 * HOUR + 1_000);
    expect(await under.sink.offer({ archive: sliceArchive(renew(bundle, { issuedAt: T0 + 2 * HOUR })) })).toEqual({
      outcome: 'renewed',
    });
    expect(under.active).not.toBe(before);
    expect(under.active?.contract('finance-agent', 'stripe-payments')).toBe(contract);
    expect(under.active?.freshness?.age()).toBe(1_000);
    expect(under.updater.status()).toMatchObject({ activations: 1, renewals: 1 });
  });

  test('a new sequence that changes nothing for this agent loads nothing', async () => {
    const under = gateway();
    await under.sink.offer({ archive: sliceArchive(sign()) });
    const contract = under.active?.contract('finance-agent', 'stripe-payments');
    expect(await under.sink.offer({ archive: sliceArchive(sign({ sequence: 2 })) })).toEqual({ outcome: 'activated' });
    expect(under.active?.sequence).toBe(2);
    expect(under.active?.contract('finance-agent', 'stripe-payments')).toBe(contract);
  });
});

describe('freeze', () => {
  test.each(['Keep', 'DenyWrites', 'DenyAll'] as const)('%s comes and goes with heads alone', async (mode) => {
    const under = gateway();
    const bundle = sign();
    await under.sink.offer({ archive: sliceArchive(bundle) });
    const frozen = renew(bundle, { issuedAt: T0 + 500, freeze: freeze(mode) });
    expect(await under.sink.offer({ archive: sliceArchive(frozen) })).toEqual({ outcome: 'renewed' });
    expect(under.active?.freeze).toBe(mode);
    expect(under.updater.status().active?.freeze).toMatchObject({ mode, reason: 'incident 12' });
    const lifted = renew(frozen, { issuedAt: T0 + 600, freeze: { mode: 'None' } });
    expect(await under.sink.offer({ archive: sliceArchive(lifted) })).toEqual({ outcome: 'renewed' });
    expect(under.active?.freeze).toBeUndefined();
  });

  test('new content is refused, unless it is a suspension or revocation', async () => {
    const under = gateway();
    await under.sink.offer({ archive: sliceArchive(sign({ freeze: freeze('Keep') })) });
    const grab = sign({ sequence: 2, cap: 9000, freeze: freeze('Keep') });
    expect(await under.sink.offer({ archive: sliceArchive(grab) })).toEqual({
      outcome: 'refused',
      code: 'AEGIS_BUNDLE_FROZEN',
    });
    expect(under.active?.sequence).toBe(1);
    const suspended = sign({ sequence: 2, cap: 10, freeze: freeze('Keep', 'Suspension') });
    expect(await under.sink.offer({ archive: sliceArchive(suspended) })).toEqual({ outcome: 'activated' });
  });
});

describe('order', () => {
  test('a lower sequence is refused, and the operator is told that it is behind', async () => {
    const under = gateway();
    await under.sink.offer({ archive: sliceArchive(sign({ sequence: 7 })) });
    expect(await under.sink.offer({ archive: sliceArchive(sign({ sequence: 6, issuedAt: T0 + 500 })) })).toEqual({
      outcome: 'refused',
      code: 'AEGIS_BUNDLE_SEQUENCE',
    });
    expect(under.updater.status()).toMatchObject({ behind: true, active: { sequence: 7 } });
    expect(new TextDecoder().decode(under.updater.head())).toContain('"sequence":7');
    await under.sink.offer({ archive: sliceArchive(sign({ sequence: 8, issuedAt: T0 + 700 })) });
    expect(under.updater.status().behind).toBe(false);
  });

  test('a mounted copy that is older than what the operator sent says nothing of the operator', async () => {
    const under = gateway();
    const mounted = under.updater.connect({ kind: 'configMap', place: 'aegis-bootstrap' });
    await under.sink.offer({ archive: sliceArchive(sign({ sequence: 7 })) });
    const older = { files: sliceFiles(sign({ sequence: 6, issuedAt: T0 + 500 })) };
    expect((await mounted.offer(older)).code).toBe('AEGIS_BUNDLE_SEQUENCE');
    expect(under.updater.status().behind).toBe(false);
  });

  test('an operator that offers again what is in force is not behind any more', async () => {
    const under = gateway();
    const seventh = { archive: sliceArchive(sign({ sequence: 7 })) };
    await under.sink.offer(seventh);
    await under.sink.offer({ archive: sliceArchive(sign({ sequence: 6, issuedAt: T0 + 500 })) });
    expect(under.updater.status().behind).toBe(true);
    await under.sink.offer(seventh);
    expect(under.updater.status().behind).toBe(false);
    expect(under.events.at(-1)).toEqual({ type: 'caught-up' });
  });

  test('pinned least sequence and uid hold for the first bundle', async () => {
    const under = gateway({ minSequence: 5, tenantUid: 'uid-1' });
    const offer = (options: Parameters<typeof sign>[0]) => under.sink.offer({ archive: sliceArchive(sign(options)) });
    expect((await offer({ sequence: 4 })).code).toBe('AEGIS_BUNDLE_SEQUENCE');
    expect((await offer({ sequence: 5, tenant: { name: 'fintech', uid: 'uid-2' } })).code).toBe(
      'AEGIS_BUNDLE_TENANT_UID',
    );
    expect((await offer({ sequence: 5 })).outcome).toBe('activated');
  });

  test('offers of several sources are taken one after the other', async () => {
    const under = gateway();
    const { sink } = under;
    const mount = under.updater.connect({ kind: 'configMap', place: '/mount' });
    const results = await Promise.all([
      sink.offer({ archive: sliceArchive(sign({ sequence: 3 })) }),
      mount.offer({ files: sliceFiles(sign({ sequence: 2 })) }),
      sink.offer({ archive: sliceArchive(sign({ sequence: 4 })) }),
    ]);
    expect(results.map(({ outcome }) => outcome)).toEqual(['activated', 'refused', 'activated']);
    const [http, configMap] = under.updater.status().sources;
    expect(http?.lastError).toBeUndefined();
    expect(configMap).toMatchObject({ kind: 'configMap', lastError: { code: 'AEGIS_BUNDLE_SEQUENCE' } });
  });
});

describe('refused candidates', () => {
  test('are verified once, counted once, and looked at again when something has changed', async () => {
    const under = gateway();
    await under.sink.offer({ archive: sliceArchive(sign({ sequence: 2 })) });
    const bad = { archive: sliceArchive(sign({ sequence: 1 })) };
    for (let i = 0; i < 5; i++) expect((await under.sink.offer(bad)).code).toBe('AEGIS_BUNDLE_SEQUENCE');
    expect(under.updater.status().refusals).toEqual({ AEGIS_BUNDLE_SEQUENCE: 1 });
    await under.sink.offer({ archive: sliceArchive(sign({ sequence: 3 })) });
    await under.sink.offer(bad);
    expect(under.updater.status().refusals).toEqual({ AEGIS_BUNDLE_SEQUENCE: 2 });
  });

  test('for a clock, are accepted once the clock is right', async () => {
    const under = gateway();
    under.clock.setWall(T0 - HOUR);
    const candidate = { archive: sliceArchive(sign()) };
    expect((await under.sink.offer(candidate)).code).toBe('AEGIS_BUNDLE_FUTURE');
    under.clock.setWall(T0 + 48 * HOUR);
    expect((await under.sink.offer(candidate)).code).toBe('AEGIS_BUNDLE_EXPIRED');
    under.clock.setWall(T0 + 1);
    expect((await under.sink.offer(candidate)).outcome).toBe('activated');
  });

  test('for their key, are accepted once the key is trusted', async () => {
    const only = makeKeyRing(
      [...RING.keys.values()].filter(({ keyId }) => keyId === KEY.keyId),
      [],
    );
    const under = gateway({ ring: only });
    const candidate = { archive: sliceArchive(sign({ key: SECOND_KEY })) };
    expect((await under.sink.offer(candidate)).code).toBe('AEGIS_BUNDLE_KEY_UNKNOWN');
    under.trusted.ring = RING;
    expect((await under.sink.offer(candidate)).outcome).toBe('activated');
  });

  test('that verify but cannot be loaded leave what is in force, and their revocations count', async () => {
    const under = gateway();
    await under.sink.offer({ archive: sliceArchive(sign({ key: SECOND_KEY })) });
    const { active } = under;
    const broken = new Map(contentOf().files);
    broken.set('aegis/agents/finance-agent/data.json', jsonFile([], nodeCrypto));
    const bundle = sign({ sequence: 2, content: { files: broken }, revocations: { keys: ['a'.repeat(32)] } });
    expect(await under.sink.offer({ archive: sliceArchive(bundle) })).toMatchObject({ outcome: 'refused' });
    expect(under.active).toBe(active);
    expect(verdict(under.active, 4000)).toBe('allow');
    expect(under.updater.status().revoked.keys).toBe(1);
  });
});

describe('revocations', () => {
  test('of a head are not lost when a later head forgets them', async () => {
    const under = gateway();
    const revocations = { keys: [SECOND_KEY.keyId], approvals: ['approval-1'] };
    await under.sink.offer({ archive: sliceArchive(sign({ revocations })) });
    await under.sink.offer({ archive: sliceArchive(sign({ sequence: 2 })) });
    expect(under.active?.revokedApprovals).toEqual(new Set(['approval-1']));
    const stolen = { archive: sliceArchive(sign({ sequence: 3, key: SECOND_KEY })) };
    expect((await under.sink.offer(stolen)).code).toBe('AEGIS_BUNDLE_KEY_REVOKED');
    expect(under.updater.status()).toMatchObject({ active: { sequence: 2 }, revoked: { keys: 1, approvals: 1 } });
  });

  test('of the key in force, by the ring, closes the gateway until another bundle comes', async () => {
    const under = gateway();
    await under.sink.offer({ archive: sliceArchive(sign()) });
    under.trusted.ring = { keys: RING.keys, revoked: new Set([KEY.keyId]) };
    await under.sink.current();
    expect(under.active).toBeUndefined();
    expect(under.updater.status().state).toBe('none');
    expect(under.events.at(-1)).toEqual({ type: 'withdrawn', code: 'AEGIS_BUNDLE_KEY_REVOKED' });
    expect((await under.sink.offer({ archive: sliceArchive(sign()) })).code).toBe('AEGIS_BUNDLE_KEY_REVOKED');
    const again = { archive: sliceArchive(sign({ sequence: 2, key: SECOND_KEY })) };
    expect((await under.sink.offer(again)).outcome).toBe('activated');
  });
});

describe('staleness', () => {
  const stale = async (options: Parameters<typeof gateway>[0] = {}) => {
    const under = gateway(options);
    await under.sink.offer({ archive: sliceArchive(sign()) });
    return under;
  };

  test('an expired head stays in force until maxStaleness, then says so once', async () => {
    const under = await stale();
    await under.clock.advance(72 * HOUR - 2_000);
    expect(under.updater.status().state).toBe('active');
    await under.clock.advance(10_000);
    await under.clock.advance(MINUTE);
    expect(under.updater.status()).toMatchObject({ state: 'stale', maxStaleness: 72 * HOUR, failMode: 'Closed' });
    expect(under.events.filter(({ type }) => type === 'stale')).toHaveLength(1);
    const fresh = sign({ sequence: 2, issuedAt: T0 + 72 * HOUR });
    await under.sink.offer({ archive: sliceArchive(fresh) });
    expect(under.updater.status().state).toBe('active');
  });

  test('the gateway may be stricter than the tenant, never laxer', async () => {
    const strict = await stale({ maxStaleness: HOUR });
    expect(strict.updater.status().maxStaleness).toBe(HOUR);
    const lax = await stale({ maxStaleness: 1000 * HOUR });
    expect(lax.updater.status().maxStaleness).toBe(72 * HOUR);
  });

  test('a wall clock set back keeps nothing young; one set forward is believed', async () => {
    const under = await stale({ maxStaleness: HOUR });
    await under.clock.advance(HOUR / 2);
    under.clock.setWall(T0 - 1000 * HOUR);
    await under.clock.advance(HOUR / 2);
    expect(under.updater.status().state).toBe('stale');
    under.clock.setWall(T0 + 2);
    expect(under.updater.status().state).toBe('stale');
    const other = await stale({ maxStaleness: HOUR });
    other.clock.setWall(T0 + 2 * HOUR);
    expect(other.updater.status().state).toBe('stale');
  });
});

test('a listener that fails harms nothing', async () => {
  const under = gateway({ clock: new FakeClock(T0 + 1) });
  under.updater.subscribe(() => {
    throw new Error('mine');
  });
  expect((await under.sink.offer({ archive: sliceArchive(sign()) })).outcome).toBe('activated');
});

test('without any key nothing is looked at', async () => {
  const under = gateway({
    trustedKeys: async () => {
      throw new Error('no keys');
    },
  });
  expect((await under.sink.offer({ archive: sliceArchive(sign()) })).outcome).toBe('refused');
  expect(under.updater.status()).toMatchObject({ state: 'none', keysError: { code: 'AEGIS_BUNDLE_SOURCE' } });
});
