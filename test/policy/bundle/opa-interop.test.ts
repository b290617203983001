import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import fc from 'fast-check';
import { canonicalJsonBytes } from '../../../policy/bundle/canonical-json.ts';
import { gunzip, gzip } from '../../../policy/bundle/gzip.ts';
import { keyRingOf } from '../../../policy/bundle/key-ring.ts';
import { generateKeyPair } from '../../../policy/bundle/keys.ts';
import { DEFAULT_LIMITS } from '../../../policy/bundle/limits.ts';
import { packBundle } from '../../../policy/bundle/pack-bundle.ts';
import { readTar, writeTar } from '../../../policy/bundle/tar.ts';
import { verifyBundle } from '../../../policy/bundle/verify-bundle.ts';
import { opaDigest, type VerifyOpaOptions, verifyOpaSignatures } from '../../../policy/bundle/verify-opa-signatures.ts';
import { toolPath } from '../../../scripts/tool-path.ts';
import {
  AGENT,
  codeOf,
  crypto,
  filesOf,
  KEY,
  makeContent,
  makeSigned,
  OTHER_KEY,
  RING,
  T0,
  verifyOptions,
} from './fixtures.ts';

const OPA = toolPath('opa');
const directory = mkdtempSync(join(tmpdir(), 'aegis-opa-'));
const path = (name: string) => join(directory, name);

function opa(...args: string[]): { ok: boolean; output: string } {
  const result = spawnSync(OPA, args, { encoding: 'utf8', cwd: directory });
  return { ok: result.status === 0, output: result.stdout + result.stderr };
}

function write(name: string, content: string | Uint8Array): string {
  mkdirSync(dirname(path(name)), { recursive: true });
  writeFileSync(path(name), content);
  return path(name);
}

const FLAGS = ['--verification-key', 'pub.pem', '--signing-alg', 'EdDSA', '--scope', 'fintech'];
const build = (bundle: string, ...flags: string[]) =>
  opa('build', '-b', bundle, '-o', 'out.tar.gz', ...(flags.length > 0 ? flags : FLAGS));

