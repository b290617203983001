import { setTimeout as wait } from 'node:timers/promises';

/**
 * The first value of `attempt` that is neither undefined nor false. What it throws is thrown on; a failed expectation
 * that may come true later belongs into `eventually`.
 * @throws after `ms` with what was waited for
 */
export async function waitFor<T>(
  attempt: () => T | undefined | false | Promise<T | undefined | false>,
  ms = 10_000,
  what: string | (() => string) = 'what was waited for did not happen',
): Promise<T> {
  const deadline = performance.now() + ms;
  for (let pause = 10; ; pause = Math.min(pause * 1.5, 100)) {
    const value = await attempt();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`${typeof what === 'string' ? what : what()} (${ms} ms)`);
    await wait(pause);
  }
}

/** Repeats `attempt` until it does not throw. @throws what it threw last, after `ms` */
export async function eventually<T>(attempt: () => T | Promise<T>, ms = 10_000): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > deadline) throw error;
    }
    await wait(50);
  }
}
