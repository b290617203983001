import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { BundleLimits } from '../../policy/bundle/limits.ts';
import type { BundleSource } from './bundle-source.ts';
import { listFolder, markOf, readBounded, readFolder } from './read-files.ts';
import { type WatchOptions, watchedSource } from './watched-source.ts';

export interface DirectorySourceOptions extends WatchOptions {
  /** A `.tar.gz`, or a folder with the files of a bundle or slice; either may be replaced by renaming or as a link. */
  path: string;
  limits: BundleLimits;
}

/** A bundle in the file system, as `aegis sign` leaves it. */
export function directorySource(options: DirectorySourceOptions): BundleSource {
  const { limits } = options;
  const place = path.resolve(options.path);
  return watchedSource(
    {
      kind: 'directory',
      place,
      parents: [path.dirname(place)],
      async look() {
        const real = await realpath(place);
        const stats = await stat(real, { bigint: true });
        if (!stats.isDirectory()) return { mark: `${real} ${markOf(stats)}`, folders: [path.dirname(real)] };
        const { files, folders } = await listFolder(real, limits.maxFiles);
        return { mark: [real, stats.ino, ...files.map(({ name, mark }) => `${name} ${mark}`)].join('\n'), folders };
      },
      async read() {
        const real = await realpath(place);
        if (!(await stat(real)).isDirectory()) return { archive: await readBounded(real, limits.maxArchiveBytes) };
        const { files } = await listFolder(real, limits.maxFiles);
        return {
          files: await readFolder(
            real,
            files.map(({ name }) => name),
            limits,
          ),
        };
      },
    },
    options,
  );
}
