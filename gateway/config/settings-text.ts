import type { SettingProblem } from './given-value.ts';
import type { ResolvedSettings } from './resolve-settings.ts';
import { ENVIRONMENT_PREFIX, flagName, SETTING_KEYS, SETTINGS, type Setting, type SettingKey } from './settings.ts';

/** What a person reads of the settings: help, problems, the settings in force. */

export const USAGE = 'Usage: aegis gateway [--config FILE] [--key value …]';

function settingHelp(key: SettingKey): string {
  const { type, doc, default: fallback } = SETTINGS[key] as Setting<unknown>;
  const notes = fallback === undefined || fallback === '' ? type.name : `${type.name}; default ${fallback}`;
  return `  ${flagName(key)} (${notes})\n      ${doc}`;
}

export function helpText(): string {
  return `${USAGE}

Runs the gateway: decides every tool call of an agent by the signed bundle, and forwards what is allowed.

  --config FILE     settings file, YAML or JSON; also ${ENVIRONMENT_PREFIX}CONFIG
  --check-config    print the settings in force and where each comes from, and end
  --version         print the version
  --help            print this

Every setting is a flag, an environment variable (${ENVIRONMENT_PREFIX}… , e.g. ${ENVIRONMENT_PREFIX}LISTEN_DECISIONS), or a
field of the settings file; flags win over the environment, the environment over the file. Lists and maps take commas,
or the flag several times.

${SETTING_KEYS.map(settingHelp).join('\n')}

Example:
  aegis gateway --tenant fintech --agent finance-agent --bundle.directory out --bundle.trustedKeys aegis.pub
`;
}

export function problemsText(problems: readonly SettingProblem[]): string {
  const lines = problems.map(
    ({ code, message, origin }) => `${origin === undefined ? '' : `${origin}: `}${message} [${code}]`,
  );
  return `${lines.join('\n')}\nThe gateway does not start; see \`aegis gateway --help\`.\n`;
}

/** One line per setting, also those that are not set. */
export function settingsText({ settings, origins }: ResolvedSettings): string {
  return SETTING_KEYS.map((key) => {
    const { type } = SETTINGS[key] as Setting<unknown>;
    const value = settings[key];
    const text = value === undefined ? '' : (type.toText as (value: unknown) => string)(value);
    return `${key}: ${text === '' ? '(none)' : text}  # ${origins.get(key)}\n`;
  }).join('');
}
