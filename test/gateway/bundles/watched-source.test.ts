import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { BundleCandidate, BundleSource, OfferResult } from '../../../gateway/bundles/bundle-source.ts';
import { GATEWAY_LIMITS } from '../../../gateway/bundles/bundle-updater.ts';
import { configMapSource } from '../../../gateway/bundles/config-map-source.ts';
import { directorySource } from '../../../gateway/bundles/directory-source.ts';
import type { AegisError } from '../../../policy/errors.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import { mountEntries, shardEntries } from './places.ts';
import { renew, sign, sliceArchive, sliceFiles, T0, temporaryFolder, until } from './publisher.ts';

/** Long enough that only the operating system's word explains a quick reaction. */
const LAZY = 60_000;
let folder: ReturnType<typeof temporaryFolder>;
let stops: (() => Promise<void>)[] = [];
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(async () => {
  for (const stop of stops) await stop();
  stops = [];
  folder.remove();
});

function follow(source: BundleSource, result: OfferResult = { outcome: 'activated' }) {
  const seen = { offers: [] as BundleCandidate[], errors: [] as string[], current: 0 };
  const stopping = new AbortController();
  const running = source.run(
    {
      heldEtag: () => undefined,
      offer: async (candidate) => {
        seen.offers.push(candidate);
        return result;
      },
      current: async () => {
        seen.current++;
      },
      failed: (error) => seen.errors.push((error as AegisError).code),
    },
    stopping.signal,
  );
  stops.push(async () => {
    stopping.abort();
    await running;
  });
  return seen;
}

function directory(path: string, pollInterval = LAZY) {
  return directorySource({ path, clock: systemClock, limits: GATEWAY_LIMITS, pollInterval });
}

