import fc from 'fast-check';
import { KubeError } from '../../../operator/kube/kube-error.ts';
import { WorkQueue, type WorkQueueRun } from '../../../operator/kube/work-queue.ts';
import { FakeClock, settle } from './fake-clock.ts';

let clock: FakeClock;
let queue: WorkQueue;
let stop: AbortController;

beforeEach(() => {
  clock = new FakeClock();
  queue = new WorkQueue({ clock, random: () => 1, baseDelay: 10, maxDelay: 1000 });
  stop = new AbortController();
});

function run(handler: WorkQueueRun['handler'], options: Partial<WorkQueueRun> = {}): Promise<void> {
  return queue.run({ workers: 1, handler, ...options }, stop.signal);
}

/** A handler whose passes end when the test says so. */
function held() {
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const handler = (key: string) => {
    started.push(key);
    return new Promise<void>((resolve) => ends.push(resolve));
  };
  return { started, handler, endFirst: () => ends.shift()?.() };
}

test('handles keys in their order, each once', async () => {
  const seen: string[] = [];
  for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
  expect(queue.stats().depth).toBe(3);
  const ended = run(async (key) => void seen.push(key));
  await settle();
  expect(seen).toEqual(['a', 'b', 'c']);
  queue.add('a');
  await settle();
  expect(seen).toEqual(['a', 'b', 'c', 'a']);
  stop.abort();
  await ended;
});

test('a key that is added while it is handled is handled once more, and never twice at once', async () => {
  const { started, handler, endFirst } = held();
  const ended = run(handler, { workers: 3 });
  queue.add('a');
  await settle();
  for (let i = 0; i < 5; i++) queue.add('a');
  await settle();
  expect(started).toEqual(['a']);
  endFirst();
  await settle();
  expect(started).toEqual(['a', 'a']);
  endFirst();
  await settle();
  expect(queue.stats()).toMatchObject({ depth: 0, inFlight: 0 });
  stop.abort();
  await ended;
});

test('different keys are handled at once, as many as there are workers', async () => {
  const { started, handler, endFirst } = held();
  const ended = run(handler, { workers: 2 });
  for (const key of ['a', 'b', 'c']) queue.add(key);
  await settle();
  expect(started).toEqual(['a', 'b']);
  await clock.advance(500);
  expect(queue.stats()).toMatchObject({ depth: 1, inFlight: 2, oldestAge: 500, longestRun: 500 });
  endFirst();
  await settle();
  expect(started).toEqual(['a', 'b', 'c']);
  stop.abort();
  endFirst();
  endFirst();
  await ended;
});

test('a failure is tried again, later each time, until it works', async () => {
  const at: number[] = [];
  const errors: unknown[] = [];
  let failing = true;
  const ended = run(
    async () => {
      at.push(clock.monotonic());
      if (failing) throw new Error('no');
    },
    { onError: (key, error) => errors.push([key, (error as Error).message]) },
  );
  queue.add('a');
  for (let i = 0; i < 3000; i += 5) await clock.advance(5);
  const gaps = at.slice(1).map((time, index) => time - (at[index] ?? 0));
  expect(gaps.slice(0, 8)).toEqual([10, 20, 40, 80, 160, 320, 640, 1000]);
  expect(errors).toHaveLength(at.length);
  expect(errors[0]).toEqual(['a', 'no']);
  failing = false;
  await clock.advance(1000);
  failing = true;
  const before = at.length;
  queue.add('a');
  await settle();
  await clock.advance(10);
  expect(at.length - before).toBe(2);
  queue.forget('a');
  stop.abort();
  await ended;
});

test('waits as long as the server asks', async () => {
  let count = 0;
  const ended = run(async () => {
    count++;
    throw new KubeError(429, 'TooManyRequests', 'busy', { retryAfter: 5000 });
  });
  queue.add('a');
  await clock.advance(4999);
  expect(count).toBe(1);
  await clock.advance(1);
  expect(count).toBe(2);
  stop.abort();
  await ended;
});

test('an error handler that throws stops nobody', async () => {
  const warnings: string[] = [];
  const emit = jest.spyOn(process, 'emitWarning').mockImplementation((text) => void warnings.push(String(text)));
  let count = 0;
  const ended = run(
    () => {
      count++;
      // before there is a promise
      throw new Error('first');
    },
    {
      onError: () => {
        throw new Error('second');
      },
    },
  );
  queue.add('a');
  await clock.advance(10);
  expect(count).toBe(2);
  expect(warnings[0]).toContain('second');
  emit.mockRestore();
  stop.abort();
  await ended;
});

