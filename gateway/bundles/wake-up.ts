import { type FSWatcher, watch } from 'node:fs';
import type { Clock } from '../../runtime/time/clock.ts';

/**
 * Waits for changes in folders: the operating system's word where it gives one, and a poll in any case, because it
 * gives none on some network file systems and loses some under load.
 */
export class FolderWatch {
  #watchers = new Map<string, FSWatcher>();
  #wake = new AbortController();

  /** Watches exactly these folders from now on. What cannot be watched is left to the poll. */
  set(folders: readonly string[]): void {
    const wanted = new Set(folders);
    for (const [folder, watcher] of this.#watchers) if (!wanted.has(folder)) this.#drop(folder, watcher);
    for (const folder of wanted) if (!this.#watchers.has(folder)) this.#add(folder);
  }

  /** Resolves at the first change since the last call, at the latest after `ms`. */
  async wait(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    await clock.sleep(ms, AbortSignal.any([signal, this.#wake.signal]));
    this.#wake = new AbortController();
  }

  close(): void {
    this.set([]);
  }

  #add(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#wake.abort());
      watcher.on('error', () => this.#drop(folder, watcher));
      this.#watchers.set(folder, watcher);
    } catch {
      // not there yet, or no watches left: the poll finds changes
    }
  }

  #drop(folder: string, watcher: FSWatcher): void {
    watcher.close();
    if (this.#watchers.get(folder) === watcher) this.#watchers.delete(folder);
  }
}
