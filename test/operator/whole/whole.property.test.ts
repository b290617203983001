/**
 * The whole operator in memory, with everything that can happen to it, in any order: two processes with their election,
 * replicas, leader, store and status, users who edit, gateways that follow, faults between each call and its answer.
 * `AEGIS_WHOLE_RUNS` for more runs in `AEGIS_WHOLE_MINUTES`, `AEGIS_WHOLE_SEED` (and `_PATH`) to do one again or, with
 * `random`, others than always.
 */
import fc from 'fast-check';
import { history } from './events.ts';
import { simulate } from './simulate.ts';

jest.mock('node:zlib', () => {
  const { zlibNow } = jest.requireActual<typeof import('./zlib-now.ts')>('./zlib-now.ts');
  const actual = jest.requireActual<typeof import('node:zlib')>('node:zlib');
  return { ...actual, ...zlibNow(actual) };
});

const { AEGIS_WHOLE_RUNS, AEGIS_WHOLE_SEED, AEGIS_WHOLE_PATH, AEGIS_WHOLE_VERBOSE, AEGIS_WHOLE_MINUTES } = process.env;
const RUNS = Number(AEGIS_WHOLE_RUNS ?? 50);
const MINUTES = Number(AEGIS_WHOLE_MINUTES ?? 10);
/** The same worlds in every run of the tests: a change that fails has broken something. New ones: `npm run simulate`. */
const SEED = 20_260_101;

function seedOf(text = String(SEED)): { seed?: number } {
  return text === 'random' ? {} : { seed: Number(text) };
}

test(
  'any order of events: nothing is lost, nothing goes back, and once it is quiet all is as the resources say',
  async () => {
    await fc.assert(
      fc.asyncProperty(history, async ([seed, events]) => {
        const { violations, log } = await simulate(seed, events);
        if (violations.length > 0) throw new Error(`${violations.join('\n')}\n${log.join('\n')}`);
      }),
      {
        numRuns: RUNS,
        ...seedOf(AEGIS_WHOLE_SEED),
        ...(AEGIS_WHOLE_PATH !== undefined && { path: AEGIS_WHOLE_PATH }),
        endOnFailure: AEGIS_WHOLE_VERBOSE !== undefined,
        interruptAfterTimeLimit: MINUTES * 60_000,
        markInterruptAsFailure: true,
        verbose: AEGIS_WHOLE_VERBOSE === undefined ? 0 : 1,
      },
    );
  },
  (MINUTES + 1) * 60_000,
);
