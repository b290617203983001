import type { SettingProblem } from './given-value.ts';
import { environmentName, flagName, type KeyOf, type SettingsOf, type SettingsTable } from './setting.ts';

/** A program as far as its settings go: the table, and how they are named and spoken of. */
export interface ProgramSettings<T extends SettingsTable> {
  table: T;
  /** As it is typed, e.g. `aegis gateway`. */
  command: string;
  /** As it is spoken of, e.g. `gateway`. */
  noun: string;
  /** Before the name of every environment variable, e.g. `AEGIS_GATEWAY_`. */
  environmentPrefix: string;
  /** Whether the settings go together, each by itself being right. */
  check(settings: SettingsOf<T>, origins: ReadonlyMap<string, string>): SettingProblem[];
  help: {
    /** What the program does, in one line. */
    about: string;
    /** A key whose variable shows how they are named. */
    exampleKey: KeyOf<T>;
    /** A command line that works. */
    example: string;
  };
}

/** For a table that is known literally; `T` is what the table says. */
export function defineSettings<const T extends SettingsTable>(program: ProgramSettings<T>): ProgramSettings<T> {
  return program;
}

export function keysOf<T extends SettingsTable>({ table }: Pick<ProgramSettings<T>, 'table'>): KeyOf<T>[] {
  return Object.keys(table) as KeyOf<T>[];
}

/** How one says a setting in each place, to follow "is needed". */
export function howToGive({ environmentPrefix }: { environmentPrefix: string }, key: string): string {
  return `give ${flagName(key)}, ${environmentName(environmentPrefix, key)}, or ${key} in the settings file`;
}
