/** The program `aegis gateway`: the real terminal, clock, randomness, network and signals. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { AegisError } from '../policy/errors.ts';
import { createLogger, errorName } from '../runtime/telemetry/logger.ts';
import { loadSettings } from './config/load-settings.ts';
import { helpText, problemsText, settingsText } from './config/settings-text.ts';
import { type RunningProgram, startProgram } from './program/start-program.ts';
import { VERSION } from './version.ts';

/** 0: ended as asked. 2: the settings are wrong. 70: a defect; start again. */
const WRONG_SETTINGS = 2;
const DEFECT = 70;

async function main(): Promise<void> {
  const loaded = await loadSettings({
    argv: process.argv.slice(2),
    environment: process.env,
    readFile: (path) => readFile(path, 'utf8'),
  });
  const { command, problems, settings } = loaded;
  if (command === 'help') return print(helpText());
  if (command === 'version') return print(`${VERSION}\n`);
  if (problems.length > 0) return refuse(problemsText(problems));
  if (command === 'check-config') return print(settingsText(loaded));

  // Nobody left to read it is no reason to end.
  process.stderr.on('error', () => undefined);
  const logger = createLogger({ level: settings['telemetry.level'], now: Date.now, out: process.stderr });
  let program: RunningProgram | undefined;
  let ending = false;

  /** A gateway that met a defect no longer knows what it allows. */
  const crash = (error: unknown): void => {
    const stack = error instanceof Error ? (error.stack ?? '').split('\n').slice(1, 6).join(' ').trim() : '';
    logger.error('defect', { code: 'AEGIS_GATEWAY_DEFECT', error: errorName(error), stack });
    program?.crash();
    process.exit(DEFECT);
  };
  process.on('uncaughtException', crash);
  process.on('unhandledRejection', crash);

  const end = (signal: NodeJS.Signals): void => {
    if (ending || program === undefined) {
      logger.warn('ended at once', { signal });
      program?.crash();
      process.exit(ending ? 1 : 0);
    }
    ending = true;
    program.drain().then(() => process.exit(0), crash);
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);

  try {
    program = await startProgram(settings, {
      stdout: process.stdout,
      logger,
      now: Date.now,
      ticks: () => performance.now(),
      random: Math.random,
      randomBytes: (size) => randomBytes(size),
      hostName: hostname(),
      version: VERSION,
      started: performance.timeOrigin,
    });
  } catch (error) {
    if (!(error instanceof AegisError)) return crash(error);
    refuse(`${error.message} [${error.code}]\n${error.fix}\n`);
  }
}

function print(text: string): void {
  process.stdout.write(text);
}

function refuse(text: string): void {
  process.stderr.write(text);
  process.exitCode = WRONG_SETTINGS;
}

await main();
