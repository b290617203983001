import { suggestName } from '../../policy/validation/suggest-name.ts';
import type { SettingProblem } from './given-value.ts';

const MAX_SHOWN = 80;

/** A name that nobody knows, with the known one that was probably meant. Secrets have no setting of their own. */
export function unknownName(name: string, known: readonly string[], origin: string): SettingProblem {
  const meant = suggestName(name, known);
  const shown = name.length > MAX_SHOWN ? `${name.slice(0, MAX_SHOWN)}…` : name;
  const plain = shown.replace(/[^ -~…]/g, '?');
  const message = `There is no setting ${plain}${meant === undefined ? '' : `; did you mean ${meant}?`}`;
  return { code: 'AEGIS_SETTING_UNKNOWN', message, origin };
}
