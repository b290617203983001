/** Runs in a pod: all attempts of a group, told as JSON. Usage: run.ts GROUP WORLD [NAME] */
import type { Attempt, World } from './attempt.ts';
import { CRASH } from './crash.ts';
import { DIRECT } from './direct.ts';
import { NEIGHBOURS } from './neighbours.ts';
import { REQUESTS } from './requests.ts';
import { RESET } from './reset.ts';
import { RIGHTS } from './rights.ts';
import { WAYS } from './ways.ts';

const GROUPS: Record<string, readonly Attempt[]> = {
  direct: DIRECT,
  ways: WAYS,
  requests: REQUESTS,
  rights: RIGHTS,
  neighbours: NEIGHBOURS,
  crash: CRASH,
  reset: RESET,
};
const AT_ONCE = 6;
const BOUND = 45_000;

const [, , group = '', text = '{}', only] = process.argv;
const world = JSON.parse(text) as World;
const waiting = (GROUPS[group] ?? []).filter(({ name }) => only === undefined || name === only);
const results: object[] = [];

function late(): Promise<string> {
  return new Promise((resolve) => setTimeout(() => resolve('too late'), BOUND).unref());
}

async function work(queue: Attempt[]): Promise<void> {
  for (let attempt = queue.shift(); attempt !== undefined; attempt = queue.shift()) {
    const { name, why, ends, logged = false } = attempt;
    const at = results.push({}) - 1;
    let how: string;
    try {
      how = await Promise.race([attempt.run(world), late()]);
    } catch (error) {
      how = `it broke: ${(error as Error).message}`;
    }
    results[at] = { group, name, why, logged, how, asItShould: ends.test(how) };
  }
}

const queue = [...waiting];
await Promise.all(Array.from({ length: AT_ONCE }, () => work(queue)));
console.log(JSON.stringify(results));
process.exit();
