import fc from 'fast-check';
import type {
  LimitCharge,
  LimitState,
  LimitStore,
  MaybePromise,
  Operation,
  Reservation,
} from '../../../gateway/limits/limit-store.ts';
import { type LimitWindow, windowLength } from '../../../gateway/limits/limit-window.ts';
import { createMemoryLimitStore } from '../../../gateway/limits/memory-limit-store.ts';
import { charge, openStore } from './open-store.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { ReferenceHold, ReferenceStore } from './reference-store.ts';

/** The memory store, the Redis store and a plain model with BigInt answer the same, whatever happens in whatever order. */

let redis: RedisServer;
let runs = 0;

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  for (const store of opened) await store.close();
  await redis.remove();
});

const WINDOWS: LimitWindow[] = [
  { kind: 'sliding', length: 7 },
  { kind: 'sliding', length: 60_000 },
  { kind: 'sliding', length: 86_400_000 },
  { kind: 'calendar', unit: 'hour' },
  { kind: 'calendar', unit: 'day' },
  { kind: 'calendar', unit: 'week' },
  { kind: 'calendar', unit: 'month' },
];

/** Around the limbs in which the script counts, and as large as amounts can be. */
const amounts = fc.oneof(
  fc.bigInt({ min: 0n, max: 12n }),
  fc.constantFrom(10n ** 14n - 1n, 10n ** 14n, 10n ** 28n - 1n, 10n ** 24n, 2n ** 53n + 1n, 10n ** 40n),
  fc.bigInt({ min: 0n, max: 10n ** 25n }),
);
const maxima = fc.oneof(
  fc.bigInt({ min: 0n, max: 30n }),
  fc.constantFrom(10n ** 14n, 10n ** 28n, 2n ** 53n + 2n, 3n * 10n ** 24n, 10n ** 42n),
  fc.bigInt({ min: 0n, max: 10n ** 26n }),
);

const COUNTERS = ['a', 'b', 'c'] as const;

/** Per counter a kind and two windows (a limit whose window changes, or that has two revisions). */
const counters = fc.record({
  kind: fc.constantFrom('rate' as const, 'budget' as const, 'budget' as const),
  windows: fc.tuple(fc.constantFrom(...WINDOWS), fc.constantFrom(...WINDOWS)),
  max: maxima,
});

const steps = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('reserve' as const),
      charges: fc.uniqueArray(
        fc.record({
          counter: fc.nat({ max: COUNTERS.length - 1 }),
          amount: amounts,
          second: fc.boolean(),
          chargeOnly: fc.boolean(),
        }),
        { minLength: 1, maxLength: 3, selector: ({ counter }) => counter },
      ),
      operation: fc.option(
        fc.record({ id: fc.constantFrom('x', 'x', 'y'), window: fc.constantFrom(1_000, 3_600_000, 86_400_000) }),
        {
          nil: undefined,
        },
      ),
      identical: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('settle' as const, 'release' as const, 'refund' as const),
      which: fc.nat(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('advance' as const),
      by: fc.oneof(
        fc.integer({ min: 0, max: 20 }),
        fc.constantFrom(7, 1_000, 30_000, 60_000, 3_600_000, 86_400_000),
        fc.integer({ min: 0, max: 90_000 }),
        fc.integer({ min: 0, max: 100_000_000 }),
      ),
    }),
  },
);

interface Held {
  reference: ReferenceHold;
  reservations: Reservation[];
}

type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;
type Kind = { kind: 'rate' | 'budget'; windows: [LimitWindow, LimitWindow]; max: bigint };

async function settleOf(reservation: Reservation): Promise<boolean> {
  try {
    await reservation.settle();
    return true;
  } catch (error) {
    expect(error).toMatchObject({ code: 'AEGIS_LIMITS_LAPSED' });
    return false;
  }
}

/** Plays one script against the model and the stores, and compares every answer. */
class Player {
  now: number;
  readonly #tenant = `t${++runs}`;
  readonly #kinds: readonly Kind[];
  readonly #reference: ReferenceStore;
  readonly #stores: readonly LimitStore[];
  readonly #held: Held[] = [];
  readonly #calls = new Map<string, LimitCharge[]>();

  constructor(start: number, kinds: readonly Kind[], lease: number, stores: (now: () => number) => LimitStore[]) {
    this.now = start;
    this.#kinds = kinds;
    this.#reference = new ReferenceStore(lease);
    this.#stores = stores(() => this.now);
  }

