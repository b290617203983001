import fc from 'fast-check';
import { DelayHeap } from '../../../operator/kube/delay-heap.ts';
import { KeyFifo } from '../../../operator/kube/key-fifo.ts';

const operation = fc.oneof(
  fc.record({ do: fc.constant('add' as const), key: fc.nat(30).map(String), at: fc.nat(100) }),
  fc.record({ do: fc.constant('delete' as const), key: fc.nat(30).map(String) }),
  fc.record({ do: fc.constant('take' as const), now: fc.nat(100) }),
);

/** The same, slowly. */
class Model {
  readonly due = new Map<string, number>();

  add(key: string, at: number): void {
    this.due.set(key, Math.min(at, this.due.get(key) ?? at));
  }

  next(): number | undefined {
    return this.due.size === 0 ? undefined : Math.min(...this.due.values());
  }

  /** Whether that was the right one to take. */
  took(key: string | undefined, now: number): boolean {
    const next = this.next();
    if (key === undefined) return next === undefined || next > now;
    const right = next !== undefined && next <= now && this.due.get(key) === next;
    this.due.delete(key);
    return right;
  }
}

test('a heap of delays gives what a plain map would', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
      const heap = new DelayHeap();
      const model = new Model();
      for (const each of operations) {
        if (each.do === 'take') {
          expect(model.took(heap.take(each.now), each.now)).toBe(true);
        } else if (each.do === 'delete') {
          heap.delete(each.key);
          model.due.delete(each.key);
        } else {
          heap.add(each.key, each.at);
          model.add(each.key, each.at);
        }
        expect([heap.size, heap.next()]).toEqual([model.due.size, model.next()]);
      }
    }),
  );
});

test('a key that is asked for earlier and earlier is given once', () => {
  const heap = new DelayHeap();
  for (let i = 0; i < 10_000; i++) {
    heap.delete('a');
    heap.add('a', 10_000 - i);
  }
  expect(heap.take(10_000)).toBe('a');
  expect(heap.take(10_000)).toBeUndefined();
});

test('first in, first out, for long', () => {
  const fifo = new KeyFifo();
  let next = 0;
  for (let i = 0; i < 10_000; i++) {
    fifo.push(String(i), i);
    if (i % 3 !== 0) expect(fifo.shift()).toBe(String(next++));
    expect(fifo.oldest()).toBe(fifo.size === 0 ? undefined : next);
  }
  while (fifo.size > 0) expect(fifo.shift()).toBe(String(next++));
  expect([next, fifo.shift()]).toEqual([10_000, undefined]);
});
