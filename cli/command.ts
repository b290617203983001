import type { Command } from 'commander';
import type { CliContext, ExitCode } from './context.ts';

/** Makes a command; its exit code is reported through `done`. */
export type CommandFactory = (context: CliContext, done: (code: ExitCode) => void) => Command;
