import { type ChildProcess, fork } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClientOrder } from './limit-client.ts';
import { charge, left, openStore, until } from './open-store.ts';
import { type RedisServer, startRedis } from './redis-server.ts';

/** Several gateway processes, one budget, one of them killed. */

const DOLLAR = 10n ** 9n;
const CENT = DOLLAR / 100n;
const BUDGET = 20_000n * DOLLAR;
const LEASE = 1_500;
const PROGRAM = join(__dirname, 'limit-client.ts');

let redis: RedisServer;
let clients = 0;
const children: ChildProcess[] = [];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await redis.remove();
});

interface Client {
  go(): Promise<void>;
  done: Promise<void>;
  kill(): Promise<void>;
  /** Sums of the journal by word. */
  sums(): Record<'held' | 'refused' | 'sending' | 'sent', bigint>;
  count(word: string): number;
}

async function startClient(prefix: string, amounts: bigint[], order: Partial<ClientOrder> = {}): Promise<Client> {
  const journal = join(redis.folder, `journal-${++clients}`);
  const child = fork(PROGRAM, { execArgv: [], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  children.push(child);
  const said = (word: string) =>
    new Promise<void>((resolve) => child.on('message', (message) => message === word && resolve()));
  const [ready, done] = [said('ready'), said('done')];
  const lines = () => (existsSync(journal) ? readFileSync(journal, 'utf8').split('\n').slice(0, -1) : []);
  child.send({
    url: redis.url,
    prefix,
    lease: LEASE,
    journal,
    amounts: amounts.map(String),
    max: String(BUDGET),
    settle: amounts.length,
    dawdle: 30,
    ...order,
  } satisfies ClientOrder);
  await ready;
  return {
    go: async () => {
      child.send('go');
    },
    done,
    kill: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
    sums: () => {
      const sums = { held: 0n, refused: 0n, sending: 0n, sent: 0n };
      for (const line of lines()) {
        const [word, amount = '0'] = line.split(' ');
        sums[word as keyof typeof sums] += BigInt(amount);
      }
      return sums;
    },
    count: (word) => lines().filter((line) => line.startsWith(`${word} `)).length,
  };
}

/** Whole cents that do not divide evenly, up to 200 dollars. */
function someAmounts(count: number, seed: number): bigint[] {
  return Array.from({ length: count }, (_, i) => (BigInt((i * 7_919 + seed * 104_729) % 19_999) + 1n) * CENT);
}

async function spendTheRest(prefix: string): Promise<bigint> {
  const store = await openStore({ url: redis.url, prefix, lease: LEASE, timeout: 5_000 });
  let spent = 0n;
  for (const amount of [1_000n * DOLLAR, 100n * DOLLAR, 10n * DOLLAR, DOLLAR, CENT]) {
    for (;;) {
      const result = await store.reserve([charge(amount, { max: BUDGET })]);
      if (!result.ok) break;
      await result.reservation.settle();
      spent += amount;
    }
  }
  await store.close();
  return spent;
}

test('200 concurrent calls of two processes spend a budget to the last call that fits, and never more', async () => {
  const prefix = 'two:';
  const both = await Promise.all([1, 2].map(() => startClient(prefix, Array(100).fill(150n * DOLLAR))));
  for (const client of both) await client.go();
  await Promise.all(both.map(({ done }) => done));
  const sent = both.reduce((sum, client) => sum + client.sums().sent, 0n);
  expect(sent).toBe(133n * 150n * DOLLAR);
  expect(await spendTheRest(prefix)).toBe(BUDGET - sent);
});

test('killed while it holds amounts: what it settled stays spent, all else can be spent again', async () => {
  const prefix = 'held:';
  const amounts = someAmounts(60, 3);
  const dead = await startClient(prefix, amounts, { settle: 25, dawdle: 0 });
  const alive = await startClient(prefix, someAmounts(40, 5));
  await Promise.all([dead.go(), alive.go()]);
  await Promise.all([dead.done, alive.done]);
  await dead.kill();
  const spent = dead.sums().sent + alive.sums().sent;
  expect(dead.sums().held).toBeGreaterThan(dead.sums().sent);
  const store = await openStore({ url: redis.url, prefix, lease: LEASE });
  expect(await left(store, { max: BUDGET })).toBe(BUDGET - dead.sums().held - alive.sums().sent);
  await until(async () => (await left(store, { max: BUDGET })) === BUDGET - spent);
  await store.close();
  expect(await spendTheRest(prefix)).toBe(BUDGET - spent);
});

test('killed in the middle of 200 concurrent calls: no cent is lost or gained', async () => {
  for (let round = 0; round < 3; round++) {
    const prefix = `kill${round}:`;
    const [dead, alive] = await Promise.all([
      startClient(prefix, someAmounts(100, round + 11), { dawdle: 1_000 }),
      startClient(prefix, someAmounts(100, round + 77)),
    ]);
    await Promise.all([dead.go(), alive.go()]);
    await until(() => dead.count('sent') > 5);
    await dead.kill();
    await alive.done;
    await sleep(LEASE + 100);
    const rest = await spendTheRest(prefix);
    const total = BUDGET - rest;
    // Sent is spent; what was being settled at that very moment is spent, or it was never taken note of.
    expect(total).toBeGreaterThanOrEqual(dead.sums().sent + alive.sums().sent);
    expect(total).toBeLessThanOrEqual(dead.sums().sending + alive.sums().sent);
    expect(dead.count('held')).toBeGreaterThan(dead.count('sending'));
    expect(await spendTheRest(prefix)).toBe(0n);
  }
});
