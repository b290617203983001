/** A packed bundle as the kubelet mounts the ConfigMap of the bootstrap copy. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzip } from '../../policy/bundle/gzip.ts';
import { DEFAULT_LIMITS } from '../../policy/bundle/limits.ts';
import { shardBundle } from '../../policy/bundle/shards.ts';
import { readTar } from '../../policy/bundle/tar.ts';
import { nodeCrypto } from '../../runtime/crypto/node-crypto.ts';

/** @param archive `bundle.tar.gz`. */
export function mountBundle(archive: string, folder: string): void {
  const files = readTar(gunzip(new Uint8Array(readFileSync(archive)), DEFAULT_LIMITS), DEFAULT_LIMITS);
  const bundle = { files: new Map([...files].map(([name, bytes]) => [name, { bytes }])) };
  const { head, index, shards } = shardBundle(bundle, nodeCrypto);
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of [...head, ['index.json', index] as const, ...shards]) {
    writeFileSync(join(folder, name), bytes);
  }
}
