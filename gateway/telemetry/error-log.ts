import { errorName, type Logger } from '../../runtime/telemetry/logger.ts';

/** Errors of single calls: one line per kind and interval, with how many there were, so that a flood stays readable. */
const INTERVAL = 10_000;
const MAX_KINDS = 100;

export function createErrorLog(logger: Logger, ticks: () => number): (error: unknown) => void {
  const kinds = new Map<string, { until: number; more: number }>();
  return (error) => {
    const name = errorName(error);
    const now = ticks();
    const kind = kinds.get(name);
    if (kind !== undefined && now < kind.until) {
      kind.more++;
      return;
    }
    if (kinds.size >= MAX_KINDS) kinds.clear();
    logger.warn('call.error', { error: name, ...(kind !== undefined && kind.more > 0 && { since_last: kind.more }) });
    kinds.set(name, { until: now + INTERVAL, more: 0 });
  };
}
