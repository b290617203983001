/** keygen, compile, sign and verify as a pipeline does them, with the real files and the stock opa beside them. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolPath } from '../../../scripts/tool-path.ts';

const root = join(__dirname, '..', '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'aegis-bundle-'));
const sample = join(root, 'config/samples/fintech');

function run(program: string, args: readonly string[]): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: 'utf8', timeout: 30_000 });
  return { status, out: stdout, err: stderr };
}
const aegis = (...args: string[]) => run(process.execPath, [join(root, 'bin/aegis.mjs'), ...args]);
const opa = (...args: string[]) => run(toolPath('opa'), args);

const bytes = (file: string): Buffer => readFileSync(join(folder, file));
const sign = (out: string) =>
  aegis(
    'sign',
    out,
    '--key',
    'k.key',
    '--issued-at',
    '2026-11-01T08:00:00Z',
    '--expires-in',
    '900000h',
    '--sequence',
    '1',
  );

beforeAll(() => {
  expect(aegis('keygen', '-o', 'k').status).toBe(0);
  expect(aegis('compile', sample, '-o', 'out').status).toBe(0);
  expect(sign('out').status).toBe(0);
});

afterAll(() => rmSync(folder, { recursive: true }));

test('the private key is for its owner only, and is not replaced', () => {
  expect(statSync(join(folder, 'k.key')).mode & 0o777).toBe(0o600);
  const again = aegis('keygen', '-o', 'k');
  expect(again.status).toBe(2);
  expect(again.err).toContain('AEGIS_OUTPUT_EXISTS');
});

test('the same sources, time and sequence give the same bytes', () => {
  const first = bytes('out.tar.gz');
  expect(aegis('compile', sample, '-o', 'twice').status).toBe(0);
  expect(sign('twice').status).toBe(0);
  expect(bytes('twice.tar.gz').equals(first)).toBe(true);
  expect(sign('out').status).toBe(0);
  expect(bytes('out.tar.gz').equals(first)).toBe(true);
});

test('verify accepts the folder and the archive, and refuses another tenant and an old sequence', () => {
  for (const bundle of ['out', 'out.tar.gz']) {
    expect(aegis('verify', bundle, '--key', 'k.pub', '--tenant', 'fintech').status).toBe(0);
  }
  const other = aegis('verify', 'out.tar.gz', '--key', 'k.pub', '--tenant', 'other');
  expect(other.status).toBe(1);
  expect(other.err).toContain('AEGIS_BUNDLE_TENANT');
  const old = aegis('verify', 'out.tar.gz', '--key', 'k.pub', '--min-sequence', '2');
  expect(old.status).toBe(1);
  expect(old.err).toContain('AEGIS_BUNDLE_SEQUENCE');
});

test('stock opa verifies it and decides the same', () => {
  const verified = ['--verification-key', 'k.pub', '--signing-alg', 'EdDSA', '--scope', 'fintech'];
  expect(opa('build', '-b', 'out.tar.gz', ...verified, '-o', 'by-opa.tar.gz')).toMatchObject({ status: 0 });
  const call = {
    agent: 'finance-agent',
    tool: 'stripe-payments',
    action: 'create_payment',
    params: { amount: 4999, currency: 'USD' },
  };
  writeFileSync(join(folder, 'call.json'), JSON.stringify(call));
  const answer = opa(
    'eval',
    '-b',
    'by-opa.tar.gz',
    '-i',
    'call.json',
    '-f',
    'raw',
    'data.aegis.decision.enforced.verdict',
  );
  expect(answer.out.trim()).toBe('allow');
});

test('one flipped byte is refused by both', () => {
  const verified = ['--verification-key', 'k.pub', '--signing-alg', 'EdDSA', '--scope', 'fintech'];
  const files = readdirSync(join(folder, 'out'), { recursive: true, encoding: 'utf8' }).filter((name) =>
    /data\.json$|policy\.wasm$|policy\.rego$/.test(name),
  );
  expect(files.length).toBeGreaterThan(3);
  for (const name of files) {
    cpSync(join(folder, 'out'), join(folder, 'bad'), { recursive: true });
    const content = bytes(`bad/${name}`);
    const at = Math.floor(content.length / 2);
    content[at] = (content[at] as number) ^ 1;
    writeFileSync(join(folder, 'bad', name), content);
    expect(aegis('verify', 'bad', '--key', 'k.pub').status).toBe(1);
    expect(opa('build', '-b', 'bad', ...verified, '-o', 'bad.tar.gz').status).not.toBe(0);
  }
});

test('nothing is written where a resource is wrong', () => {
  writeFileSync(
    join(folder, 'wrong.yaml'),
    readFileSync(join(sample, 'policies.yaml'), 'utf8')
      .replace('maxAmount', 'maxAmuont')
      .replace('name: finance-payments', 'name: wrong'),
  );
  const result = aegis('compile', sample, 'wrong.yaml', '-o', 'nothing');
  expect(result.status).toBe(1);
  expect(result.err).toMatch(/wrong\.yaml:9:\d+: error AEGIS_UNKNOWN_FIELD/);
  expect(readdirSync(folder)).not.toContain('nothing');
});

test('a folder with other files is never replaced', () => {
  const result = aegis('compile', sample, '-o', '.');
  expect(result.status).toBe(2);
  expect(result.err).toContain('AEGIS_OUTPUT_EXISTS');
  expect(readdirSync(folder)).toContain('k.key');
});

test.each([
  ['sign without a sequence', ['sign', 'out', '--key', 'k.key']],
  ['a sequence of 0', ['sign', 'out', '--key', 'k.key', '--sequence', '0']],
  ['a time in no known form', ['sign', 'out', '--key', 'k.key', '--sequence', '1', '--issued-at', 'today']],
  ['a key that is not there', ['verify', 'out', '--key', 'none.pub']],
  ['no such command', ['complie']],
  ['nothing at all', []],
])('%s is wrong use', (_, args) => {
  const { status, err } = aegis(...args);
  expect(status).toBe(2);
  expect(err).not.toMatch(/^ +at /m);
});