describe('later', () => {
  test('the earliest moment counts', async () => {
    const at: number[] = [];
    const start = clock.monotonic();
    const ended = run(async () => void at.push(clock.monotonic() - start));
    queue.addAfter('a', 100);
    queue.addAfter('a', 30);
    queue.addAfter('a', 300);
    expect(queue.stats().delayed).toBe(1);
    for (let i = 0; i < 400; i += 10) await clock.advance(10);
    expect(at).toEqual([30]);
    stop.abort();
    await ended;
  });

  test('now is sooner than later, and answers it', async () => {
    let count = 0;
    const ended = run(async () => void count++);
    queue.addAfter('a', 100);
    queue.add('a');
    await settle();
    expect([count, queue.stats().delayed]).toEqual([1, 0]);
    queue.addAfter('a', 0);
    queue.addAfter('b', Number.NaN);
    await settle();
    expect(count).toBe(3);
    stop.abort();
    await ended;
  });

  test('asked for during a pass it comes after it', async () => {
    const { started, handler, endFirst } = held();
    const ended = run(handler);
    queue.add('a');
    await settle();
    queue.addAfter('a', 50);
    await clock.advance(50);
    expect(started).toEqual(['a']);
    endFirst();
    await settle();
    expect(started).toEqual(['a', 'a']);
    stop.abort();
    endFirst();
    await ended;
  });

  test('a pass says when to look again', async () => {
    let count = 0;
    const ended = run(async () => (++count < 3 ? { requeueAfter: 1000 } : undefined));
    queue.add('a');
    for (let i = 0; i < 5; i++) await clock.advance(1000);
    expect(count).toBe(3);
    stop.abort();
    await ended;
  });
});

test('a stop waits for the passes under way, and tells them; the rest stays', async () => {
  let signal: AbortSignal | undefined;
  let finish = () => {};
  const ended = run((_, given) => {
    signal = given;
    return new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  queue.add('a');
  queue.add('b');
  await settle();
  stop.abort();
  let over = false;
  void ended.then(() => {
    over = true;
  });
  await settle();
  expect([over, signal?.aborted]).toEqual([false, true]);
  finish();
  await ended;
  expect(queue.stats()).toMatchObject({ depth: 1, inFlight: 0 });
  const seen: string[] = [];
  stop = new AbortController();
  const again = run(async (key) => void seen.push(key));
  await settle();
  expect(seen).toEqual(['b']);
  await expect(run(async () => {})).rejects.toThrow('already');
  stop.abort();
  await again;
});

type End = { do: 'end'; fail: boolean; requeue: number | undefined };
type Step =
  | { do: 'add'; key: string }
  | { do: 'addAfter'; key: string; ms: number }
  | End
  | { do: 'advance'; ms: number };

const key = fc.constantFrom('a', 'b', 'c');
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key }),
  fc.record({ do: fc.constant('addAfter' as const), key, ms: fc.integer({ min: 1, max: 50 }) }),
  fc.record({
    do: fc.constant('end' as const),
    fail: fc.boolean(),
    requeue: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }),
  }),
  fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 40 }) }),
);

const LONGEST_BACKOFF = 50;

/** What the queue owes: passes that have to begin by some moment, for requests that no pass has begun after. */
class Model {
  readonly running = new Map<string, (end: End) => void>();
  readonly owed = new Map<string, number>();

  readonly handler = (name: string): Promise<{ requeueAfter?: number } | undefined> => {
    expect(this.running.has(name)).toBe(false);
    expect(this.owed.has(name)).toBe(true);
    this.owed.delete(name);
    return new Promise((resolve, reject) => {
      this.running.set(name, ({ fail, requeue }) => {
        this.running.delete(name);
        const later = fail ? LONGEST_BACKOFF : requeue;
        if (later !== undefined) this.owe(name, later);
        if (fail) reject(new Error('no'));
        else resolve(requeue === undefined ? undefined : { requeueAfter: requeue });
      });
    });
  };

  owe(name: string, ms: number): void {
    const at = clock.monotonic() + ms;
    this.owed.set(name, Math.min(at, this.owed.get(name) ?? at));
  }

  async take(each: Step): Promise<void> {
    if (each.do === 'advance') await clock.advance(each.ms);
    else if (each.do === 'end') [...this.running.values()][0]?.(each);
    else {
      const ms = each.do === 'add' ? 0 : each.ms;
      this.owe(each.key, ms);
      if (each.do === 'add') queue.add(each.key);
      else queue.addAfter(each.key, ms);
    }
    await settle();
  }

  /** Those that a free worker should have begun. */
  overdue(workers: number): string[] {
    if (this.running.size >= workers) return [];
    return [...this.owed].filter(([name, at]) => !this.running.has(name) && at <= clock.monotonic()).map(([n]) => n);
  }
}

test('whatever happens: never the same key twice at once, and after every request there is a pass in time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), async (steps, workers) => {
      clock = new FakeClock();
      queue = new WorkQueue({ clock, random: () => 0.5, baseDelay: 5, maxDelay: LONGEST_BACKOFF });
      stop = new AbortController();
      const model = new Model();
      const ended = run(model.handler, { workers });
      for (const each of steps) {
        await model.take(each);
        expect(model.overdue(workers)).toEqual([]);
      }
      for (let i = 0; i < 30; i++) {
        await model.take({ do: 'end', fail: false, requeue: undefined });
        await clock.advance(10);
      }
      expect([...model.owed]).toEqual([]);
      expect(queue.stats()).toMatchObject({ depth: 0, delayed: 0, inFlight: 0 });
      stop.abort();
      await ended;
    }),
    { numRuns: 150 },
  );
});
