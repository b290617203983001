import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BuildContext } from '../../../e2e/images/context.ts';

const folder = mkdtempSync(join(tmpdir(), 'aegis-context-'));
beforeAll(() => {
  mkdirSync(join(folder, 'src/deep'), { recursive: true });
  writeFileSync(join(folder, 'src/a.ts'), 'a', { mode: 0o600 });
  writeFileSync(join(folder, 'src/deep/b.sh'), 'b', { mode: 0o700 });
  writeFileSync(join(folder, 'secret'), 's');
});
afterAll(() => rmSync(folder, { recursive: true }));

test('the ignore file decides what there is', () => {
  const context = new BuildContext(folder, '# all\n*\n!src\nsrc/deep\n');
  expect(context.files('src')).toEqual(['src/a.ts']);
  expect(() => context.files('secret')).toThrow('lets nothing of it through');
  expect(() => context.files('none')).toThrow('no such file');
  expect(new BuildContext(folder).files('src')).toEqual(['src/a.ts', 'src/deep/b.sh']);
});

test('the digest follows names, contents and the right to execute, and nothing else', () => {
  const context = new BuildContext(folder);
  const before = context.digest('src');
  writeFileSync(join(folder, 'src/a.ts'), 'a');
  expect(context.digest('src')).toBe(before);
  writeFileSync(join(folder, 'src/a.ts'), 'A');
  expect(context.digest('src')).not.toBe(before);
});

test('copies have the rights that any checkout gives', () => {
  const target = join(folder, 'target');
  new BuildContext(folder).copy('src', target);
  expect(readFileSync(join(target, 'deep/b.sh'), 'utf8')).toBe('b');
  expect(statSync(join(target, 'a.ts')).mode & 0o777).toBe(0o644);
  expect(statSync(join(target, 'deep/b.sh')).mode & 0o777).toBe(0o755);
});
