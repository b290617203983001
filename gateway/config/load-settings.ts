import type { SettingProblem } from './given-value.ts';
import { type Arguments, readArguments } from './read-arguments.ts';
import { readEnvironment } from './read-environment.ts';
import { type ResolvedSettings, resolveSettings } from './resolve-settings.ts';

export interface SettingsSources {
  argv: readonly string[];
  environment: Readonly<Record<string, string | undefined>>;
  /** Text of a file. Rejects with an error that has a `code`. */
  readFile(path: string): Promise<string>;
}

export interface LoadedSettings extends ResolvedSettings {
  command: Arguments['command'];
}

/** Reads all settings from everywhere. Never throws for what is written there: that comes back as `problems`. */
export async function loadSettings(sources: SettingsSources): Promise<LoadedSettings> {
  const flags = readArguments(sources.argv);
  const environment = readEnvironment(sources.environment);
  const file = await fileValues(flags.config ?? environment.config, sources);
  const resolved = resolveSettings([flags.values, environment.values, file.values]);
  const outside = [...flags.problems, ...environment.problems, ...file.problems];
  // Only a complete set says what is missing.
  const problems = outside.length === 0 ? resolved.problems : [...outside, ...resolved.problems.filter(isAboutValue)];
  return { ...resolved, problems, command: flags.command };
}

function isAboutValue({ code }: SettingProblem): boolean {
  return code === 'AEGIS_SETTING_VALUE';
}

async function fileValues(path: string | undefined, sources: SettingsSources) {
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
  return readSettingsFile(text, path);
}
