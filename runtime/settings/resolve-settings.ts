import type { GivenValue, SettingProblem } from './given-value.ts';
import { keysOf, type ProgramSettings } from './program-settings.ts';
import type { Setting, SettingsOf, SettingsTable } from './setting.ts';

export interface ResolvedSettings<T extends SettingsTable> {
  settings: SettingsOf<T>;
  /** Where each value comes from: a flag, a variable, a line of the file, or `default`. */
  origins: ReadonlyMap<string, string>;
  problems: SettingProblem[];
}

/** Of one setting: the value of the strongest place that gives one. What the weaker ones say is checked as well. */
function resolve(key: string, setting: Setting<unknown>, places: readonly GivenValue[], problems: SettingProblem[]) {
  const { type, default: fallback } = setting;
  let chosen: { value: unknown; origin: string } | undefined;
  for (const { origin, given } of places) {
    const value = 'text' in given ? type.fromText(given.text) : type.fromValue(given.value);
    if (value === undefined) {
      problems.push({ code: 'AEGIS_SETTING_VALUE', message: `${key} takes ${type.allowed}.`, origin });
    } else chosen ??= { value, origin };
  }
  return chosen ?? { value: fallback === undefined ? undefined : type.fromText(fallback), origin: 'default' };
}

/**
 * Flags before environment before file before defaults. All that is wrong is told at once; `settings` may be used only
 * where `problems` is empty.
 * @param places what each place gives, the strongest first.
 */
export function resolveSettings<T extends SettingsTable>(
  program: ProgramSettings<T>,
  places: readonly (readonly GivenValue[])[],
): ResolvedSettings<T> {
  const problems: SettingProblem[] = [];
  const values: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  const given = places.flat();
  for (const key of keysOf(program)) {
    const { value, origin } = resolve(
      key,
      program.table[key] as Setting<unknown>,
      given.filter((each) => each.key === key),
      problems,
    );
    values[key] = value;
    origins.set(key, origin);
  }
  const settings = values as SettingsOf<T>;
  // Whether settings go together can be said once each is readable.
  if (problems.length === 0) problems.push(...program.check(settings, origins));
  return { settings, origins, problems };
}
