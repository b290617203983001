import type { GivenValues } from './given-value.ts';
import { ENVIRONMENT_PREFIX, environmentName, SETTING_KEYS } from './settings.ts';
import { unknownName } from './unknown-name.ts';

export const CONFIG_VARIABLE = `${ENVIRONMENT_PREFIX}CONFIG`;

const KEY_OF = new Map<string, string>(SETTING_KEYS.map((key) => [environmentName(key), key]));

/**
 * What Kubernetes puts into every pod beside a Service named `aegis-gateway` or `aegis-gateway-…` (service links):
 * nobody meant it as a setting.
 */
const SERVICE_LINK =
  /^AEGIS_GATEWAY_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/** Variables with the prefix. An empty one says nothing, as in most manifests. */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): GivenValues & { config?: string } {
  const result: GivenValues & { config?: string } = { values: [], problems: [] };
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || text === undefined || text === '') continue;
    const key = KEY_OF.get(name);
    if (key !== undefined) result.values.push({ key, origin: name, given: { text } });
    else if (name === CONFIG_VARIABLE) result.config = text;
    else if (!SERVICE_LINK.test(name)) {
      result.problems.push(unknownName(name, [...KEY_OF.keys(), CONFIG_VARIABLE], 'the environment'));
    }
  }
  return result;
}
