import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileSink } from '../../../gateway/telemetry/file-sink.ts';
import { until } from './decisions.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'aegis-log-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

test('a file is rotated by size, and only so many are kept', async () => {
  const path = join(directory, 'decisions.log');
  const sink = fileSink(path, { maxSize: 30, keep: 2 });
  for (let i = 0; i < 10; i++) await sink.write(`line number ${i}\n`);
  expect(readdirSync(directory).sort()).toEqual(['decisions.log', 'decisions.log.1', 'decisions.log.2']);
  const all = ['.2', '.1', ''].map((suffix) => readFileSync(path + suffix, 'utf8')).join('');
  expect(all).toBe([4, 5, 6, 7, 8, 9].map((i) => `line number ${i}\n`).join(''));
});

test('without kept files the file is begun anew; a file moved away as well', async () => {
  const path = join(directory, 'd.log');
  const sink = fileSink(path, { maxSize: 10, keep: 0 });
  await sink.write('aaaaaaaa\n');
  await sink.write('b\n');
  await sink.write('cc\n');
  expect(readFileSync(path, 'utf8')).toBe('b\ncc\n');
  rmSync(path);
  await sink.write('d\n');
  expect(readFileSync(path, 'utf8')).toBe('d\n');
});

test('a folder that is missing rejects, and works once it is there', async () => {
  const sink = fileSink(join(directory, 'no', 'd.log'), { maxSize: 10, keep: 1 });
  await expect(sink.write('a\n')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('a real pipe that nobody reads never holds the process up; once read, every line is there in order', async () => {
  const child = spawn(process.execPath, [join(__dirname, 'log-to-stdout.ts'), directory], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    let reports = '';
    child.stderr.on('data', (chunk: Buffer) => {
      reports += chunk.toString();
    });
    const report = (): { longest: number; state: string; spillBytes: number; dropped: number; delivered: number } =>
      JSON.parse(reports.trimEnd().split('\n').at(-1) ?? '{}');
    // Nothing reads standard output so far.
    await until(() => reports.includes('\n') && report().state === 'stalled', 20_000);
    expect(report().spillBytes).toBeGreaterThan(1_000_000);
    expect(report().longest).toBeLessThan(1000);
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    await until(() => report().delivered >= 20_000, 20_000);
    child.kill('SIGTERM');
    await new Promise((resolve) => child.on('close', resolve));
    const numbers = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { n: number }).n);
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, i) => i));
    expect(report().dropped).toBe(0);
    expect(readdirSync(directory)).toEqual([]);
  } finally {
    child.kill('SIGKILL');
  }
});
