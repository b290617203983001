/** What a running gateway says of itself, and waiting for it to say something. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayProcess } from './gateway-process.ts';

// biome-ignore lint/suspicious/noExplicitAny: health is read by path in the tests
export type HealthBody = Record<string, any>;

export async function health({ admin }: GatewayProcess): Promise<HealthBody> {
  const answer = await fetch(`http://127.0.0.1:${admin}/health`);
  return (await answer.json()) as HealthBody;
}

/** Status of `/health/live` or `/health/ready`. */
export async function probe({ admin }: GatewayProcess, path: 'live' | 'ready'): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${admin}/health/${path}`);
  await answer.arrayBuffer();
  return answer.status;
}

/** The sum over all series of a metric whose labels are as given. */
export async function metric(
  { admin }: GatewayProcess,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  let sum = 0;
  for (const [, series = '', value] of text.matchAll(new RegExp(`^${name}(?:\\{(.*)\\})? ([^ ]+)$`, 'gm'))) {
    if (Object.entries(labels).every(([label, wanted]) => series.includes(`${label}="${wanted}"`)))
      sum += Number(value);
  }
  return sum;
}

/** Asks until the answer is true; real time. The message names what did not happen. */
export async function until(
  what: string,
  ask: () => boolean | Promise<boolean>,
  { ms = 15_000, every = 10 }: { ms?: number; every?: number } = {},
): Promise<void> {
  const end = Date.now() + ms;
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`${what} did not happen within ${ms} ms`);
    await sleep(every);
  }
}
