import { canonicalJsonBytes } from '../../../policy/bundle/canonical-json.ts';
import { nobleCrypto } from '../../../policy/bundle/crypto-provider.ts';
import { toBase64Url } from '../../../policy/bundle/encoding.ts';
import { gzip } from '../../../policy/bundle/gzip.ts';
import { signJws } from '../../../policy/bundle/jws.ts';
import { packBundle } from '../../../policy/bundle/pack-bundle.ts';
import { renewBundle } from '../../../policy/bundle/sign-bundle.ts';
import { writeTar } from '../../../policy/bundle/tar.ts';
import { type VerifyOptions, verifyBundle } from '../../../policy/bundle/verify-bundle.ts';
import {
  AGENT,
  codeOf,
  crypto,
  filesOf,
  HOUR,
  KEY,
  makeContent,
  makeSigned,
  OTHER_KEY,
  T0,
  text,
  verifyOptions,
} from './fixtures.ts';

const signed = makeSigned();
const archive = packBundle(signed);
const verify = (input: Uint8Array | Map<string, Uint8Array>, options: Partial<VerifyOptions> = {}) =>
  codeOf(() => verifyBundle(input, verifyOptions(options)));

/** Verifies the files after a change, as a map and as an archive where one can be made. */
function afterChange(change: (files: Map<string, Uint8Array>) => void): string {
  const files = filesOf(signed);
  change(files);
  const code = verify(files);
  if (code !== 'AEGIS_BUNDLE_PATH') expect(verify(gzip(writeTar(files)))).toBe(code);
  return code;
}

const jwt = () => JSON.parse(text(signed.files.get('.signatures.json')?.bytes)).signatures[0] as string;
const payload = () => JSON.parse(Buffer.from(jwt().split('.')[1] as string, 'base64url').toString());
const withSignatures = (value: unknown) =>
  afterChange((files) => files.set('.signatures.json', canonicalJsonBytes(value)));
const withPayload = (change: (claims: ReturnType<typeof payload>) => void, key = KEY) => {
  const claims = payload();
  change(claims);
  return withSignatures({ signatures: [signJws(claims, key, crypto)] });
};

test('accepts the archive and the files, and gives back what was signed', () => {
  for (const input of [archive, filesOf(signed)]) {
    const result = verifyBundle(input, verifyOptions({ agentId: AGENT }));
    expect(result.kind).toBe('bundle');
    expect(result.manifest).toEqual(signed.manifest);
    expect(text(result.agentData)).toBe('{"tools":{"stripe":{"max":5000}}}');
    expect(result.files.size).toBe(signed.files.size);
    expect([...result.files.keys()].sort()).toEqual([...signed.files.keys()].sort());
  }
  expect(verify(archive, { crypto: nobleCrypto })).toBe('none');
});

test('stripped signatures', () => {
  expect(afterChange((files) => files.delete('manifest.json'))).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
  expect(afterChange((files) => files.delete('.signatures.json'))).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
  expect(afterChange((files) => files.set('.signatures.json', new Uint8Array()))).toBe(
    'AEGIS_BUNDLE_SIGNATURE_MISSING',
  );
  expect(withSignatures({})).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
  expect(withSignatures({ signatures: [] })).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
  expect(withSignatures({ signatures: [''] })).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
  expect(withSignatures({ signatures: [jwt().replace(/[^.]*$/, '')] })).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
  expect(verify(new Map())).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
});

test('extra, missing, duplicate and renamed files', () => {
  const one = Uint8Array.of(1);
  expect(afterChange((files) => files.set('x.rego', one))).toBe('AEGIS_BUNDLE_FILE_EXTRA');
  expect(afterChange((files) => files.set('data.json', one))).toBe('AEGIS_BUNDLE_FILE_EXTRA');
  expect(afterChange((files) => files.set('aegis/agents/evil/data.json', one))).toBe('AEGIS_BUNDLE_FILE_EXTRA');
  expect(afterChange((files) => files.set('aegis/agents/a..b/data.json', one))).toBe('AEGIS_BUNDLE_PATH');
  for (const name of signed.files.keys()) {
    const code = afterChange((files) => files.delete(name));
    const isEnvelope = name === 'manifest.json' || name === '.signatures.json';
    expect(code).toBe(isEnvelope ? 'AEGIS_BUNDLE_SIGNATURE_MISSING' : 'AEGIS_BUNDLE_FILE_MISSING');
  }
  const rename = (from: string, to: string) =>
    afterChange((files) => {
      files.set(to, files.get(from) as Uint8Array);
      files.delete(from);
    });
  expect(rename(`aegis/agents/${AGENT}/data.json`, 'aegis/agents/other/data.json')).toBe('AEGIS_BUNDLE_FILE_EXTRA');
  expect(rename('policy.rego', 'policy2.rego')).toBe('AEGIS_BUNDLE_FILE_EXTRA');
  const swap = afterChange((files) => {
    const [a, b] = [`aegis/agents/${AGENT}/data.json`, 'aegis/agents/planner-agent/data.json'] as const;
    const [x, y] = [files.get(a) as Uint8Array, files.get(b) as Uint8Array];
    files.set(a, y).set(b, x);
  });
  expect(swap).toBe('AEGIS_BUNDLE_DIGEST');
});

