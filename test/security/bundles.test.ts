/** No file of one bundle can take the place of one in another: older, other tenant's, other agent's, or left out. */

import { keyRingOf, makeKeyRing } from '../../policy/bundle/key-ring.ts';
import { signingKeyFromSeed } from '../../policy/bundle/keys.ts';
import type { SignedBundle } from '../../policy/bundle/sign-bundle.ts';
import { sliceBundle } from '../../policy/bundle/slice-bundle.ts';
import { type VerifyOptions, verifyBundle } from '../../policy/bundle/verify-bundle.ts';
import { BundleSession } from '../../policy/publication/bundle-session.ts';
import { nodeCrypto } from '../../runtime/crypto/node-crypto.ts';
import { ENGINE, NOW, newSystem, sampleSources } from '../support/sample.ts';

type Files = Map<string, Uint8Array>;

const key = signingKeyFromSeed(new Uint8Array(32).fill(9), nodeCrypto);
const other = signingKeyFromSeed(new Uint8Array(32).fill(8), nodeCrypto);
const keyRing = keyRingOf([key.publicKey], nodeCrypto);
let now = NOW;
const session = new BundleSession({ engine: ENGINE, crypto: nodeCrypto, key, clock: () => now, lifetime: 3_600_000 });

function publish(edit: (text: string) => string): SignedBundle {
  const sources = sampleSources('fintech').map(({ file, text }) => ({ file, text: edit(text) }));
  const [tenant] = newSystem().update(sources).tenants;
  if (tenant === undefined) throw new Error('no tenant');
  now += 1000;
  return session.publish(tenant);
}

const first = publish((text) => text);
const second = publish((text) => text.replace('maxAmount: 5000', 'maxAmount: 4000'));
const foreign = publish((text) => text.replaceAll(/\bfintech\b/g, 'othertech'));
const all = [first, second, foreign];

const filesOf = (bundle: SignedBundle): Files => new Map([...bundle.files].map(([name, { bytes }]) => [name, bytes]));

function verdict(files: Files, options: Partial<VerifyOptions> = {}): string {
  try {
    const { manifest } = verifyBundle(files, { keyRing, tenant: 'fintech', now, crypto: nodeCrypto, ...options });
    return `accepted ${manifest.tenant.name} ${manifest.sequence}`;
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

test('each is accepted as what it is, and as nothing else', () => {
  expect(all.map((bundle) => verdict(filesOf(bundle)))).toEqual([
    'accepted fintech 1',
    'accepted fintech 2',
    'AEGIS_BUNDLE_TENANT',
  ]);
  expect(verdict(filesOf(first), { previous: second.manifest })).toBe('AEGIS_BUNDLE_SEQUENCE');
  expect(verdict(filesOf(first), { minSequence: 2 })).toBe('AEGIS_BUNDLE_SEQUENCE');
  expect(verdict(filesOf(first), { now: now + 7_200_000 })).toBe('AEGIS_BUNDLE_EXPIRED');
  const disguised = makeKeyRing([{ keyId: key.keyId, publicKey: other.publicKey }], []);
  expect(verdict(filesOf(first), { keyRing: disguised })).toBe('AEGIS_BUNDLE_SIGNATURE_INVALID');
});

function swapped(into: Files, from: Files, names: readonly string[]): Files | undefined {
  const files = new Map(into);
  for (const name of names) files.set(name, from.get(name) as Uint8Array);
  const same =
    files.size === into.size &&
    [...into].every(([name, bytes]) => Buffer.from(bytes).equals(files.get(name) as Uint8Array));
  return same ? undefined : files;
}

const pairs = all.flatMap((into) => all.filter((from) => from !== into).map((from) => [into, from] as const));

test('no file, and no pair of files, of one bundle passes in another', () => {
  for (const [into, from] of pairs) {
    const names = [...from.files.keys()];
    const sets = names.flatMap((a, index) => [[a], ...names.slice(index + 1).map((b) => [a, b])]);
    for (const set of sets) {
      const files = swapped(filesOf(into), filesOf(from), set);
      const tenant = into.manifest.tenant.name;
      if (files !== undefined)
        expect([set, verdict(files, { tenant })]).toEqual([set, expect.stringMatching(/^AEGIS_/)]);
    }
  }
});

test('no file may be missing or be added', () => {
  for (const name of first.files.keys()) {
    const files = filesOf(first);
    files.delete(name);
    expect([name, verdict(files)]).toEqual([name, expect.stringMatching(/^AEGIS_BUNDLE_/)]);
  }
  for (const name of [
    'patch.json',
    'aegis/signatures.json',
    'data.json',
    'aegis/agents/evil/data.json',
    '../x',
    'proof.json',
  ]) {
    expect(verdict(filesOf(first).set(name, Buffer.from('{}')))).toMatch(/^AEGIS_BUNDLE_/);
  }
});

test('the slice of one agent holds nothing for another, and nothing of another sequence', () => {
  const sliceOf = (bundle: SignedBundle, agentId: string): Files => {
    const verified = verifyBundle(filesOf(bundle), { keyRing, tenant: 'fintech', now, crypto: nodeCrypto });
    if (verified.kind !== 'bundle') throw new Error('not a whole bundle');
    return new Map([...sliceBundle(verified, agentId, nodeCrypto).files].map(([name, { bytes }]) => [name, bytes]));
  };
  const own = sliceOf(first, 'finance-agent');
  expect(verdict(own, { agentId: 'finance-agent' })).toBe('accepted fintech 1');
  expect(verdict(own, { agentId: 'planner-agent' })).toBe('AEGIS_BUNDLE_AGENT');
  expect(verdict(own)).toBe('AEGIS_BUNDLE_AGENT');
  for (const from of [sliceOf(first, 'planner-agent'), sliceOf(second, 'finance-agent')]) {
    for (const name of from.keys()) {
      const files = swapped(own, from, [name]);
      if (files !== undefined) expect(verdict(files, { agentId: 'finance-agent' })).toMatch(/^AEGIS_BUNDLE_/);
    }
  }
});
