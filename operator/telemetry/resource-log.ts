import type { Fields, Logger } from '../../runtime/telemetry/logger.ts';

/** What of an object a log line may name. */
export interface NamedObject {
  kind: string;
  metadata: { name: string; namespace?: string };
}

/** `AgentPolicy fintech/finance-payments`; `AgentTenant fintech` for cluster-scoped kinds. */
export function resourceName({ kind, metadata: { namespace, name } }: NamedObject): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

/** A log whose lines all name what they are about: `resource`, or whatever the fields say (`tenant`, `controller`). */
export function logAbout(logger: Logger, about: NamedObject | Fields): Logger {
  const fields: Fields = isObject(about) ? { resource: resourceName(about) } : about;
  return {
    error: (event, more) => logger.error(event, { ...fields, ...more }),
    warn: (event, more) => logger.warn(event, { ...fields, ...more }),
    info: (event, more) => logger.info(event, { ...fields, ...more }),
    debug: (event, more) => logger.debug(event, { ...fields, ...more }),
  };
}

function isObject(about: NamedObject | Fields): about is NamedObject {
  return typeof about.metadata === 'object';
}
