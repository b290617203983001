import type { Writable } from 'node:stream';

/** A program's own log: what happens to the program itself, as JSON lines. Names and codes, never values of calls. */
export const LEVELS = ['error', 'warn', 'info', 'debug'] as const;
export type Level = (typeof LEVELS)[number];

export type Fields = Readonly<Record<string, string | number | boolean | undefined>> & {
  /** Every line has these of its own. */
  readonly [own in 'kind' | 'time' | 'level' | 'event']?: never;
};

export interface Logger {
  error(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  debug(event: string, fields?: Fields): void;
}

export interface LoggerOptions {
  level: Level;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Standard error. */
  out: Pick<Writable, 'write' | 'writableLength'>;
}

/** Bytes that may wait for a reader that stands still; further lines are dropped. */
const MAX_WAITING = 256 * 1024;

export function createLogger({ level, now, out }: LoggerOptions): Logger {
  const shown = LEVELS.indexOf(level);
  const at =
    (name: Level) =>
    (event: string, fields: Fields = {}): void => {
      if (LEVELS.indexOf(name) > shown || out.writableLength > MAX_WAITING) return;
      out.write(
        `${JSON.stringify({ kind: 'event', time: new Date(now()).toISOString(), level: name, event, ...fields })}\n`,
      );
    };
  return { error: at('error'), warn: at('warn'), info: at('info'), debug: at('debug') };
}

/** What may be shown of an error inside: its code or its class, because messages may hold values. */
export function errorName(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : error.name;
}
