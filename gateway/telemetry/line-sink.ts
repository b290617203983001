import type { Writable } from 'node:stream';

/** Where lines of the decision log end up. */
export interface LineSink {
  /** For people: `stdout`, or a path. */
  readonly name: string;
  /**
   * Takes whole lines over, in order; one call at a time. Resolves when they are out of the process's hands (for a
   * pipe: when the kernel has them). Rejects where they are not all taken: they will be offered again.
   */
  write(lines: string): Promise<void>;
}

/**
 * A stream, as standard output is. Node writes to pipes without blocking, so that a reader that stands still is seen
 * as a write that does not end, never as a process that stands still.
 */
export function streamSink(stream: Writable, name: string): LineSink {
  // Each failure is told to its writer; without a listener it would end the process as well.
  stream.on('error', () => undefined);
  return {
    name,
    write: (lines) =>
      new Promise((resolve, reject) => {
        stream.write(lines, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
  };
}
