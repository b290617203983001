/** Every place that a gateway follows, behind one face: the test puts a bundle there, in whatever state. */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SourceSettings } from '../../../gateway/bundles/start-bundles.ts';
import { gzip } from '../../../policy/bundle/gzip.ts';
import { shardBundle } from '../../../policy/bundle/shards.ts';
import { writeTar } from '../../../policy/bundle/tar.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { BundleServer } from '../../support/bundle-server.ts';

export type Files = ReadonlyMap<string, Uint8Array>;

export interface Place {
  settings: SourceSettings;
  put(files: Files): Promise<void>;
  /** Only where bundles travel as archives. */
  putArchive?(archive: Uint8Array): Promise<void>;
  /** More than a gateway may take, in the way of this place. */
  putOversized(): Promise<void>;
  close(): Promise<void>;
}

let count = 0;
const POLL = 200;

function replaceFolder(target: string, files: Files): void {
  const aside = `${target}.new-${count++}`;
  for (const [name, bytes] of files) {
    const file = join(aside, ...name.split('/'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  const old = `${target}.old-${count}`;
  try {
    renameSync(target, old);
  } catch {
    // the first time there is none
  }
  renameSync(aside, target);
  rmSync(old, { recursive: true, force: true });
}

function folderPlace(root: string): Place {
  const path = join(root, 'bundle');
  return {
    settings: { kind: 'directory', path, pollInterval: POLL },
    put: async (files) => replaceFolder(path, files),
    putOversized: async () => replaceFolder(path, new Map([['policy.wasm', new Uint8Array(17 * 1024 * 1024)]])),
    close: async () => undefined,
  };
}

function archivePlace(root: string): Place {
  const path = join(root, 'bundle.tar.gz');
  const putArchive = async (archive: Uint8Array): Promise<void> => {
    writeFileSync(`${path}.new`, archive);
    renameSync(`${path}.new`, path);
  };
  return {
    settings: { kind: 'directory', path, pollInterval: POLL },
    put: (files) => putArchive(gzip(writeTar(files))),
    putArchive,
    putOversized: () => putArchive(new Uint8Array(9 * 1024 * 1024)),
    close: async () => undefined,
  };
}

/** As the kubelet does it: keys are links through `..data`, which is swapped by a rename. */
export function mountEntries(root: string, entries: Files): void {
  mkdirSync(root, { recursive: true });
  const version = `..2026_${count++}`;
  mkdirSync(join(root, version));
  for (const [key, bytes] of entries) writeFileSync(join(root, version, key), bytes);
  symlinkSync(version, join(root, '..data_tmp'));
  renameSync(join(root, '..data_tmp'), join(root, '..data'));
  for (const key of entries.keys()) {
    rmSync(join(root, key), { force: true });
    symlinkSync(join('..data', key), join(root, key));
  }
}

export function shardEntries(files: Files, maxShardBytes?: number): Map<string, Uint8Array> {
  const bundle = { files: new Map([...files].map(([name, bytes]) => [name, { bytes }])) };
  const { head, index, shards } = shardBundle(bundle, nodeCrypto, maxShardBytes);
  return new Map([...head, ['index.json', index], ...shards]);
}

function mountPlace(root: string): Place {
  const path = join(root, 'mount');
  return {
    settings: { kind: 'configMap', path, pollInterval: POLL },
    put: async (files) => mountEntries(path, shardEntries(files, 20_000)),
    putOversized: async () => {
      const files = new Map([['policy.wasm', new Uint8Array(17 * 1024 * 1024)]]);
      mountEntries(path, shardEntries(files));
    },
    close: async () => undefined,
  };
}

async function httpPlace(): Promise<Place> {
  const server = new BundleServer();
  await server.start();
  const putArchive = async (archive: Uint8Array): Promise<void> => {
    server.service.publish('/bundles/me', archive, `version-${count++}`);
  };
  return {
    settings: {
      kind: 'http',
      url: `${server.url}/bundles/me`,
      waitSeconds: 5,
      pollInterval: POLL,
      backoff: { base: 50, cap: 200 },
    },
    put: (files) => putArchive(gzip(writeTar(files))),
    putArchive,
    putOversized: () => putArchive(new Uint8Array(9 * 1024 * 1024)),
    close: () => server.stop(),
  };
}

export const PLACES: readonly (readonly [string, (root: string) => Place | Promise<Place>])[] = [
  ['a folder', folderPlace],
  ['an archive', archivePlace],
  ['a mounted ConfigMap', mountPlace],
  ['a server', httpPlace],
];
