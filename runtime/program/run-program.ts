/** What every program does around its work: settings, help, log, signals, defects, and the code that it ends with. */
import { readFile } from 'node:fs/promises';
import { AegisError, type ErrorCode } from '../../policy/errors.ts';
import { loadSettings } from '../settings/load-settings.ts';
import type { ProgramSettings } from '../settings/program-settings.ts';
import type { SettingsOf, SettingsTable } from '../settings/setting.ts';
import { helpText, problemsText, settingsText } from '../settings/settings-text.ts';
import { createLogger, errorName, type Level, type Logger } from '../telemetry/logger.ts';

/** 0: ended as asked. 1: ended at once, by a second signal. 2: the settings are wrong. 70: a defect; start again. */
const AT_ONCE = 1;
const WRONG_SETTINGS = 2;
const DEFECT = 70;

export interface Program<T extends SettingsTable, S extends SettingsOf<T>> {
  settings: ProgramSettings<T>;
  version: string;
  /** Code of a defect in the log. */
  defect: ErrorCode;
  /** Fills in the defaults that depend on where the program runs; what is given stays. */
  complete(given: SettingsOf<T>): S | Promise<S>;
  level(settings: S): Level;
  /** @throws AegisError for settings that do not hold (a file, an address): told, and exit code 2. */
  start(settings: S, logger: Logger): Promise<StartedProgram>;
}

export interface StartedProgram {
  /** Ends in good order. */
  end(): Promise<void>;
  /** Right before the process ends without order: what must not be lost is on disk when this returns. */
  crash?(): void;
  /** Where the program may end by itself: its exit code. */
  done?: Promise<number>;
}

/** Runs a program in this process: its arguments, environment, standard output and error, and signals. */
export async function runProgram<T extends SettingsTable, S extends SettingsOf<T>>(
  program: Program<T, S>,
): Promise<void> {
  const loaded = await loadSettings(program.settings, {
    argv: process.argv.slice(2),
    environment: process.env,
    readFile: (path) => readFile(path, 'utf8'),
  });
  const { command, problems, origins } = loaded;
  if (command === 'help') return print(helpText(program.settings));
  if (command === 'version') return print(`${program.version}\n`);
  if (problems.length > 0) return refuse(problemsText(program.settings, problems));
  const settings = await program.complete(loaded.settings);
  if (command === 'check-config') return print(settingsText(program.settings, { settings, origins }));

  // Nobody left to read it is no reason to end.
  process.stderr.on('error', () => undefined);
  const logger = createLogger({ level: program.level(settings), now: Date.now, out: process.stderr });
  await supervise(program, settings, logger);
}

async function supervise<T extends SettingsTable, S extends SettingsOf<T>>(
  program: Program<T, S>,
  settings: S,
  logger: Logger,
): Promise<void> {
  let started: StartedProgram | undefined;
  let ending = false;

  /** A program that met a defect no longer knows what it does. */
  const crash = (error: unknown): void => {
    const stack = error instanceof Error ? (error.stack ?? '').split('\n').slice(1, 6).join(' ').trim() : '';
    logger.error('defect', { code: program.defect, error: errorName(error), stack });
    started?.crash?.();
    process.exit(DEFECT);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  const end = (signal: NodeJS.Signals): void => {
    if (ending || started === undefined) {
      logger.warn('ended at once', { signal });
      started?.crash?.();
      process.exit(ending ? AT_ONCE : 0);
    }
    ending = true;
    started.end().then(() => process.exit(0), crash);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);

  try {
    started = await program.start(settings, logger);
  } catch (error) {
    if (!(error instanceof AegisError)) return crash(error);
    return refuse(`${error.message} [${error.code}]\n${error.fix}\n`);
  }
  // While it is ending as asked, `end` says how that goes, and what was interrupted may fail.
  started.done?.then(
    (code) => ending || process.exit(code),
    (error: unknown) => ending || crash(error),
  );
}

function print(text: string): void {
  process.stdout.write(text);
}

function refuse(text: string): void {
  process.stderr.write(text);
  process.exitCode = WRONG_SETTINGS;
}
