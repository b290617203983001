/** Names given on the command line, checked before anything is written. */
import { AegisError } from '../../policy/errors.ts';

const ID = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** An agent or tool id. @throws AegisError AEGIS_USAGE */
export function checkId(text: string, option: string): string {
  if (!ID.test(text)) usage(`${option} takes an id: lower-case letters, digits, "-" and ".", at most 63.`);
  return text;
}

/** @throws AegisError AEGIS_USAGE */
export function checkNamespace(text: string, option = '--namespace'): string {
  if (!LABEL.test(text)) usage(`${option} takes a namespace: lower-case letters, digits and "-", at most 63.`);
  return text;
}

/** @throws AegisError AEGIS_USAGE */
export function checkBaseUrl(text: string, option: string): string {
  const plain = /^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/.test(text) && URL.canParse(text);
  if (!plain) usage(`${option} takes a base URL such as https://api.example.com, without user, query or fragment.`);
  return text;
}

function usage(message: string): never {
  throw new AegisError('AEGIS_USAGE', message);
}
