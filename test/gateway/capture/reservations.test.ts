import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import type { LimitStore, Reservation } from '../../../gateway/limits/limit-store.ts';
import { result } from '../listeners/fake-activation.ts';
import { openWorld, until, type World } from './harness.ts';

/** Whatever happens to a call, what it held is settled before it is sent, or given back; never neither. */

const PATH = '/stripe-payments/v1/payment_intents';

let world: World;
let held: { state: string[] }[];
/** Decides how the shared store behaves for the next reservation. */
let settles: () => Promise<void>;
let reserves: () => Promise<void>;

const store: LimitStore = {
  async reserve() {
    await reserves();
    const entry = { state: [] as string[] };
    held.push(entry);
    const note = (what: string) => async () => {
      entry.state.push(what);
    };
    const reservation: Reservation = {
      limits: [],
      async settle() {
        entry.state.push('settle');
        await settles();
      },
      release: note('release'),
      refund: note('refund'),
    };
    return { ok: true, reservation };
  },
};

beforeAll(async () => {
  world = await openWorld({ limitStore: store });
});

beforeEach(() => {
  world.reset();
  held = [];
  settles = reserves = () => Promise.resolve();
  world.evaluate = () => result('allow', { limits: [{ id: 'l', per: 'Agent', window: '1m', max: 1 }] });
});
afterAll(() => world.close());

function send(path: string): Socket {
  const socket = connect(world.bound.proxy?.port as number, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.on('data', () => undefined);
  socket.write(`GET ${PATH}/${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}

async function outcome(path: string): Promise<string[]> {
  const socket = send(path);
  await until('the outcome', () => world.outcomes.length > 0);
  socket.destroy();
  await until('the end', () => (held[0]?.state.length ?? 0) > 0);
  return held[0]?.state ?? [];
}

test('sent and answered: settled', async () => {
  expect(await outcome('x')).toEqual(['settle']);
});

test('broken after it was sent: stays settled', async () => {
  expect(await outcome('hang')).toEqual(['settle']);
});

test('never sent: settled for the attempt, and released', async () => {
  world.overrides['stripe-payments'] = 'http://127.0.0.1:1';
  expect((await outcome('x')).at(-1)).toBe('release');
});

test('no upstream at all: released', async () => {
  world.overrides['stripe-payments'] = 'ftp://nowhere';
  expect(await outcome('x')).toEqual(['release']);
});

test('a store that cannot settle: nothing is sent', async () => {
  settles = () => Promise.reject(new Error('down'));
  expect((await outcome('x')).slice(0, 2)).toEqual(['settle', 'release']);
  expect(world.seen).toHaveLength(0);
});

test('the client goes away while the store is asked: released, nothing sent', async () => {
  let go: () => void = () => undefined;
  const asked = new Promise<void>((begun) => {
    reserves = () => {
      begun();
      return new Promise((done) => {
        go = done;
      });
    };
  });
  const socket = send('x');
  await asked;
  socket.destroy();
  await new Promise((done) => setTimeout(done, 30));
  go();
  await until('the release', () => held[0]?.state[0] === 'release');
  expect(world.outcomes).toMatchObject([{ outcome: { status: 0, error: 'AEGIS_CALLER_GONE' } }]);
  expect(world.seen).toHaveLength(0);
});

test('whenever clients go away, every reservation comes to an end, and what reached the tool was settled', async () => {
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ path: fc.constantFrom('x', 'hang', 'stream', 'break', 'reset'), leave: fc.nat(12) }), {
        minLength: 1,
        maxLength: 6,
      }),
      async (calls) => {
        // What an earlier run had sent may arrive late.
        run++;
        world.reset();
        held = [];
        world.evaluate = () => result('allow', { limits: [{ id: 'l', per: 'Agent', window: '1m', max: 1 }] });
        reserves = settles = () => new Promise((done) => setTimeout(done, 2));
        const sockets = calls.map(({ path, leave }) => {
          const socket = send(`${path}-${run}`);
          setTimeout(() => socket.destroy(), leave);
          return socket;
        });
        await until('all sockets to close', () => sockets.every(({ destroyed }) => destroyed));
        await until(
          'all outcomes',
          () => world.outcomes.length === world.decisions.length && held.length <= world.decisions.length,
        );
        await until('all ends', () => held.every(({ state }) => state.length > 0));
        const settled = held.filter(({ state }) => state.includes('settle')).length;
        // A GET whose connection was reset is sent a second time.
        const sent = world.seen.filter(({ url }) => url.endsWith(`-${run}`) && !url.includes('reset')).length;
        expect(settled).toBeGreaterThanOrEqual(sent);
      },
    ),
    { numRuns: 25 },
  );
});
