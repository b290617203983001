import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import type { LineSink } from '../../../gateway/telemetry/line-sink.ts';
import { LogQueue, type LogQueueOptions } from '../../../gateway/telemetry/log-queue.ts';
import { until } from './decisions.ts';

/** A sink that takes, refuses or stands still as it is told. */
class Sink implements LineSink {
  readonly name = 'test';
  mode: 'take' | 'refuse' | 'stand still' = 'take';
  text = '';
  waiting: (() => void) | undefined;

  async write(lines: string): Promise<void> {
    if (this.mode === 'stand still') {
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
      });
    } else if (this.mode === 'refuse') throw new Error('no');
    else await Promise.resolve();
    this.text += lines;
  }

  goOn(): void {
    this.mode = 'take';
    this.waiting?.();
    this.waiting = undefined;
  }

  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'aegis-spill-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const queueOf = (sink: LineSink, options: Partial<LogQueueOptions> = {}): LogQueue =>
  new LogQueue({ sink, ticks: () => performance.now(), random: () => 0, ...options });
const spill = (maxSize = 10_000_000, segmentSize = 1000) => ({ directory, maxSize, segmentSize });
const numbered = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, i) => `line ${from + i}`);
const add = (queue: LogQueue, lines: readonly string[]): void => {
  for (const line of lines) queue.append(`${line}\n`);
};

test('lines reach the sink in order', async () => {
  const sink = new Sink();
  const queue = queueOf(sink);
  add(queue, numbered(0, 5000));
  await until(() => sink.lines.length === 5000);
  expect(sink.lines).toEqual(numbered(0, 5000));
  expect(queue.state).toMatchObject({ state: 'ok', full: false, delivered: 5000, dropped: 0, memoryBytes: 0 });
});

test('a sink that stands still: lines go to disk, and are delivered in order once it goes on', async () => {
  const sink = new Sink();
  sink.mode = 'stand still';
  const queue = queueOf(sink, { spill: spill(), maxMemory: 2000, stalledAfter: 20 });
  add(queue, numbered(0, 100));
  await until(() => queue.state.state === 'stalled');
  add(queue, numbered(100, 3000));
  expect(queue.state.spillBytes).toBeGreaterThan(10_000);
  expect(queue.state.dropped).toBe(0);
  sink.goOn();
  await until(() => sink.lines.length === 3000);
  expect(sink.lines).toEqual(numbered(0, 3000));
  await until(() => queue.state.spillBytes === 0 && readdirSync(directory).length === 0);
  add(queue, ['last']);
  await until(() => sink.lines.length === 3001);
  expect(queue.state.spilled).toBeLessThan(3001);
});

test('what waits in memory is brought to disk when the sink stands still, without any further line', async () => {
  const sink = new Sink();
  sink.mode = 'stand still';
  const queue = queueOf(sink, { spill: spill(), stalledAfter: 20 });
  add(queue, ['first']);
  await until(() => sink.waiting !== undefined);
  add(queue, numbered(0, 3));
  await until(() => readdirSync(directory).length === 1);
  sink.goOn();
  await until(() => sink.lines.length === 4);
  expect(sink.lines).toEqual(['first', ...numbered(0, 3)]);
  await queue.close(100);
});

test('a sink that refuses is tried again, and nothing is lost or out of order', async () => {
  const sink = new Sink();
  sink.mode = 'refuse';
  const queue = queueOf(sink, { spill: spill() });
  add(queue, numbered(0, 50));
  await until(() => queue.state.state === 'failing');
  add(queue, numbered(50, 100));
  sink.goOn();
  await until(() => sink.lines.length >= 100);
  expect(sink.lines).toEqual(numbered(0, 100));
  expect(queue.state.state).toBe('ok');
});

test('without a disk, what does not fit is dropped, counted, and told in the log itself', async () => {
  const sink = new Sink();
  sink.mode = 'stand still';
  const queue = queueOf(sink, { maxMemory: 100 });
  add(queue, ['a']);
  await until(() => sink.waiting !== undefined);
  add(queue, numbered(0, 100));
  const { dropped, full } = queue.state;
  expect(full).toBe(true);
  expect(dropped).toBeGreaterThan(80);
  sink.goOn();
  await until(() => sink.lines.length === 1 + (100 - dropped) + 1);
  expect(sink.lines).toContain(JSON.stringify({ kind: 'dropped', lines: dropped }));
  expect(queue.full).toBe(false);
});

