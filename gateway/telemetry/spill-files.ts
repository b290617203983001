import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { appendFile, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Lines on disk that wait for their sink, oldest first, in segments that are deleted once delivered. What an earlier
 * process left is delivered first. One process a folder.
 */
export interface SpillOptions {
  directory: string;
  /** Bytes in all. */
  maxSize: number;
  /** Bytes of a segment; 256 KiB when absent. What was delivered of one in vain is delivered again as a whole. */
  segmentSize?: number;
  /** Told that lines are lost. */
  lost(lines: number, why: 'full' | 'disk' | 'truncated'): void;
}

interface Segment {
  name: string;
  bytes: number;
}

const SEGMENT = /^[0-9]{12}\.ndjson$/;
const SEGMENT_SIZE = 256 * 1024;

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}

export class SpillFiles {
  readonly #options: SpillOptions;
  readonly #segmentSize: number;
  readonly #segments: Segment[] = [];
  /** Lines that are on their way to the disk, behind all segments. */
  #tail: string[] = [];
  #tailBytes = 0;
  #bytes = 0;
  #next = 1;
  /** The last segment may still grow. */
  #open = false;
  #writing: Promise<void> | undefined;
  /** What the file system is taking right now. */
  #underway = '';
  #failing = false;

  /** @throws what the file system throws where the folder cannot be made or written to. */
  constructor(options: SpillOptions) {
    const { directory } = options;
    this.#options = options;
    this.#segmentSize = Math.min(options.segmentSize ?? SEGMENT_SIZE, options.maxSize);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const name of readdirSync(directory)
      .filter((name) => SEGMENT.test(name))
      .sort()) {
      const bytes = statSync(join(directory, name)).size;
      this.#segments.push({ name, bytes });
      this.#bytes += bytes;
      this.#next = Math.max(this.#next, Number.parseInt(name, 10) + 1);
    }
  }

  get bytes(): number {
    return this.#bytes + this.#tailBytes;
  }

  get empty(): boolean {
    return this.#segments.length === 0 && this.#tail.length === 0;
  }

  /** What was written last could not be. */
  get failing(): boolean {
    return this.#failing;
  }

  hasRoomFor(bytes: number): boolean {
    return this.bytes + bytes <= this.#options.maxSize;
  }

  /** `line` ends with a line feed. */
  append(line: string): void {
    const bytes = Buffer.byteLength(line);
    if (!this.hasRoomFor(bytes)) {
      this.#options.lost(1, 'full');
      return;
    }
    this.#tail.push(line);
    this.#tailBytes += bytes;
    this.#writing ??= this.#writeTail();
  }

  /** The oldest lines; they stay until `drop`. Undefined where there are none. */
  async head(): Promise<string | undefined> {
    // What is read must not grow meanwhile: of several segments only the last one does.
    while (this.#segments.length <= 1 && this.#writing !== undefined) await this.#writing;
    if (this.#segments.length <= 1) this.#open = false;
    for (let segment = this.#segments[0]; segment !== undefined; segment = this.#segments[0]) {
      const text = await this.#read(segment);
      if (text !== '') return text;
      await this.drop();
    }
    return undefined;
  }

  /** Deletes what `head` gave. */
  async drop(): Promise<void> {
    const segment = this.#segments.shift();
    if (segment === undefined) return;
    this.#bytes -= segment.bytes;
    await rm(join(this.#options.directory, segment.name), { force: true }).catch(() => undefined);
  }

  /** At a crash: everything to disk before this returns. `older` stands before all else. */
  saveNow(older: readonly string[]): void {
    const { directory, lost } = this.#options;
    for (const [name, lines] of [
      ['000000000000.ndjson', older],
      [this.#nextName(), [this.#underway, ...this.#tail].filter((text) => text !== '')],
    ] as const) {
      try {
        if (lines.length > 0) writeFileSync(join(directory, name), lines.join(''), { mode: 0o600 });
      } catch {
        lost(lines.length, 'disk');
      }
    }
    this.#tail = [];
    this.#tailBytes = 0;
  }

  async #read({ name }: Segment): Promise<string> {
    try {
      const text = await readFile(join(this.#options.directory, name), 'utf8');
      // A crash can break off the last line.
      const end = text.lastIndexOf('\n') + 1;
      if (end < text.length) this.#options.lost(1, 'truncated');
      return text.slice(0, end);
    } catch {
      this.#options.lost(1, 'disk');
      return '';
    }
  }

  async #writeTail(): Promise<void> {
    // Lines of one turn go together.
    await Promise.resolve();
    while (this.#tail.length > 0) {
      const text = this.#tail.join('');
      const bytes = this.#tailBytes;
      this.#tail = [];
      this.#tailBytes = 0;
      this.#bytes += bytes;
      const segment = this.#segmentFor(bytes);
      segment.bytes += bytes;
      this.#underway = text;
      try {
        await appendFile(join(this.#options.directory, segment.name), text, { mode: 0o600 });
        this.#failing = false;
      } catch {
        this.#failing = true;
        this.#bytes -= bytes;
        segment.bytes -= bytes;
        await this.#cut(segment);
        this.#options.lost(countLines(text), 'disk');
      }
      this.#underway = '';
    }
    this.#writing = undefined;
  }

  /** Takes back what was written in part; the next segment is a fresh one. */
  async #cut(segment: Segment): Promise<void> {
    const path = join(this.#options.directory, segment.name);
    this.#open = false;
    if (segment.bytes > 0) await truncate(path, segment.bytes).catch(() => undefined);
    else {
      this.#segments.splice(this.#segments.indexOf(segment), 1);
      await rm(path, { force: true }).catch(() => undefined);
    }
  }

  #segmentFor(bytes: number): Segment {
    const last = this.#segments.at(-1);
    if (this.#open && last !== undefined && last.bytes + bytes <= this.#segmentSize) return last;
    const segment = { name: this.#nextName(), bytes: 0 };
    this.#segments.push(segment);
    this.#open = true;
    return segment;
  }

  #nextName(): string {
    return `${String(this.#next++).padStart(12, '0')}.ndjson`;
  }
}