function write(target: string, files: ReadonlyMap<string, Uint8Array>): void {
  for (const [name, bytes] of files) {
    const file = join(target, ...name.split('/'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
}

const filesOf = (candidate: BundleCandidate | undefined) =>
  candidate !== undefined && 'files' in candidate ? new Map([...candidate.files].sort()) : undefined;
const sorted = (files: ReadonlyMap<string, Uint8Array>) => new Map([...files].sort());
const first = sliceFiles(sign());
const second = sliceFiles(sign({ sequence: 2, cap: 100 }));

describe('a folder', () => {
  test('is offered as it stands, again after a change, and not twice', async () => {
    const path = join(folder.path, 'bundle');
    write(path, first);
    const seen = follow(directory(path));
    await until(() => seen.offers.length === 1);
    expect(filesOf(seen.offers[0])).toEqual(sorted(first));
    write(path, second);
    await until(() => seen.offers.length >= 2);
    expect(filesOf(seen.offers.at(-1))).toEqual(sorted(second));
  });

  test('that does not exist yet is waited for', async () => {
    const path = join(folder.path, 'bundle');
    const seen = follow(directory(path));
    await until(() => seen.errors.length === 1);
    expect(seen.errors).toEqual(['AEGIS_BUNDLE_SOURCE']);
    write(`${path}.new`, first);
    renameSync(`${path}.new`, path);
    await until(() => seen.offers.length === 1);
  });

  test('swapped by renames or as a link is never seen half', async () => {
    const path = join(folder.path, 'current');
    write(join(folder.path, 'v1'), first);
    symlinkSync('v1', path);
    const seen = follow(directory(path));
    await until(() => seen.offers.length === 1);
    write(join(folder.path, 'v2'), second);
    symlinkSync('v2', join(folder.path, 'next'));
    renameSync(join(folder.path, 'next'), path);
    await until(() => seen.offers.length === 2);
    expect(filesOf(seen.offers[1])).toEqual(sorted(second));
  });

  test('written file by file is read when the writer rests', async () => {
    const path = join(folder.path, 'bundle');
    write(path, first);
    const seen = follow(directory(path));
    await until(() => seen.offers.length === 1);
    for (const [name, bytes] of second) {
      write(path, new Map([[name, bytes]]));
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
    await until(() => seen.offers.length >= 2);
    expect(filesOf(seen.offers.at(-1))).toEqual(sorted(second));
    expect(seen.offers).toHaveLength(2);
  });

  test('without a word of the operating system, the poll finds the change', async () => {
    const path = join(folder.path, 'a', 'bundle');
    write(path, first);
    const seen = follow(directory(path, 100));
    await until(() => seen.offers.length === 1);
    await until(() => seen.current > 1, 'a look that finds nothing');
    write(path, second);
    await until(() => seen.offers.length === 2);
  });

  test('with too many files, or a pipe, is an error, not a hang', async () => {
    const path = join(folder.path, 'bundle');
    write(path, new Map(Array.from({ length: 1100 }, (_, i) => [`f${i}`, new Uint8Array()])));
    const seen = follow(directory(path));
    await until(() => seen.errors.length === 1);
    expect(seen.errors).toEqual(['AEGIS_BUNDLE_TOO_LARGE']);
    const other = join(folder.path, 'pipe');
    mkdirSync(other);
    (await import('node:child_process')).execFileSync('mkfifo', [join(other, 'manifest.json')]);
    const piped = follow(directory(other));
    await until(() => piped.errors.length === 1);
    expect(piped.errors).toEqual(['AEGIS_BUNDLE_SOURCE']);
  });
});

describe('an archive', () => {
  test('replaced by renaming, or removed and back', async () => {
    const path = join(folder.path, 'bundle.tar.gz');
    writeFileSync(path, sliceArchive(sign()));
    const seen = follow(directory(path));
    await until(() => seen.offers.length === 1);
    writeFileSync(`${path}.new`, sliceArchive(sign({ sequence: 2 })));
    renameSync(`${path}.new`, path);
    await until(() => seen.offers.length === 2);
    rmSync(path);
    await until(() => seen.errors.length > 0);
    writeFileSync(path, sliceArchive(sign({ sequence: 3 })));
    await until(() => seen.offers.length === 3);
    expect(seen.offers[2]).toEqual({ archive: sliceArchive(sign({ sequence: 3 })) });
  });

  test('that grows while it is read is not offered until it rests', async () => {
    const path = join(folder.path, 'bundle.tar.gz');
    const archive = sliceArchive(sign());
    writeFileSync(path, new Uint8Array());
    const seen = follow(directory(path), { outcome: 'refused' });
    for (let at = 0; at < archive.length; at += 4_000) {
      appendFileSync(path, archive.subarray(at, at + 4_000));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await until(() => seen.offers.some((offer) => 'archive' in offer && offer.archive.length === archive.length));
    expect(seen.offers.length).toBeLessThanOrEqual(2);
  });
});

describe('a mounted ConfigMap', () => {
  const mounted = (path: string) =>
    configMapSource({ path, clock: systemClock, limits: GATEWAY_LIMITS, crypto: nodeCrypto, pollInterval: LAZY });

  test('is followed through the swaps of its link', async () => {
    const path = join(folder.path, 'mount');
    mountEntries(path, shardEntries(first, 10_000));
    const seen = follow(mounted(path));
    await until(() => seen.offers.length === 1);
    expect(filesOf(seen.offers[0])).toEqual(sorted(first));
    mountEntries(path, shardEntries(second, 10_000));
    await until(() => seen.offers.length === 2);
    expect(filesOf(seen.offers[1])).toEqual(sorted(second));
  });

  test('a renewal changes the head alone', async () => {
    const path = join(folder.path, 'mount');
    const renewed = sliceFiles(renew(sign(), { issuedAt: T0 + 1 }));
    const entries = shardEntries(first);
    mountEntries(path, entries);
    const seen = follow(mounted(path));
    await until(() => seen.offers.length === 1);
    mountEntries(path, new Map(entries).set('manifest.json', renewed.get('manifest.json') as Uint8Array));
    await until(() => seen.offers.length === 2);
    expect(filesOf(seen.offers[1])).toEqual(sorted(renewed));
  });

  test('with index and shards of different bundles is no bundle, until the mount has caught up', async () => {
    const path = join(folder.path, 'mount');
    const [old, next] = [shardEntries(first), shardEntries(second)];
    mountEntries(path, new Map(old).set('index.json', next.get('index.json') as Uint8Array));
    const seen = follow(mounted(path));
    await until(() => seen.errors.length > 0);
    expect(seen.errors[0]).toBe('AEGIS_BUNDLE_SHARDS');
    expect(seen.offers).toEqual([]);
    mountEntries(path, next);
    await until(() => seen.offers.length === 1);
  });

  test('a plain folder with the same keys will do', async () => {
    const path = join(folder.path, 'mount');
    write(path, shardEntries(first));
    const seen = follow(mounted(path));
    await until(() => seen.offers.length === 1);
    expect(filesOf(seen.offers[0])).toEqual(sorted(first));
  });
});
