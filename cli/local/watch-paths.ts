import { watch } from 'chokidar';

/** Editors write in several steps; a change is reported once it has been quiet for this long. */
const QUIET_MS = 60;

export interface PathWatch {
  close(): Promise<void>;
}

/** Calls `changed` after files at or below `paths` changed, appeared or went away. Never twice at the same time. */
export function watchPaths(
  paths: readonly string[],
  changed: () => Promise<void>,
  failed: (error: unknown) => void,
): PathWatch {
  const watcher = watch([...paths], {
    ignoreInitial: true,
    ignored: (path) => /(^|\/)(node_modules|\.[^/.][^/]*)$/.test(path),
  });
  let timer: NodeJS.Timeout | undefined;
  let running = false;
  let again = false;
  const run = async (): Promise<void> => {
    if (running) {
      again = true;
      return;
    }
    running = true;
    try {
      do {
        again = false;
        await changed();
      } while (again);
    } catch (error) {
      failed(error);
    } finally {
      running = false;
    }
  };
  watcher.on('all', () => {
    clearTimeout(timer);
    timer = setTimeout(run, QUIET_MS);
  });
  watcher.on('error', failed);
  return {
    async close() {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}
