import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { contentFromFiles } from '../../../policy/bundle/build-bundle.ts';
import { jsonFile } from '../../../policy/bundle/content-file.ts';
import { nobleCrypto } from '../../../policy/bundle/crypto-provider.ts';
import { packBundle } from '../../../policy/bundle/pack-bundle.ts';
import { renewBundle, signBundle } from '../../../policy/bundle/sign-bundle.ts';
import { verifyBundle } from '../../../policy/bundle/verify-bundle.ts';
import {
  codeOf,
  crypto,
  filesOf,
  HOUR,
  KEY,
  makeContent,
  makeSigned,
  OTHER_KEY,
  signOptions,
  T0,
  text,
  verifyOptions,
} from './fixtures.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

test('the same inputs give the same bytes, whatever the provider and the order of insertion', () => {
  const bytes = packBundle(makeSigned());
  expect(packBundle(makeSigned())).toEqual(bytes);
  expect(packBundle(signBundle(makeContent(), signOptions(), KEY, nobleCrypto))).toEqual(bytes);
  const reversed = { 'planner-agent': { tools: {} }, 'finance-agent': { tools: { stripe: { max: 5000 } } } };
  expect(packBundle(makeSigned({}, makeContent({ agents: reversed })))).toEqual(bytes);
});

test('two other processes, in other time zones and languages, give the same bytes', () => {
  const script = join(__dirname, 'print-bundle-digest.ts');
  const run = (env: Record<string, string>) =>
    execFileSync(process.execPath, [script], { env: { ...process.env, ...env }, encoding: 'utf8' }).trim();
  const digests = [run({ TZ: 'Asia/Tokyo', LANG: 'C' }), run({ TZ: 'America/New_York', LANG: 'tr_TR.UTF-8' })];
  const here = sha256(packBundle(makeSigned()));
  expect(digests).toEqual([here, here]);
});

test('each input changes the bytes', () => {
  const base = sha256(packBundle(makeSigned()));
  const variants = [
    makeSigned({ sequence: 6 }),
    makeSigned({ issuedAt: T0 + 1 }),
    makeSigned({ expiresAt: T0 + 2 * HOUR }),
    makeSigned({ tenant: { name: 'fintech', uid: 'uid-2' } }),
    makeSigned({ sourceCommit: 'abc' }),
    makeSigned({}, makeContent({ revision: '2' })),
    signBundle(makeContent(), signOptions(), OTHER_KEY, crypto),
  ];
  const digests = new Set([base, ...variants.map((bundle) => sha256(packBundle(bundle)))]);
  expect(digests.size).toBe(variants.length + 1);
});

test('.manifest has no wasm key', () => {
  expect(JSON.parse(text(makeContent().files.get('.manifest')?.bytes))).toEqual({
    revision: '1',
    roots: ['aegis'],
    rego_version: 1,
    metadata: { entrypoint: 'aegis/decision', tenant: 'fintech' },
  });
});

test('an unchanged file keeps its bytes and its hash over sequences, but not its leaf', () => {
  const one = makeSigned({ sequence: 5 });
  const two = makeSigned({ sequence: 6 });
  expect(one.files.get('policy.wasm')).toEqual(two.files.get('policy.wasm'));
  const leaves = (bundle: typeof one) => new Set((bundle.tree.levels[0] ?? []).map((hash) => sha256(hash)));
  expect([...leaves(one)].filter((leaf) => leaves(two).has(leaf))).toEqual([]);
});

test('the secret of the blinds is in .signatures.json alone', () => {
  const signed = makeSigned();
  const token = JSON.parse(text(signed.files.get('.signatures.json')?.bytes)).signatures[0] as string;
  const payload = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
  expect(payload.aegis).toEqual({ blinding: signed.blinding, root: signed.manifest.contentRoot, seq: 5 });
  expect(payload.scope).toBe('fintech');
  for (const [name, file] of signed.files) {
    if (name !== '.signatures.json') expect(text(file.bytes)).not.toContain(signed.blinding);
  }
});

test('content from files is the content, whether signed before or not', () => {
  const files = filesOf(makeSigned());
  expect(contentFromFiles(files, crypto)).toEqual(makeContent());
  files.set('aegis/tenant/data.json', new TextEncoder().encode('{"b":1,"a":2}'));
  expect(codeOf(() => contentFromFiles(files, crypto))).toBe('AEGIS_BUNDLE_JSON');
  files.delete('aegis/tenant/data.json');
  expect(codeOf(() => contentFromFiles(files, crypto))).toBe('AEGIS_BUNDLE_FILE_MISSING');
  expect(codeOf(() => contentFromFiles(new Map([['x.rego', new Uint8Array()]]), crypto))).toBe(
    'AEGIS_BUNDLE_FILE_EXTRA',
  );
});

test.each([
  ['a fractional sequence', { sequence: 1.5 }],
  ['sequence 0', { sequence: 0 }],
  ['an unsafe sequence', { sequence: 2 ** 53 }],
  ['a tenant without uid', { tenant: { name: 'x', uid: '' } }],
  ['expiry before issue', { expiresAt: T0 - 1 }],
  ['a time that is none', { issuedAt: Number.POSITIVE_INFINITY }],
  ['content from the future', { timestamp: T0 + 1 }],
  ['a bad previous digest', { previousManifestDigest: 'x' }],
  ['a bad freeze', { freeze: { mode: 'Keep', reason: '', since: 'now' } as const }],
])('does not sign %s', (_, options) => {
  expect(codeOf(() => makeSigned(options))).toBe('AEGIS_BUNDLE_INPUT');
});

test.each(['', '..', 'A', 'a/b', 'a..b', '-a', 'x'.repeat(64)])('does not build the agent id %j', (id) => {
  expect(codeOf(() => makeContent({ agents: { [id]: {} } }))).toBe('AEGIS_BUNDLE_INPUT');
});

test('a tenant without agents', () => {
  const signed = makeSigned({}, makeContent({ agents: {} }));
  expect(verifyBundle(packBundle(signed), verifyOptions()).kind).toBe('bundle');
});

test('a renewed bundle verifies, with the same content root, also by another key', () => {
  const signed = makeSigned();
  const renewed = renewBundle(signed, { issuedAt: T0 + HOUR, expiresAt: T0 + 2 * HOUR }, OTHER_KEY, crypto);
  const keyRing = { keys: new Map([[OTHER_KEY.keyId, OTHER_KEY]]), revoked: new Set<string>() };
  const options = verifyOptions({ keyRing, previous: signed.manifest, now: T0 + HOUR });
  const verified = verifyBundle(packBundle(renewed), options);
  expect(verified.manifest.contentRoot).toBe(signed.manifest.contentRoot);
  expect(verified.manifest.keyId).toBe(OTHER_KEY.keyId);
});

test('given digests are used, so a changed slice alone is hashed again', () => {
  let hashed = 0;
  const counting = {
    ...crypto,
    sha256(bytes: Uint8Array) {
      hashed += bytes.length;
      return crypto.sha256(bytes);
    },
  };
  const big = jsonFile({ data: 'x'.repeat(1_000_000) }, crypto);
  const content = makeContent();
  const files = new Map(content.files).set('aegis/agents/big/data.json', big);
  signBundle({ files }, signOptions(), KEY, counting);
  expect(hashed).toBeLessThan(20_000);
});
