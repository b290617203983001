import { KubeError } from '../../../operator/kube/kube-error.ts';
import { readAnew } from '../../../operator/program/read-anew.ts';
import { FakeClock, settle } from '../kube/fake-clock.ts';

const log = { error: () => {}, warn: () => {}, info: () => {}, debug: () => {} };
const { signal } = new AbortController();

test('watches first, then the keys, until the API server answers', async () => {
  const clock = new FakeClock();
  const done: string[] = [];
  const faults = [new KubeError(503, 'ServiceUnavailable', 'not now'), new KubeError(0, 'ECONNRESET', 'reset')];
  const watches = {
    refresh: async () => {
      done.push('watches');
      return true;
    },
  };
  const keys = {
    restore: async () => {
      const fault = faults.shift();
      if (fault !== undefined) throw fault;
      done.push('keys');
      return false;
    },
  };
  const ready = readAnew({ watches, keys, clock, log }, signal);
  await settle();
  expect(done).toEqual(['watches']);
  await clock.advance(5_000);
  expect(await ready).toBe(true);
  expect(done).toEqual(['watches', 'keys']);
});

test('whoever is no leader any more does not go on', async () => {
  const clock = new FakeClock();
  const restore = jest.fn(() => Promise.reject(new KubeError(503, 'ServiceUnavailable', 'not now')));
  const keys = { restore };
  expect(await readAnew({ watches: { refresh: async () => false }, keys, clock, log }, signal)).toBe(false);
  expect(restore).not.toHaveBeenCalled();
  const ending = new AbortController();
  const ready = readAnew({ watches: { refresh: async () => true }, keys, clock, log }, ending.signal);
  await settle();
  ending.abort();
  expect(await ready).toBe(false);
});
