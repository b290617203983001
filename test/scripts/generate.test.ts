import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { AEGIS_KINDS } from '../../policy/source/api-group.ts';
import { fixturesIn, loadFixture } from '../policy/validation/load-fixture.ts';

const ROOT = join(__dirname, '../..');

function readSchema(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(ROOT, 'schemas', name), 'utf8'));
}

test('what is committed is what its sources say', () => {
  const { status, stderr } = spawnSync('node', ['scripts/generate.ts', '--check'], { cwd: ROOT, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('--check names a stale file and how to renew it, and writes nothing', () => {
  const copy = mkdtempSync(join(tmpdir(), 'aegis-generate-'));
  try {
    for (const folder of [
      'charts',
      'config',
      'crds',
      'scripts',
      'policy',
      'runtime',
      'gateway',
      'operator',
      'schemas',
      'docs',
      '.vscode',
      'package.json',
    ]) {
      cpSync(join(ROOT, folder), join(copy, folder), { recursive: true });
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
    writeFileSync(join(copy, 'docs/reference.md'), 'stale\n');
    const run = (...options: string[]) =>
      spawnSync('node', ['scripts/generate.ts', ...options], { cwd: copy, encoding: 'utf8' });
    const { status, stderr } = run('--check');
    expect(status).toBe(1);
    expect(stderr).toBe('docs/reference.md is not what its source says; run: node scripts/generate.ts\n');
    expect(readFileSync(join(copy, 'docs/reference.md'), 'utf8')).toBe('stale\n');
    expect(run().stdout).toBe('wrote docs/reference.md\n');
    expect(run('--check').status).toBe(0);
  } finally {
    rmSync(copy, { recursive: true });
  }
});

describe('editor schemas', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const any = readSchema('aegis.json') as { allOf: { then: { $ref: string } }[] };
  for (const { then } of any.allOf) ajv.addSchema(readSchema(then.$ref), then.$ref);
  const validate = ajv.compile(any);

  test('there is one per kind', () => {
    const kinds = any.allOf.map(({ then }) => readSchema(then.$ref).title);
    expect(kinds.sort()).toEqual([...AEGIS_KINDS].filter((kind) => kind !== 'TestSuite').sort());
  });

  test.each(fixturesIn('valid'))('%s is accepted', (path) => {
    for (const { object } of loadFixture(path).resources) {
      validate(object);
      expect(validate.errors ?? []).toEqual([]);
    }
  });

  const refusable = fixturesIn('invalid').filter((path) => {
    const text = readFileSync(join(__dirname, '../testdata', path), 'utf8');
    const inSchema =
      /^# expect: AEGIS_(UNKNOWN_FIELD|SCHEMA_(TYPE|VALUE|BOUNDS|REQUIRED)|RESOURCE_(KIND|VERSION)_UNKNOWN)/;
    return inSchema.test(text) && !path.includes('misspelt-labels');
  });

  test.each(refusable)('%s is marked while it is typed', (path) => {
    expect(loadFixture(path).resources.map(({ object }) => validate(object))).toEqual([false]);
  });
});

test('the script needs no build step and finishes quickly', () => {
  const start = performance.now();
  execFileSync('node', ['scripts/generate.ts', '--check'], { cwd: ROOT });
  expect(performance.now() - start).toBeLessThan(20_000);
});
