import type { Clock } from '../../runtime/time/clock.ts';
import type { KubeError } from '../kube/kube-error.ts';

const RETRY_MS = 100;
const never = new AbortController().signal;

/** Whether the same request may do well a moment later; it may even have done well. */
export function mayPass({ status }: KubeError): boolean {
  return status === 0 || status === 408 || status === 429 || status >= 500;
}

/** Waits before the attempt after this one (which counts from 1): as long as the server asks, or longer each time. */
export async function pauseAfter(attempt: number, error: KubeError, clock: Clock): Promise<void> {
  await clock.sleep(error.retryAfter ?? RETRY_MS * 2 ** attempt, never);
}
