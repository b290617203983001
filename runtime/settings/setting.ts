import type { ValueType } from './value-types.ts';

/** One setting of a program, as a row of its table. */
export interface Setting<T> {
  type: ValueType<T extends undefined ? never : T>;
  doc: string;
  /** As it would be written on the command line; absent: there is none. */
  default?: string;
}

/** All settings of a program, by key. Groups are written with dots: `listen.admin`. */
export type SettingsTable = Readonly<Record<string, Setting<unknown>>>;

export type KeyOf<T extends SettingsTable> = keyof T & string;

type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** All values, by key. */
export type SettingsOf<T extends SettingsTable> = { readonly [K in keyof T]: ValueOf<T[K]> };

export function given<T>(type: ValueType<T>, fallback: string, doc: string): Setting<T> {
  return { type: type as Setting<T>['type'], doc, default: fallback };
}

export function optional<T>(type: ValueType<T>, doc: string): Setting<T | undefined> {
  return { type: type as Setting<T | undefined>['type'], doc };
}

export function flagName(key: string): string {
  return `--${key}`;
}

/** `AEGIS_GATEWAY_`, `bundle.trustedKeys` → `AEGIS_GATEWAY_BUNDLE_TRUSTED_KEYS`. */
export function environmentName(prefix: string, key: string): string {
  return prefix + key.replace(/[A-Z]/g, '_$&').replaceAll('.', '_').toUpperCase();
}
