import { readdir, readlink, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { BundleLimits } from '../../policy/bundle/limits.ts';
import { isShardEntry, joinShards } from '../../policy/bundle/shards.ts';
import { AegisError } from '../../policy/errors.ts';
import type { BundleSource } from './bundle-source.ts';
import { markOf, readFolder } from './read-files.ts';
import { type WatchOptions, watchedSource } from './watched-source.ts';

export interface ConfigMapSourceOptions extends WatchOptions {
  /** Where one or several ConfigMaps with a sharded bundle (`policy/bundle/shards.ts`) are mounted. */
  path: string;
  limits: BundleLimits;
  crypto: CryptoProvider;
}

/** The link that the kubelet swaps when a mounted ConfigMap or projected volume changes. */
const DATA_LINK = '..data';
/** Shards of this bundle, and those of the ones before that nobody removed. */
const MAX_ENTRIES = 1024;

/** A mounted ConfigMap. All keys are read from the one folder that `..data` names, so that they belong together. */
export function configMapSource(options: ConfigMapSourceOptions): BundleSource {
  const { limits, crypto } = options;
  const place = path.resolve(options.path);
  const entryLimits = { ...limits, maxTotalBytes: limits.maxArchiveBytes + 1024 * 1024 };
  return watchedSource(
    {
      kind: 'configMap',
      place,
      parents: [place],
      async look() {
        const link = await readlink(path.join(place, DATA_LINK)).catch(() => undefined);
        // what the kubelet has written is never changed, only replaced
        if (link !== undefined) return { mark: `${DATA_LINK} ${link}`, folders: [] };
        const marks: string[] = [];
        for (const key of await entries(place)) {
          marks.push(`${key} ${markOf(await stat(path.join(place, key), { bigint: true }))}`);
        }
        return { mark: marks.join('\n'), folders: [] };
      },
      async read() {
        const folder = await realpath(path.join(place, DATA_LINK)).catch(() => place);
        const found = await readFolder(folder, await entries(folder), entryLimits);
        return { files: joinShards(found, limits, crypto) };
      },
    },
    options,
  );
}

async function entries(folder: string): Promise<string[]> {
  const keys = (await readdir(folder)).filter(isShardEntry).sort();
  if (keys.length > MAX_ENTRIES) {
    throw new AegisError('AEGIS_BUNDLE_TOO_LARGE', `the mount holds more than ${MAX_ENTRIES} entries`);
  }
  return keys;
}
