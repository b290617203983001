import { parseArgs } from 'node:util';
import type { GivenValue, GivenValues, SettingProblem } from './given-value.ts';
import { keysOf } from './program-settings.ts';
import { flagName, type SettingsTable } from './setting.ts';
import { unknownName } from './unknown-name.ts';

/** Flags: `--key value` or `--key=value`; a list or a map may be given in several of them. */
export interface Arguments extends GivenValues {
  /** What to do instead of running. */
  command: 'run' | 'help' | 'check-config' | 'version';
  /** The settings file. */
  config?: string;
}

const COMMANDS = ['help', 'check-config', 'version'] as const;
const CONFIG = 'config';
const COMMAND_LINE = 'the command line';

function mayRepeat(table: SettingsTable, key: string): boolean {
  const type = table[key]?.type.schema.type;
  return type === 'array' || type === 'object';
}

function wrong(flag: string, what: string): SettingProblem {
  return { code: 'AEGIS_SETTING_VALUE', message: `${flag} ${what}.`, origin: flag };
}

/** Values of settings by flag: several of a list or a map are one. */
class FlagValues {
  readonly problems: SettingProblem[] = [];
  readonly #table: SettingsTable;
  readonly #byFlag = new Map<string, { value: GivenValue; text: string }>();

  constructor(table: SettingsTable) {
    this.#table = table;
  }

  add(key: string, text: string): void {
    const flag = flagName(key);
    const earlier = this.#byFlag.get(key);
    if (earlier !== undefined && !mayRepeat(this.#table, key)) this.problems.push(wrong(flag, 'is given twice'));
    const all = earlier === undefined ? text : `${earlier.text},${text}`;
    this.#byFlag.set(key, { text: all, value: { key, origin: flag, given: { text: all } } });
  }

  get values(): GivenValue[] {
    return [...this.#byFlag.values()].map(({ value }) => value);
  }
}

export function readArguments(program: { table: SettingsTable }, argv: readonly string[]): Arguments {
  const withValue = [...keysOf(program), CONFIG];
  const names: ReadonlySet<string> = new Set([...withValue, ...COMMANDS]);
  const result: Arguments = { command: 'run', values: [], problems: [] };
  const flags = new FlagValues(program.table);
  const { tokens } = parseArgs({
    args: [...argv],
    options: {
      ...Object.fromEntries(withValue.map((key) => [key, { type: 'string' as const }])),
      ...Object.fromEntries(COMMANDS.map((name) => [name, { type: 'boolean' as const }])),
    },
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  let afterUnknown = false;
  for (const token of tokens) {
    const known = token.kind === 'option' && names.has(token.name);
    if (token.kind === 'option' && known) readOption(token, result, flags);
    else if (token.kind === 'option') {
      result.problems.push(unknownName(token.rawName, [...names].map(flagName), COMMAND_LINE));
    } else if (!afterUnknown) {
      const message = 'An argument stands alone; every setting is given as --key value.';
      result.problems.push({ code: 'AEGIS_SETTING_UNKNOWN', message, origin: COMMAND_LINE });
    }
    // What follows an unknown flag is most likely its value.
    afterUnknown = token.kind === 'option' && !known && token.inlineValue !== true;
  }
  result.values.push(...flags.values);
  result.problems.push(...flags.problems);
  return result;
}

interface Option {
  name: string;
  rawName: string;
  value?: string | undefined;
  inlineValue?: boolean | undefined;
}

function readOption({ name, rawName, value, inlineValue }: Option, result: Arguments, flags: FlagValues): void {
  const command = COMMANDS.find((each) => each === name);
  if (command !== undefined) {
    if (value !== undefined) result.problems.push(wrong(rawName, 'takes no value'));
    if (result.command !== 'help') result.command = command;
  } else if (value === undefined || (inlineValue !== true && value.startsWith('--'))) {
    result.problems.push(wrong(rawName, 'needs a value'));
  } else if (name !== CONFIG) flags.add(name, value);
  else if (result.config !== undefined) result.problems.push(wrong(rawName, 'is given twice'));
  else result.config = value;
}
