import { call } from '../listeners/http-client.ts';
import { openWorld, type World } from './harness.ts';
import { CONNECT_CASES } from './hostile/connect-cases.ts';
import { FRAMING_CASES } from './hostile/framing-cases.ts';
import { HEAD_CASES } from './hostile/head-cases.ts';
import { PAY } from './hostile/requests.ts';
import { type HostileCase, type HostileWorld, runCase } from './hostile/run-cases.ts';
import { TARGET_CASES } from './hostile/target-cases.ts';

/** Nothing of this reaches a tool; all of it is refused or cut off; and the gateway serves on. */

let world: World;
let hostile: HostileWorld;
let served = 0;

beforeAll(async () => {
  world = await openWorld({ maxBody: 64 * 1024 });
  const port = world.bound.proxy?.port as number;
  hostile = {
    port,
    reached: () => world.seen.length,
    async serves() {
      served++;
      const answer = await call(port, 'GET', `${PAY}/pi_1`);
      if (answer.status !== 201) throw new Error(`a good call was answered with ${answer.status}`);
    },
  };
});

afterAll(() => world.close());

const groups: [string, HostileCase[]][] = [
  ['framing', FRAMING_CASES],
  ['heads', HEAD_CASES],
  ['targets', TARGET_CASES],
  ['CONNECT', CONNECT_CASES],
];

test('the corpus has no name twice, and is large', () => {
  const names = groups.flatMap(([, cases]) => cases.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
  expect(names.length).toBeGreaterThanOrEqual(150);
});

describe.each(groups)('%s', (_, cases) => {
  afterEach(() => hostile.serves());

  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, one) => {
    expect(await runCase(one, hostile)).toBeUndefined();
  });
});

test('nothing reached the tool late, and nothing went wrong inside', async () => {
  const good = groups.flatMap(([, cases]) =>
    cases.map((one) => (one.name.startsWith('CONNECT') ? 0 : (one.good ?? 0))),
  );
  await new Promise((done) => setTimeout(done, 100));
  expect(world.seen).toHaveLength(good.reduce((sum, count) => sum + count, served));
  expect(world.errors).toEqual([]);
});
