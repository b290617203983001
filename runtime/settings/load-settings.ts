import type { SettingProblem } from './given-value.ts';
import type { ProgramSettings } from './program-settings.ts';
import { type Arguments, readArguments } from './read-arguments.ts';
import { readEnvironment } from './read-environment.ts';
import { type ResolvedSettings, resolveSettings } from './resolve-settings.ts';
import type { SettingsTable } from './setting.ts';

export interface SettingsSources {
  argv: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
  /** Text of a file. Rejects with an error that has a `code`. */
  readFile(path: string): Promise<string>;
}

export interface LoadedSettings<T extends SettingsTable> extends ResolvedSettings<T> {
  command: Arguments['command'];
}

/** Reads all settings from everywhere. Never throws for what is written there: that comes back as `problems`. */
export async function loadSettings<T extends SettingsTable>(
  program: ProgramSettings<T>,
  sources: SettingsSources,
): Promise<LoadedSettings<T>> {
  const flags = readArguments(program, sources.argv);
  const environment = readEnvironment(program, sources.environment);
  const file = await fileValues(program, flags.config ?? environment.config, sources);
  const resolved = resolveSettings(program, [flags.values, environment.values, file.values]);
  const outside = [...flags.problems, ...environment.problems, ...file.problems];
  // Only a complete set says what is missing.
  const problems = outside.length === 0 ? resolved.problems : [...outside, ...resolved.problems.filter(isAboutValue)];
  return { ...resolved, problems, command: flags.command };
}

function isAboutValue({ code }: SettingProblem): boolean {
  return code === 'AEGIS_SETTING_VALUE';
}

async function fileValues<T extends SettingsTable>(
  program: ProgramSettings<T>,
  path: string | undefined,
  sources: SettingsSources,
) {
  if (path === undefined) return { values: [], problems: [] };
  let text: string;
  try {
    text = await sources.readFile(path);
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    const message = `The settings file cannot be read (${code}).`;
    return { values: [], problems: [{ code: 'AEGIS_SETTING_FILE' as const, message, origin: path }] };
  }
  const { readSettingsFile } = await import('./read-settings-file.ts');
  return readSettingsFile(program, text, path);
}