test('a disk that is full: says so before it is, drops and counts after', async () => {
  const sink = new Sink();
  sink.mode = 'stand still';
  const queue = queueOf(sink, { spill: spill(200_000, 50_000), maxMemory: 1000, stalledAfter: 10 });
  const line = 'x'.repeat(999);
  for (let i = 0; !queue.full; i++) {
    queue.append(`${line}\n`);
    expect(i).toBeLessThan(200);
  }
  expect(queue.state.dropped).toBe(0);
  for (let i = 0; i < 100; i++) queue.append(`${line}\n`);
  expect(queue.state.dropped).toBeGreaterThan(0);
  const bytes = (): number =>
    readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);
  await until(() => bytes() > 190_000);
  expect(bytes()).toBeLessThanOrEqual(200_000);
  const { dropped } = queue.state;
  sink.goOn();
  await until(() => queue.state.spillBytes === 0);
  expect(queue.full).toBe(false);
  expect(sink.lines.filter((text) => text === line).length + dropped).toBe(queue.state.delivered + dropped);
});

test('a folder that cannot be written to costs lines, which are counted, and never throws', async () => {
  const sink = new Sink();
  sink.mode = 'stand still';
  const queue = queueOf(sink, { spill: spill(), maxMemory: 10, stalledAfter: 10 });
  rmSync(directory, { recursive: true });
  writeFileSync(directory, 'no folder any more');
  add(queue, numbered(0, 100));
  await until(() => queue.state.dropped > 90);
  sink.goOn();
  await queue.close(1000);
});

test('what an earlier process left on disk is delivered first; a broken last line is left out and counted', async () => {
  writeFileSync(join(directory, '000000000001.ndjson'), 'old 1\nold 2\n');
  writeFileSync(join(directory, '000000000002.ndjson'), 'old 3\nbrok');
  const sink = new Sink();
  const queue = queueOf(sink, { spill: spill() });
  add(queue, ['new']);
  await until(() => sink.text.includes('new'));
  expect(sink.lines.filter((line) => !line.includes('dropped'))).toEqual(['old 1', 'old 2', 'old 3', 'new']);
  expect(queue.state.dropped).toBe(1);
});

test('the end: delivers what it can; what it cannot is on disk for the next process, in order', async () => {
  const sink = new Sink();
  const queue = queueOf(sink, { spill: spill() });
  add(queue, ['a']);
  expect(await queue.close(1000)).toBe(0);
  expect(sink.lines).toEqual(['a']);

  const still = new Sink();
  still.mode = 'stand still';
  const second = queueOf(still, { spill: spill(), stalledAfter: 10 });
  add(second, numbered(0, 10));
  await until(() => second.state.state === 'stalled');
  add(second, numbered(10, 20));
  expect(await second.close(50)).toBe(0);

  const third = new Sink();
  queueOf(third, { spill: spill() });
  await until(() => third.lines.length === 20);
  expect(third.lines).toEqual(numbered(0, 20));
});

test('the end without a disk says how many lines are lost', async () => {
  const sink = new Sink();
  sink.mode = 'stand still';
  const queue = queueOf(sink);
  add(queue, numbered(0, 10));
  await until(() => sink.waiting !== undefined);
  expect(await queue.close(20)).toBe(10);
});

test('whatever a sink does, every line arrives at least once and in order, or is counted', async () => {
  const step = fc.oneof(
    fc.record({ add: fc.integer({ min: 1, max: 40 }) }),
    fc.record({ mode: fc.constantFrom('take', 'refuse', 'stand still') }),
    fc.constant({ wait: 1 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      for (const name of readdirSync(directory)) rmSync(join(directory, name));
      const sink = new Sink();
      const queue = queueOf(sink, { spill: spill(100_000, 200), maxMemory: 150, stalledAfter: 1 });
      let next = 0;
      for (const each of steps) {
        if ('add' in each) {
          add(queue, numbered(next, next + each.add));
          next += each.add;
        } else if ('mode' in each) {
          if (each.mode === 'take') sink.goOn();
          sink.mode = each.mode as Sink['mode'];
        } else await new Promise((resolve) => setTimeout(resolve, 2));
      }
      sink.goOn();
      await until(() => queue.state.delivered >= next, 2000);
      expect(sink.lines).toEqual(numbered(0, next));
      await queue.close(100);
    }),
    { numRuns: 60, endOnFailure: true },
  );
});

test('files of the spill can only be read by their owner', async () => {
  const sink = new Sink();
  sink.mode = 'refuse';
  const queue = queueOf(sink, { spill: spill() });
  add(queue, ['a']);
  await until(() => readdirSync(directory).length > 0);
  const [name = ''] = readdirSync(directory);
  await until(() => readFileSync(join(directory, name), 'utf8') === 'a\n');
  expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  await queue.close(10);
});