test('duplicate entries in the archive', () => {
  const tar = writeTar(filesOf(signed));
  const body = tar.subarray(0, tar.length - 1024);
  const doubled = new Uint8Array(Buffer.concat([body.subarray(0, 1024), body, new Uint8Array(1024)]));
  expect(verify(gzip(doubled))).toBe('AEGIS_BUNDLE_FILE_DUPLICATE');
});

test('changed content of every file', () => {
  for (const name of signed.files.keys()) {
    const code = afterChange((files) => {
      const bytes = files.get(name) as Uint8Array;
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1;
    });
    const isEnvelope = name === 'manifest.json' || name === '.signatures.json';
    if (isEnvelope) expect(code).toMatch(/^AEGIS_BUNDLE_(MANIFEST|SIGNATURE_INVALID|JSON)$/);
    else expect(`${name} ${code}`).toBe(`${name} AEGIS_BUNDLE_DIGEST`);
  }
});

test('whitespace in JSON is a change', () => {
  const code = afterChange((files) =>
    files.set('changes.json', new TextEncoder().encode(`${text(files.get('changes.json'))} `)),
  );
  expect(code).toBe('AEGIS_BUNDLE_DIGEST');
});

test('the checks of the head apply', () => {
  expect(verify(archive, { tenant: 'health' })).toBe('AEGIS_BUNDLE_TENANT');
  expect(verify(archive, { tenantUid: 'uid-2' })).toBe('AEGIS_BUNDLE_TENANT_UID');
  expect(verify(archive, { now: T0 + HOUR })).toBe('AEGIS_BUNDLE_EXPIRED');
  expect(verify(archive, { minSequence: 6 })).toBe('AEGIS_BUNDLE_SEQUENCE');
});

test('deltas and second signature files', () => {
  const one = Uint8Array.of(1);
  expect(afterChange((files) => files.set('patch.json', one))).toBe('AEGIS_BUNDLE_DELTA');
  expect(afterChange((files) => files.set('aegis/patch.json', one))).toBe('AEGIS_BUNDLE_DELTA');
  expect(verify(new Map([['patch.json', new TextEncoder().encode('{"data":[]}')]]))).toBe('AEGIS_BUNDLE_DELTA');
  for (const name of ['aegis/.signatures.json', 'signatures.json', 'x.signatures.json', 'evil-signatures.json']) {
    const code = afterChange((files) => files.set(name, files.get('.signatures.json') as Uint8Array));
    expect(code).toMatch(/^AEGIS_BUNDLE_(SIGNATURE_MULTIPLE|PATH)$/);
  }
  expect(afterChange((files) => files.set('x.signatures.json', one))).toBe('AEGIS_BUNDLE_SIGNATURE_MULTIPLE');
});

test('several JWTs, a plugin, other shapes', () => {
  expect(withSignatures({ signatures: [jwt(), jwt()] })).toBe('AEGIS_BUNDLE_SIGNATURE_MULTIPLE');
  expect(withSignatures({ plugin: 'mine', signatures: [jwt()] })).toBe('AEGIS_BUNDLE_SIGNATURE_INVALID');
  expect(withSignatures({ signatures: jwt() })).toBe('AEGIS_BUNDLE_SIGNATURE_INVALID');
  expect(withSignatures({ signatures: [{}] })).toBe('AEGIS_BUNDLE_SIGNATURE_INVALID');
  expect(withSignatures([])).toBe('AEGIS_BUNDLE_SIGNATURE_INVALID');
  expect(withSignatures({ signatures: ['a.b'] })).toBe('AEGIS_BUNDLE_SIGNATURE_INVALID');
});

