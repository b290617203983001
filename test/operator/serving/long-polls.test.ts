import { LongPolls } from '../../../operator/serving/long-polls.ts';
import { FakeClock, settle } from '../../gateway/bundles/fake-clock.ts';

const never = new AbortController().signal;

function open(options: { maxWaiting?: number; perPod?: number } = {}) {
  const clock = new FakeClock(0);
  const polls = new LongPolls({ clock, ...options });
  const outcomes: string[] = [];
  const wait = (tenant: string, pod: string, ms = 10_000, signal = never) => {
    const waiting = polls.wait({ tenant, pod, ms }, signal);
    void waiting?.then((outcome) => outcomes.push(`${pod} ${outcome}`));
    return waiting;
  };
  return { clock, polls, outcomes, wait };
}

test('a publication wakes its own tenant and nobody else', async () => {
  const { polls, outcomes, wait } = open();
  wait('t', 'a');
  wait('t', 'b');
  wait('other', 'c');
  polls.wake('t');
  await settle();
  expect(outcomes).toEqual(['a changed', 'b changed']);
  expect(polls.waiting).toBe(1);
  polls.wake('nobody');
});

test('one turn of the event loop wakes one, in the order in which they came', async () => {
  const { polls, outcomes, wait } = open();
  for (let i = 0; i < 4; i++) wait('t', `${i}`);
  polls.wake('t');
  const seen: number[] = [];
  for (let i = 0; i < 6; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    seen.push(outcomes.length);
  }
  expect(Math.max(...seen.map((count, i) => count - (seen[i - 1] ?? 0)))).toBe(1);
  expect(outcomes).toEqual(['0 changed', '1 changed', '2 changed', '3 changed']);
});

test('who comes while others are woken waits for the next time, and is woken then', async () => {
  const { polls, outcomes, wait } = open();
  wait('t', 'a');
  wait('t', 'b');
  polls.wake('t');
  wait('t', 'c');
  await settle();
  expect(outcomes).toEqual(['a changed', 'b changed']);
  wait('t', 'd');
  polls.wake('t');
  polls.wake('t');
  await settle();
  expect(outcomes.slice(2)).toEqual(['c changed', 'd changed']);
  expect(polls.waiting).toBe(0);
});

test('ends when the time is over, when the client goes, and when the program does', async () => {
  const { clock, polls, outcomes, wait } = open();
  const gone = new AbortController();
  wait('t', 'short', 1_000);
  wait('t', 'gone', 10_000, gone.signal);
  wait('t', 'long', 10_000);
  await clock.advance(750);
  expect(outcomes).toEqual([]);
  gone.abort();
  await clock.advance(250);
  expect(outcomes).toEqual(['gone gone', 'short over']);
  polls.close();
  await settle();
  expect(outcomes).toEqual(['gone gone', 'short over', 'long ended']);
  wait('t', 'late');
  wait('t', 'aborted', 1, gone.signal);
  await settle();
  expect(outcomes.slice(3)).toEqual(['late ended', 'aborted gone']);
});

test('a pod has two places, and the newest keep them; there is a bound for all', async () => {
  const { polls, outcomes, wait } = open({ maxWaiting: 3 });
  wait('t', 'a');
  wait('t', 'a');
  wait('t', 'a');
  wait('t', 'b');
  await settle();
  expect(outcomes).toEqual(['a over']);
  expect(polls.waiting).toBe(3);
  expect(wait('t', 'c')).toBeUndefined();
});
