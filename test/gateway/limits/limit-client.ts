import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitStore } from '../../../gateway/limits/limit-store.ts';
import { charge, openStore } from './open-store.ts';

/**
 * A gateway's part in the tests: a process of its own that calls as it is told. What it does is in its journal before
 * anybody could kill it for it: `sending AMOUNT` before it settles, `sent AMOUNT` once the store took note.
 */
export interface ClientOrder {
  url: string;
  prefix: string;
  lease: number;
  journal: string;
  /** What each of the concurrent calls costs, in 10^-9. */
  amounts: string[];
  max: string;
  /** How many of the calls are settled; the others stay held. */
  settle: number;
  /** Milliseconds between reserve and settle of one call, at most. */
  dawdle: number;
}

async function run(order: ClientOrder): Promise<void> {
  const { url, prefix, lease, journal } = order;
  const store = await openStore({ url, prefix, lease, timeout: 5_000 });
  process.send?.('ready');
  await new Promise((resolve) => process.once('message', resolve));
  await Promise.all(order.amounts.map((amount, i) => call(store, BigInt(amount), i < order.settle, order, journal)));
  process.send?.('done');
  // Goes on living with what it holds, until it is ended from outside.
  setInterval(() => undefined, 1_000);
}

async function call(store: LimitStore, amount: bigint, settles: boolean, order: ClientOrder, journal: string) {
  const result = await store.reserve([charge(amount, { max: BigInt(order.max) })]);
  appendFileSync(journal, `${result.ok ? 'held' : 'refused'} ${amount}\n`);
  if (!result.ok || !settles) return;
  await sleep(Math.random() * order.dawdle);
  appendFileSync(journal, `sending ${amount}\n`);
  await result.reservation.settle();
  appendFileSync(journal, `sent ${amount}\n`);
}

process.once('message', (order) => void run(order as ClientOrder));