beforeAll(() => {
  if (!existsSync(OPA)) throw new Error('opa is missing: node scripts/install-tools.ts opa');
  const files = generateKeyPair(KEY.seed, crypto);
  write('pub.pem', files.publicPem);
  write('priv.pem', files.privatePem);
  write('other.pem', generateKeyPair(OTHER_KEY.seed, crypto).publicPem);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('our bundle in stock opa', () => {
  test('is accepted by opa build with the right key and scope only', () => {
    write('good.tar.gz', packBundle(makeSigned()));
    expect(build('good.tar.gz')).toEqual({ ok: true, output: '' });
    expect(
      build('good.tar.gz', '--verification-key', 'other.pem', '--signing-alg', 'EdDSA', '--scope', 'fintech').ok,
    ).toBe(false);
    const scope = build('good.tar.gz', '--verification-key', 'pub.pem', '--signing-alg', 'EdDSA', '--scope', 'health');
    expect(scope.output).toContain('scope mismatch');
  });

  test('is accepted for an empty tenant', () => {
    write('empty.tar.gz', packBundle(makeSigned({}, makeContent({ agents: {} }))));
    expect(build('empty.tar.gz')).toEqual({ ok: true, output: '' });
  });

  test('with one byte of a file changed is refused by opa and by us', () => {
    const files = filesOf(makeSigned());
    for (const name of [
      'aegis/tenant/data.json',
      'policy.rego',
      'policy.wasm',
      'changes.json',
      'manifest.json',
      '.manifest',
    ]) {
      const changed = Uint8Array.from(files.get(name) as Uint8Array);
      const at = changed.length - 3;
      changed[at] = (changed[at] as number) ^ 1;
      const archive = gzip(writeTar(new Map(files).set(name, changed)));
      write('bad.tar.gz', archive);
      expect(`${name} ${build('bad.tar.gz').ok}`).toBe(`${name} false`);
      expect(codeOf(() => verifyBundle(archive, verifyOptions()))).not.toBe('none');
    }
  });

  test('without signatures, with an extra or a missing file is refused by opa and by us', () => {
    const changes: ((files: Map<string, Uint8Array>) => void)[] = [
      (files) => files.delete('.signatures.json'),
      (files) => files.set('extra.rego', new TextEncoder().encode('package extra')),
      (files) => files.delete('changes.json'),
    ];
    for (const change of changes) {
      const files = filesOf(makeSigned());
      change(files);
      const archive = gzip(writeTar(files));
      write('bad.tar.gz', archive);
      expect(build('bad.tar.gz').ok).toBe(false);
      expect(codeOf(() => verifyBundle(archive, verifyOptions()))).not.toBe('none');
    }
  });

  test('is served by opa run --server, which verifies it and answers from its data', async () => {
    write('good.tar.gz', packBundle(makeSigned()));
    const socket = path('opa.sock');
    const server = spawn(OPA, ['run', '--server', '--addr', `unix://${socket}`, '-b', 'good.tar.gz', ...FLAGS], {
      cwd: directory,
      stdio: 'ignore',
    });
    try {
      const agent = await get(socket, `/v1/data/aegis/agents/${AGENT}`, server);
      expect(agent).toEqual({ result: { tools: { stripe: { max: 5000 } } } });
      const tenant = await get(socket, '/v1/data/aegis/tenant', server);
      expect(tenant).toEqual({ result: { name: 'fintech', note: 'é\u2028€😀' } });
    } finally {
      server.kill('SIGKILL');
      await new Promise((resolve) => (server.exitCode === null ? server.on('exit', resolve) : resolve(undefined)));
    }
  });

  test('opa eval -b on the unpacked files decides from our data', () => {
    const unpacked = readTar(gunzip(packBundle(makeSigned()), DEFAULT_LIMITS), DEFAULT_LIMITS);
    unpacked.delete('.signatures.json');
    for (const [name, bytes] of unpacked) write(`unpacked/${name}`, bytes);
    write('input.json', JSON.stringify({ agent: AGENT }));
    const result = opa(
      'eval',
      '-b',
      'unpacked',
      '-i',
      'input.json',
      '-f',
      'raw',
      'data.aegis.decision.tools.stripe.max',
    );
    expect(result).toEqual({ ok: true, output: '5000\n' });
  });
});

describe('what opa sign has signed, in our verifier', () => {
  const options: VerifyOpaOptions = { keyRing: RING, now: T0, crypto };

  function signByOpa(name: string, files: Record<string, string>, claims?: unknown): Map<string, Uint8Array> {
    rmSync(path(name), { recursive: true, force: true });
    for (const [file, content] of Object.entries(files)) write(`${name}/${file}`, content);
    const flags = ['--signing-alg', 'EdDSA', '--signing-key', path('priv.pem'), '--bundle', '.', '-o', '.'];
    if (claims !== undefined) flags.push('--claims-file', write('claims.json', JSON.stringify(claims)));
    const result = spawnSync(OPA, ['sign', ...flags], { cwd: path(name), encoding: 'utf8' });
    if (result.status !== 0) throw new Error(result.stderr);
    return readDirectory(path(name));
  }

  const files = {
    'data.json': '{ "b": 1.0, "a": [1e3, 12345678901234567890], "\u2028": "<&>" }',
    '.manifest': '{"revision": "r1", "roots": [""]}',
    'policy.rego': 'package p\n\nallow := true\n',
    'sub/data.json': '{}',
  };

  test('verifies, with digests over the canonical form', () => {
    const bundle = signByOpa('signed', files, { scope: 'fintech', exp: T0 / 1000 + 60 });
    const fintech = { ...options, scope: 'fintech' };
    expect(verifyOpaSignatures(bundle, fintech).scope).toBe('fintech');
    // other white space: the same document, as for opa itself
    bundle.set('sub/data.json', new TextEncoder().encode('{\n}'));
    expect(codeOf(() => verifyOpaSignatures(bundle, fintech))).toBe('none');
    expect(codeOf(() => verifyOpaSignatures(bundle, { ...fintech, keyId: KEY.keyId }))).toBe('none');
    expect(codeOf(() => verifyOpaSignatures(bundle, options))).toBe('AEGIS_BUNDLE_TENANT');
    expect(codeOf(() => verifyOpaSignatures(bundle, { ...fintech, now: T0 + 60_000 }))).toBe('AEGIS_BUNDLE_EXPIRED');
    const other = keyRingOf([OTHER_KEY.publicKey], crypto);
    expect(codeOf(() => verifyOpaSignatures(bundle, { ...fintech, keyRing: other }))).toBe(
      'AEGIS_BUNDLE_SIGNATURE_INVALID',
    );
    const both = keyRingOf([KEY.publicKey, OTHER_KEY.publicKey], crypto);
    expect(codeOf(() => verifyOpaSignatures(bundle, { ...fintech, keyRing: both }))).toBe('AEGIS_BUNDLE_KEY_UNKNOWN');
  });

  test('is refused when anything was changed', () => {
    const bundle = signByOpa('signed', files);
    const code = (change: (copy: Map<string, Uint8Array>) => void) => {
      const copy = new Map(bundle);
      change(copy);
      return codeOf(() => verifyOpaSignatures(copy, options));
    };
    const bytes = (text: string) => new TextEncoder().encode(text);
    expect(code(() => {})).toBe('none');
    expect(code((copy) => copy.set('data.json', bytes(files['data.json'].replace('1.0', '1'))))).toBe(
      'AEGIS_BUNDLE_DIGEST',
    );
    expect(code((copy) => copy.set('policy.rego', bytes('package p\n')))).toBe('AEGIS_BUNDLE_DIGEST');
    expect(code((copy) => copy.set('x.rego', bytes('package x')))).toBe('AEGIS_BUNDLE_FILE_EXTRA');
    expect(code((copy) => copy.delete('policy.rego'))).toBe('AEGIS_BUNDLE_FILE_MISSING');
    expect(code((copy) => copy.delete('.signatures.json'))).toBe('AEGIS_BUNDLE_SIGNATURE_MISSING');
    expect(code((copy) => copy.set('patch.json', bytes('{}')))).toBe('AEGIS_BUNDLE_DELTA');
    expect(code((copy) => copy.set('a/.signatures.json', bytes('{}')))).toBe('AEGIS_BUNDLE_SIGNATURE_MULTIPLE');
    expect(code((copy) => copy.set('evil-signatures.json', bytes('{}')))).toBe('AEGIS_BUNDLE_SIGNATURE_MULTIPLE');
    expect(code((copy) => copy.set('data.yaml', bytes('{}')))).toBe('AEGIS_BUNDLE_FILE_EXTRA');
    expect(code((copy) => copy.set('/data.json', bytes('{}')))).toBe('AEGIS_BUNDLE_PATH');
    expect(code((copy) => copy.set('sub/data.json', bytes('{"a":1,"a":1}')))).toBe('AEGIS_BUNDLE_JSON');
  });

  test('the digest of every vector is that of opa', () => {
    const vectors = [
      '1.0',
      '[1e3, 1E3, 1e+3, 0.10, -0, -0.0, 12345678901234567890, 1e400]',
      '"\u2028\u2029<&>\u007f\\u0000\\u0008\\u000c\\n\\/\\u001f\\u00e9\\ud83d\\ude00"',
      '{"\ufffd": 1, "\u{1f600}": 2, "\uffee": 3, "é": 4, "10": 5, "9": 6, "": 7, "\u2028": 8}',
      '  [ null , true , false , { } , [ ] ]  ',
      `${'['.repeat(200)}${']'.repeat(200)}`,
      '{"__proto__": {"a": 1}, "constructor": 2, "toString": 3}',
    ];
    compare(vectors);
  });

  test('the digest of random documents is that of opa', () => {
    const documents = fc.sample(fc.json({ stringUnit: 'binary', maxDepth: 4 }), { numRuns: 300, seed: 42 });
    compare(documents);
  });

  function compare(documents: string[]): void {
    const entries = documents.map((text, i) => [`d${i}/data.json`, text] as const);
    const bundle = signByOpa('vectors', Object.fromEntries(entries));
    const token = JSON.parse(new TextDecoder().decode(bundle.get('.signatures.json'))).signatures[0] as string;
    const { files: listed } = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString());
    expect(listed).toHaveLength(documents.length);
    for (const { name, hash, algorithm } of listed as { name: string; hash: string; algorithm: string }[]) {
      const bytes = bundle.get(name) as Uint8Array;
      expect(`${name} ${opaDigest(name, bytes, algorithm, crypto)} ${bytes}`).toBe(`${name} ${hash} ${bytes}`);
    }
    expect(codeOf(() => verifyOpaSignatures(bundle, options))).toBe('none');
  }

  test('weak digests are refused, strong ones accepted', () => {
    const bytes = canonicalJsonBytes({ a: 1 });
    for (const weak of ['MD5', 'SHA-1', 'SHA-224', 'SHA-512-224', '']) {
      expect(codeOf(() => opaDigest('data.json', bytes, weak, crypto))).toBe('AEGIS_BUNDLE_ALGORITHM');
    }
    expect(opaDigest('x', new Uint8Array(), 'SHA-512-256', crypto)).toMatch(/^c672b8d1ef56ed28/);
    expect(opaDigest('x', new Uint8Array(), 'SHA-384', crypto)).toMatch(/^38b060a751ac9638/);
    expect(opaDigest('x', new Uint8Array(), 'SHA-512', crypto)).toMatch(/^cf83e1357eefb8bd/);
  });
});

function readDirectory(root: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const full = join(root, name);
    if (statSync(full).isFile()) files.set(relative(root, full), new Uint8Array(readFileSync(full)));
  }
  return files;
}

/** GET over the server's Unix socket, as soon as it listens. */
async function get(socketPath: string, url: string, server: ChildProcess): Promise<unknown> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (server.exitCode !== null) throw new Error(`opa ended with ${server.exitCode}`);
    try {
      return await new Promise((resolve, reject) => {
        const call = request({ socketPath, path: url }, (response) => {
          let body = '';
          response.setEncoding('utf8').on('data', (part: string) => {
            body += part;
          });
          response.on('end', () => resolve(JSON.parse(body)));
        });
        call.on('error', reject).end();
      });
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error('opa did not answer');
}
