import type { SettingProblem } from './given-value.ts';
import { keysOf, type ProgramSettings } from './program-settings.ts';
import type { ResolvedSettings } from './resolve-settings.ts';
import { environmentName, flagName, type Setting, type SettingsTable } from './setting.ts';

/** What a person reads of the settings: help, problems, the settings in force. */

function settingHelp(key: string, { type, doc, default: fallback }: Setting<unknown>): string {
  const notes = fallback === undefined || fallback === '' ? type.name : `${type.name}; default ${fallback}`;
  return `  ${flagName(key)} (${notes})\n      ${doc}`;
}

export function helpText<T extends SettingsTable>(program: ProgramSettings<T>): string {
  const { command, environmentPrefix: prefix, help, table } = program;
  return `Usage: ${command} [--config FILE] [--key value …]

${help.about}

  --config FILE     settings file, YAML or JSON; also ${prefix}CONFIG
  --check-config    print the settings in force and where each comes from, and end
  --version         print the version
  --help            print this

Every setting is a flag, an environment variable (${prefix}… , e.g. ${environmentName(prefix, help.exampleKey)}), or a
field of the settings file; flags win over the environment, the environment over the file. Lists and maps take commas,
or the flag several times.

${keysOf(program)
  .map((key) => settingHelp(key, table[key] as Setting<unknown>))
  .join('\n')}

Example:
  ${help.example}
`;
}

export function problemsText(
  { noun, command }: { noun: string; command: string },
  problems: readonly SettingProblem[],
): string {
  const lines = problems.map(
    ({ code, message, origin }) => `${origin === undefined ? '' : `${origin}: `}${message} [${code}]`,
  );
  return `${lines.join('\n')}\nThe ${noun} does not start; see \`${command} --help\`.\n`;
}

/** One line per setting, also those that are not set. */
export function settingsText<T extends SettingsTable>(
  program: ProgramSettings<T>,
  { settings, origins }: Pick<ResolvedSettings<T>, 'settings' | 'origins'>,
): string {
  const lines = keysOf(program).map((key) => {
    const { type } = program.table[key] as Setting<unknown>;
    const value = settings[key];
    const text = value === undefined ? '' : (type.toText as (value: unknown) => string)(value);
    return `${key}: ${text === '' ? '(none)' : text}  # ${origins.get(key)}\n`;
  });
  return lines.join('');
}
