import type { GivenValues } from './given-value.ts';
import { keysOf, type ProgramSettings } from './program-settings.ts';
import { environmentName, type SettingsTable } from './setting.ts';
import { unknownName } from './unknown-name.ts';

/**
 * What Kubernetes puts into every pod beside a Service named like the program (`aegis-gateway`, `aegis-gateway-…`;
 * service links), after the prefix of the program's variables: nobody meant it as a setting.
 */
const SERVICE_LINK =
  /^(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_[0-9]+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/** Variables with the prefix. An empty one says nothing, as in most manifests. */
export function readEnvironment<T extends SettingsTable>(
  program: ProgramSettings<T>,
  environment: Readonly<Record<string, string | undefined>>,
): GivenValues & { config?: string } {
  const { environmentPrefix: prefix } = program;
  const keyOf = new Map<string, string>(keysOf(program).map((key) => [environmentName(prefix, key), key]));
  const configVariable = `${prefix}CONFIG`;
  const result: GivenValues & { config?: string } = { values: [], problems: [] };
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || text === undefined || text === '') continue;
    const key = keyOf.get(name);
    if (key !== undefined) result.values.push({ key, origin: name, given: { text } });
    else if (name === configVariable) result.config = text;
    else if (!SERVICE_LINK.test(name.slice(prefix.length))) {
      result.problems.push(unknownName(name, [...keyOf.keys(), configVariable], 'the environment'));
    }
  }
  return result;
}
