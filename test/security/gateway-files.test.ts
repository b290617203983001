/** A bundle folder that somebody else fills: files that do not say how long they are cost no more than others. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBounded } from '../../gateway/bundles/read-files.ts';

const MEGABYTE = 1024 * 1024;

test('a file of procfs, which claims to be empty, is read in large pieces', async () => {
  const before = process.cpuUsage();
  const bytes = await readBounded('/proc/kallsyms', 32 * MEGABYTE).catch(() => new Uint8Array());
  const { user, system } = process.cpuUsage(before);
  // A read for each of its millions of bytes would take minutes.
  expect((user + system) / 1e6).toBeLessThan(10);
  expect(bytes.length).toBeGreaterThanOrEqual(0);
}, 30_000);

test('a file that grows while it is read ends at the limit', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-growing-'));
  try {
    const file = join(folder, 'bundle.tar.gz');
    writeFileSync(file, Buffer.alloc(MEGABYTE));
    const reading = readBounded(file, 2 * MEGABYTE);
    for (let round = 0; round < 64; round++) appendFileSync(file, Buffer.alloc(MEGABYTE / 16));
    const read = await reading.then(
      ({ length }) => length,
      (error: { code?: string }) => error.code,
    );
    expect(typeof read === 'number' ? read <= 2 * MEGABYTE : read === 'AEGIS_BUNDLE_TOO_LARGE').toBe(true);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 30_000);
