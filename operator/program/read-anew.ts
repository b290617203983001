import { errorName, type Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { SigningKeys } from '../bundles/signing-keys.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { Watches } from './watches.ts';

export interface ReadAnewOptions {
  watches: Pick<Watches, 'refresh'>;
  keys: Pick<SigningKeys, 'restore'>;
  clock: Clock;
  log: Logger;
}

/** ms between attempts. */
const RETRY = 1_000;

/**
 * What a replica has to know before it leads: a watch that has gone deaf says so only after a minute, and whoever led
 * before may have committed what it has not heard of. Neither what was deleted nor a key that was revoked comes back.
 * @returns false: the signal was aborted before.
 */
export async function readAnew({ watches, keys, clock, log }: ReadAnewOptions, signal: AbortSignal): Promise<boolean> {
  if (!(await watches.refresh(signal))) return false;
  while (!signal.aborted) {
    try {
      if (await keys.restore()) log.warn('signing-keys.restored');
      return !signal.aborted;
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      log.warn('signing-keys.unread', { error: errorName(error) });
      await clock.sleep(error.retryAfter ?? RETRY, signal);
    }
  }
  return false;
}
