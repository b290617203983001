import { readFileSync } from 'node:fs';
import { AegisError } from '../../policy/errors.ts';
import type { SettingKey, Settings } from '../config/settings.ts';

type FileKey = { [K in SettingKey]: Settings[K] extends string | undefined ? K : never }[SettingKey];

/**
 * The text of the file that a setting names; undefined where it names none.
 * @throws AegisError AEGIS_SETTING_FILE, which names the setting.
 */
export function readSettingFile(settings: Settings, key: FileKey): string | undefined {
  const path = settings[key];
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unreadable' } = error as NodeJS.ErrnoException;
    throw new AegisError('AEGIS_SETTING_FILE', `${key}: the file ${path} cannot be read (${code}).`, { cause: error });
  }
}

/** A secret from its file, without the line end that editors add. Undefined where the file cannot be read now. */
export function readSecret(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  } catch {
    return undefined;
  }
}
