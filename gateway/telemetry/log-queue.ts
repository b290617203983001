import type { LineSink } from './line-sink.ts';
import { SpillFiles, type SpillOptions } from './spill-files.ts';

/**
 * Brings lines to a sink in order and without ever waiting on the caller's side: memory first, then the disk, and
 * where that is full as well (or absent) lines are dropped and counted. Each line is delivered at least once.
 */
export interface LogQueueOptions {
  sink: LineSink;
  /** Without it lines wait in memory only. */
  spill?: Omit<SpillOptions, 'lost'>;
  /** Bytes that wait in memory before the disk is used; 256 KiB when absent. */
  maxMemory?: number;
  /** ms after which a write that has not ended counts as stalled; 1 s when absent. */
  stalledAfter?: number;
  /** Milliseconds, monotonic. */
  ticks(): number;
  random(): number;
}

export interface LogState {
  state: 'ok' | 'stalled' | 'failing';
  /** Nothing more can be taken without loss. */
  full: boolean;
  memoryBytes: number;
  spillBytes: number;
  delivered: number;
  spilled: number;
  dropped: number;
}

const MEMORY = 256 * 1024;
const BATCH = 64 * 1024;
const GATHER = 20;
const STALLED = 1000;
const FIRST_RETRY = 100;
const LAST_RETRY = 5000;
/** Room that calls in flight may still need once the log calls itself full, in bytes. */
const HEADROOM = 64 * 1024;

function countLines(text: string): number {
  return text.split('\n').length - 1;
}

/** Lines that were lost leave a line of their own, so that nobody takes the log for complete. */
function gapLine(lost: number): string {
  return lost === 0 ? '' : `${JSON.stringify({ kind: 'dropped', lines: lost })}\n`;
}

export class LogQueue {
  readonly #options: LogQueueOptions;
  readonly #spill: SpillFiles | undefined;
  readonly #maxMemory: number;
  readonly #stalledAfter: number;
  #memory: string[] = [];
  #memoryBytes = 0;
  /** From memory, offered to the sink and not yet taken. */
  #offered = '';
  #pumping: Promise<void> | undefined;
  #writeBegan: number | undefined;
  #failures = 0;
  /** Ends a pause early. */
  #wake: (() => void) | undefined;
  #stallTimer: NodeJS.Timeout | undefined;
  #closed = false;
  #delivered = 0;
  #spilled = 0;
  #dropped = 0;
  #droppedTold = 0;