test('algorithm none, HMAC with the public key as secret, and others', () => {
  const token = (header: object, signature: Uint8Array) =>
    `${toBase64Url(canonicalJsonBytes(header))}.${jwt().split('.')[1]}.${toBase64Url(signature)}`;
  for (const alg of ['none', 'None', 'HS256', 'HS512', 'ES256', 'RS256', 'ed25519', 'Ed25519', '']) {
    const forged = token({ alg, kid: KEY.keyId, typ: 'JWT' }, new Uint8Array(64).fill(1));
    expect(withSignatures({ signatures: [forged] })).toBe('AEGIS_BUNDLE_ALGORITHM');
  }
  const { createHmac } = jest.requireActual<typeof import('node:crypto')>('node:crypto');
  const header = toBase64Url(canonicalJsonBytes({ alg: 'HS256', kid: KEY.keyId, typ: 'JWT' }));
  const signature = createHmac('sha256', KEY.publicKey)
    .update(`${header}.${jwt().split('.')[1]}`)
    .digest();
  const confused = `${header}.${jwt().split('.')[1]}.${toBase64Url(signature)}`;
  expect(withSignatures({ signatures: [confused] })).toBe('AEGIS_BUNDLE_ALGORITHM');
  const embedded = token({ alg: 'EdDSA', kid: KEY.keyId, typ: 'JWT', jwk: { kty: 'OKP' } }, new Uint8Array(64));
  expect(withSignatures({ signatures: [embedded] })).toBe('AEGIS_BUNDLE_SIGNATURE_INVALID');
  const critical = token({ alg: 'EdDSA', crit: ['x'], kid: KEY.keyId }, new Uint8Array(64));
  expect(withSignatures({ signatures: [critical] })).toBe('AEGIS_BUNDLE_SIGNATURE_INVALID');
});

test('a JWT by another key, or one that says something else than the head', () => {
  expect(withPayload(() => {}, OTHER_KEY)).toBe('AEGIS_BUNDLE_MISMATCH');
  expect(withPayload(() => {})).toBe('none');
  const mismatches: ((claims: ReturnType<typeof payload>) => void)[] = [
    (claims) => (claims.scope = 'health'),
    (claims) => (claims.exp += 1),
    (claims) => (claims.iat = 1),
    (claims) => delete claims.scope,
    (claims) => (claims.aegis.seq = 6),
    (claims) => (claims.aegis.root = '0'.repeat(64)),
    (claims) => (claims.aegis.blinding = '0'.repeat(64)),
    (claims) => claims.files.push(claims.files[0]),
    (claims) => (claims.files[0].extra = 1),
  ];
  for (const change of mismatches) expect(withPayload(change)).toBe('AEGIS_BUNDLE_MISMATCH');
  expect(withPayload((claims) => (claims.files[0].hash = '0'.repeat(64)))).toBe('AEGIS_BUNDLE_DIGEST');
  expect(withPayload((claims) => claims.files.pop())).toBe('AEGIS_BUNDLE_FILE_EXTRA');
  for (const weak of ['MD5', 'SHA-1', 'SHA-224', 'sha-256', '']) {
    expect(withPayload((claims) => (claims.files[0].algorithm = weak))).toBe('AEGIS_BUNDLE_ALGORITHM');
  }
  expect(withPayload((claims) => (claims.aegis = {}))).toBe('AEGIS_BUNDLE_SIGNATURE_INVALID');
  expect(withPayload((claims) => (claims.files = {}))).toBe('AEGIS_BUNDLE_SIGNATURE_INVALID');
});

test('the head of another bundle, or of another signing of the same one', () => {
  const other = makeSigned({ sequence: 6 }, makeContent({ agents: {} }));
  const head = (bundle: typeof other) => bundle.files.get('manifest.json')?.bytes as Uint8Array;
  expect(afterChange((files) => files.set('manifest.json', head(other)))).toBe('AEGIS_BUNDLE_MISMATCH');
  const renewed = renewBundle(signed, { issuedAt: T0 + 1, expiresAt: T0 + HOUR }, KEY, crypto);
  expect(afterChange((files) => files.set('manifest.json', head(renewed)))).toBe('AEGIS_BUNDLE_MISMATCH');
  const signatures = other.files.get('.signatures.json')?.bytes as Uint8Array;
  expect(afterChange((files) => files.set('.signatures.json', signatures))).not.toBe('none');
});

test('agent: must be in the bundle where one is asked for', () => {
  expect(verify(archive, { agentId: AGENT })).toBe('none');
  expect(verify(archive, { agentId: 'nobody' })).toBe('AEGIS_BUNDLE_AGENT');
});

test('limits hold for archives and for files', () => {
  for (const input of [archive, filesOf(signed)]) {
    expect(verify(input, { limits: { maxFileBytes: 100 } })).toBe('AEGIS_BUNDLE_TOO_LARGE');
    expect(verify(input, { limits: { maxTotalBytes: 1000 } })).toBe('AEGIS_BUNDLE_TOO_LARGE');
    expect(verify(input, { limits: { maxFiles: 3 } })).toBe('AEGIS_BUNDLE_TOO_LARGE');
  }
  expect(verify(archive, { limits: { maxArchiveBytes: 100 } })).toBe('AEGIS_BUNDLE_TOO_LARGE');
});

test('names in a map of files are checked as those of an archive', () => {
  for (const name of ['../x', '/x', './manifest.json', 'a\\b', 'MANIFEST.json', 'a\0b']) {
    expect(afterChange((files) => files.set(name, Uint8Array.of(1)))).toBe('AEGIS_BUNDLE_PATH');
  }
});
