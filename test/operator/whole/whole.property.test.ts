/**
 * The whole operator in memory, with everything that can happen to it, in any order: two processes with their election,
 * replicas, leader, store and status, users who edit, gateways that follow, faults between each call and its answer.
 * `AEGIS_WHOLE_RUNS` for more runs, `AEGIS_WHOLE_SEED` (and `_PATH`) to do one again.
 */
import fc from 'fast-check';
import { event, happen, type SimEvent } from './events.ts';
import { becomeQuiet, checkQuiet } from './quiet.ts';
import { SimWorld } from './sim-world.ts';
import { isDetail } from './write.ts';

// in the thread pool, who is first is chance; here it is the seed
jest.mock('node:zlib', () => {
  const actual = jest.requireActual<typeof import('node:zlib')>('node:zlib');
  type Done = (error: unknown, result?: Buffer) => void;
  const now =
    (work: (data: Uint8Array, options: object) => Buffer) => (data: Uint8Array, options: object, done: Done) => {
      let result: Buffer;
      try {
        result = work(data, options);
      } catch (error) {
        return done(error);
      }
      return done(undefined, result);
    };
  return { ...actual, deflate: now(actual.deflateSync), inflate: now(actual.inflateSync) };
});

const { AEGIS_WHOLE_RUNS, AEGIS_WHOLE_SEED, AEGIS_WHOLE_PATH, AEGIS_WHOLE_VERBOSE } = process.env;
const RUNS = Number(AEGIS_WHOLE_RUNS ?? 50);

async function run(seed: number, events: readonly SimEvent[]): Promise<void> {
  const world = await SimWorld.open(seed);
  const { observer } = world;
  try {
    for (const step of events) {
      await happen(world, step);
      if (observer.violations.length > 0) break;
    }
    if (observer.violations.length === 0) await checkTheEnd(world);
    if (observer.violations.length > 0) throw new Error(`${observer.violations.join('\n')}\n${world.log.join('\n')}`);
  } finally {
    await world.close();
  }
}

async function checkTheEnd(world: SimWorld): Promise<void> {
  const { observer } = world;
  await becomeQuiet(world);
  checkQuiet(world);
  const { length } = observer.writes;
  await world.tick(30_000);
  const more = observer.writes.slice(length);
  if (more.length > 0) observer.violation(`quiet, and written: ${more.map(({ text }) => text).join(', ')}`);
  // another leader finds nothing to do
  world.restart(0);
  world.restart(1);
  await world.tick(QUIET_START);
  const again = observer.writes.slice(length + more.length).filter((write) => !isDetail(write));
  if (again.length > 0) observer.violation(`started anew, and written: ${again.map(({ text }) => text).join(', ')}`);
}

const QUIET_START = 100_000;

test('any order of events: nothing is lost, nothing goes back, and once it is quiet all is as the resources say', async () => {
  const seeded = fc.tuple(fc.nat(), fc.array(event, { minLength: 30, maxLength: 60, size: 'max' }));
  await fc.assert(
    fc.asyncProperty(seeded, async ([seed, events]) => run(seed, events)),
    {
      numRuns: RUNS,
      ...(AEGIS_WHOLE_SEED !== undefined && { seed: Number(AEGIS_WHOLE_SEED) }),
      ...(AEGIS_WHOLE_PATH !== undefined && { path: AEGIS_WHOLE_PATH }),
      endOnFailure: AEGIS_WHOLE_VERBOSE !== undefined,
      interruptAfterTimeLimit: 240_000,
      verbose: AEGIS_WHOLE_VERBOSE === undefined ? 0 : 1,
    },
  );
}, 300_000);