  async play(todo: readonly Step[]): Promise<void> {
    await this.#useLongest();
    for (const step of todo) {
      if (step.do === 'advance') this.now += step.by;
      else if (step.do === 'reserve') await this.#reserve(this.#chargesOf(step), step.operation);
      else if (this.#held.length > 0) await this.#end(this.#held[step.which % this.#held.length] as Held, step.do);
    }
  }

  /** The stores keep what the longest window needs that they have seen; the model forgets nothing. */
  async #useLongest(): Promise<void> {
    const charges = this.#kinds.map(({ kind, windows }, i) => {
      const id = COUNTERS[i] as string;
      const key = JSON.stringify([id, this.#tenant]);
      const window = windowLength(windows[0]) > windowLength(windows[1]) ? windows[0] : windows[1];
      return charge(1n, { key, id, tenant: this.#tenant, kind, window, max: 1n });
    });
    await this.#reserve(charges, undefined);
    await this.#end(this.#held[0] as Held, 'release');
  }

  /** A retry is mostly the identical call. */
  #chargesOf(step: Extract<Step, { do: 'reserve' }>): LimitCharge[] {
    const charges = step.charges.map(({ counter, amount, second, chargeOnly }) => {
      const id = COUNTERS[counter] as string;
      const { kind, windows, max } = this.#kinds[counter] as Kind;
      const key = JSON.stringify([id, this.#tenant]);
      const window = windows[second ? 1 : 0];
      return charge(kind === 'rate' ? 1n : amount, { key, id, tenant: this.#tenant, kind, window, max, chargeOnly });
    });
    if (step.operation === undefined) return charges;
    const earlier = step.identical ? this.#calls.get(step.operation.id) : undefined;
    this.#calls.set(step.operation.id, earlier ?? charges);
    return earlier ?? charges;
  }

  async #reserve(charges: LimitCharge[], operation: Operation | undefined): Promise<void> {
    const expected = this.#reference.reserve(charges, operation, this.now);
    const results = await Promise.all(this.#stores.map((store) => store.reserve(charges, operation)));
    if (!(expected instanceof ReferenceHold)) {
      for (const result of results) expect(result).toEqual({ ok: false, refusals: expected });
      return;
    }
    const reservations = results.map((result) => (result.ok ? result.reservation : undefined) as Reservation);
    const limits = charges.filter(({ chargeOnly }) => !chargeOnly).map((each) => this.#stateOf(each));
    for (const reservation of reservations) expect(reservation?.limits).toEqual(limits);
    this.#held.push({ reference: expected, reservations });
  }

  #stateOf({ id, key, window, max }: LimitCharge): LimitState {
    const total = this.#reference.total(key, window, this.now);
    return { id, window, max, remaining: total < max ? max - total : 0n };
  }

  async #end({ reference, reservations }: Held, how: 'settle' | 'release' | 'refund'): Promise<void> {
    // What an operation's last attempts give back after its time is the stores' own affair.
    if (this.#reference.isForgotten(reference, this.now)) return;
    if (how === 'settle') {
      const expected = reference.settled && !reference.ended ? true : this.#reference.settle(reference, this.now);
      for (const reservation of reservations) expect(await settleOf(reservation)).toBe(expected);
      return;
    }
    this.#reference.end(reference, how);
    for (const reservation of reservations) await (reservation[how]() as MaybePromise<void>);
  }
}

const START = fc.integer({ min: Date.UTC(2023, 0, 1), max: Date.UTC(2033, 0, 1) });
const script = fc.record({
  start: START,
  kinds: fc.tuple(counters, counters, counters),
  todo: fc.array(steps, { maxLength: 40 }),
});

type Script = typeof script extends fc.Arbitrary<infer T> ? T : never;

const MANY = { numRuns: 500 };
const NEVER = 10 ** 12;
let clock: () => number = () => 0;
const opened: { close(): Promise<void> }[] = [];

async function openTimed(lease: number): Promise<LimitStore> {
  const store = await openStore({ url: redis.url, lease, timeout: 5_000 }, { serverTime: () => clock() });
  opened.push(store);
  return store;
}

test('memory, Redis and the model agree, with windows that change and operations', async () => {
  const store = await openTimed(NEVER);
  const stores = (now: () => number): LimitStore[] => {
    clock = now;
    return [createMemoryLimitStore(now), store];
  };
  const play = ({ start, kinds, todo }: Script) => new Player(start, kinds, NEVER, stores).play(todo);
  await fc.assert(fc.asyncProperty(script, play), MANY);
});

test('Redis and the model agree on holds that lapse', async () => {
  const store = await openTimed(30_000);
  const stores = (now: () => number): LimitStore[] => {
    clock = now;
    return [store];
  };
  const play = ({ start, kinds, todo }: Script) => new Player(start, kinds, 30_000, stores).play(todo);
  await fc.assert(fc.asyncProperty(script, play), MANY);
});