  /** @throws what the file system throws where the folder of the spill cannot be used. */
  constructor(options: LogQueueOptions) {
    this.#options = options;
    const lost = (lines: number): void => {
      this.#dropped += lines;
    };
    this.#spill = options.spill && new SpillFiles({ ...options.spill, lost });
    this.#maxMemory = options.maxMemory ?? MEMORY;
    this.#stalledAfter = options.stalledAfter ?? STALLED;
    if (this.#spill?.empty === false) this.#pump();
  }

  /** `line` ends with a line feed. Never blocks, never throws. */
  append(line: string): void {
    const spill = this.#spill;
    const bytes = Buffer.byteLength(line);
    if (spill !== undefined && (!spill.empty || this.#stalled() || this.#memoryBytes + bytes > this.#maxMemory)) {
      this.#moveToSpill(spill);
      this.#spilled++;
      spill.append(line);
    } else if (this.#memoryBytes + bytes > this.#maxMemory) this.#dropped++;
    else {
      this.#memory.push(line);
      this.#memoryBytes += bytes;
    }
    this.#pump();
  }

  get full(): boolean {
    const spill = this.#spill;
    if (spill !== undefined) return !spill.hasRoomFor(HEADROOM) || (spill.failing && !this.#flowing);
    return this.#memoryBytes > this.#maxMemory - Math.min(HEADROOM, this.#maxMemory / 4);
  }

  get state(): LogState {
    return {
      state: this.#flowing ? 'ok' : this.#failures > 0 ? 'failing' : 'stalled',
      full: this.full,
      memoryBytes: this.#memoryBytes + this.#offered.length,
      spillBytes: this.#spill?.bytes ?? 0,
      delivered: this.#delivered,
      spilled: this.#spilled,
      dropped: this.#dropped,
    };
  }

  /** Delivers what it can within `ms`, then puts the rest on disk. @returns lines that are lost for want of one. */
  async close(ms: number): Promise<number> {
    this.#wake?.();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    });
    const done = async (): Promise<void> => {
      while (this.#pumping !== undefined && !this.#closed) await this.#pumping;
    };
    await Promise.race([done(), late]);
    clearTimeout(timer);
    return this.saveNow();
  }

  /** At a crash: what is in memory goes to disk before this returns. Nothing is delivered afterwards. */
  saveNow(): number {
    this.#closed = true;
    clearTimeout(this.#stallTimer);
    this.#wake?.();
    const spill = this.#spill;
    const left = [this.#offered, ...this.#memory].filter((text) => text !== '');
    this.#memory = [];
    this.#memoryBytes = 0;
    this.#offered = '';
    spill?.saveNow(left);
    return spill === undefined ? left.reduce((sum, text) => sum + countLines(text), 0) : 0;
  }

  get #flowing(): boolean {
    return this.#failures === 0 && !this.#stalled();
  }

  #stalled(): boolean {
    return this.#writeBegan !== undefined && this.#options.ticks() - this.#writeBegan > this.#stalledAfter;
  }

  /** What waits in memory is older than what comes now, and safer on disk when the sink stands still. */
  #moveToSpill(spill: SpillFiles): void {
    for (const line of this.#memory) spill.append(line);
    this.#spilled += this.#memory.length;
    this.#memory = [];
    this.#memoryBytes = 0;
  }

  /** Also what the sink refused; unless newer lines are on disk already, behind which it would come too late. */
  #moveAllToSpill(spill: SpillFiles): void {
    if (spill.empty && this.#offered !== '') {
      for (const line of this.#offered.match(/.+\n/g) ?? []) spill.append(line);
      this.#spilled += countLines(this.#offered);
      this.#offered = '';
    }
    this.#moveToSpill(spill);
  }

  #pump(): void {
    if (this.#closed || this.#pumping !== undefined) return;
    this.#pumping = this.#deliverAll().finally(() => {
      this.#pumping = undefined;
      if (this.#memory.length > 0 || this.#spill?.empty === false) this.#pump();
    });
  }

  async #deliverAll(): Promise<void> {
    // Lines that come close together are one write.
    await this.#sleep(GATHER);
    while (!this.#closed) {
      if (this.#memory.length > 0 || this.#offered !== '') await this.#deliverMemory();
      else if (!(await this.#deliverSpill())) return;
      if (this.#spill?.empty !== false && this.#offered === '' && this.#memoryBytes < BATCH) return;
    }
  }

  async #deliverMemory(): Promise<void> {
    if (this.#offered === '') this.#offered = this.#takeBatch();
    if (!(await this.#write(this.#offered))) return;
    this.#offered = '';
  }

  /** @returns whether there may be more. */
  async #deliverSpill(): Promise<boolean> {
    const spill = this.#spill;
    const text = await spill?.head();
    if (spill === undefined || text === undefined) return false;
    while (!this.#closed) {
      if (!(await this.#write(text))) continue;
      await spill.drop();
      break;
    }
    return true;
  }

  #takeBatch(): string {
    let bytes = 0;
    let count = 0;
    while (count < this.#memory.length && (count === 0 || bytes < BATCH)) {
      bytes += Buffer.byteLength(this.#memory[count] as string);
      count++;
    }
    this.#memoryBytes -= bytes;
    return this.#memory.splice(0, count).join('');
  }

  /** @returns whether the sink took it; waits a while where it did not. */
  async #write(text: string): Promise<boolean> {
    const { sink, ticks } = this.#options;
    this.#writeBegan = ticks();
    this.#watchStall();
    try {
      const dropped = this.#dropped;
      await sink.write(gapLine(dropped - this.#droppedTold) + text);
      this.#droppedTold = dropped;
      this.#failures = 0;
      this.#writeBegan = undefined;
      this.#delivered += countLines(text);
      return true;
    } catch {
      this.#failures++;
      await this.#pause();
      return false;
    } finally {
      clearTimeout(this.#stallTimer);
    }
  }

  /** A sink that stands still may do so for ever: what waits in memory is brought to safety. */
  #watchStall(): void {
    const spill = this.#spill;
    if (spill === undefined) return;
    this.#stallTimer = setTimeout(() => this.#moveToSpill(spill), this.#stalledAfter + 1);
    this.#stallTimer.unref();
  }

  #pause(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    const { random } = this.#options;
    if (this.#spill !== undefined) this.#moveAllToSpill(this.#spill);
    const longest = Math.min(LAST_RETRY, FIRST_RETRY * 2 ** Math.min(10, this.#failures - 1));
    return this.#sleep(longest * (0.5 + random() / 2));
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#wake = done;
    });
  }
}
