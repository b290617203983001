/** One world from its beginning to its end. */
import { happen, type SimEvent } from './events.ts';
import { becomeQuiet, checkQuiet } from './quiet.ts';
import { SimWorld } from './sim-world.ts';
import { statusLines } from './status-lines.ts';
import { isDetail } from './write.ts';

export interface Simulated {
  /** What must never be; none: all was well. */
  violations: readonly string[];
  log: readonly string[];
}

const QUIET_START = 100_000;

export async function simulate(seed: number, events: readonly SimEvent[]): Promise<Simulated> {
  const world = await SimWorld.open(seed);
  const { violations } = world.observer;
  try {
    for (const step of events) {
      await happen(world, step);
      if (violations.length > 0) break;
    }
    if (violations.length === 0) await checkTheEnd(world);
    if (violations.length > 0) for (const line of statusLines(world)) world.say(line);
    return { violations, log: world.log };
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
