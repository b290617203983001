import { setTimeout as sleep } from 'node:timers/promises';
import { FailureWorld } from '../../support/failure-world.ts';
import type { GatewayProcess } from '../../support/gateway-process.ts';
import { health, metric, until } from '../../support/gateway-view.ts';
import type { LedgerOptions } from '../../support/ledger-sources.ts';

/**
 * Bundles are published under load. Odd and even sequences differ in two things that only make sense together:
 * what an amount on the wire means (contract), and how much is too much (policy). A call that saw one of each
 * would be decided the wrong way.
 */

const RELOADS = 10;
const CALLERS = 16;
/** Between two calls of a caller, ms: some hundred calls a second in all. */
const PAUSE = 25;
/** Amounts on the wire: what passes under each sequence, and what under none. With one of each, both go wrong. */
const PASSES = 50_000;
const REFUSED = 500_000;

const ODD: LedgerOptions = { scale: 2, cap: 1_000, budget: 1e12 };
const EVEN: LedgerOptions = { scale: 0, cap: 100_000, budget: 1e12 };
const NOTE = 'rent';

interface Answer {
  amount: number;
  status: number;
  id: string;
  /** Of a denial. */
  version: string | undefined;
}

let world: FailureWorld;

beforeAll(async () => {
  world = await FailureWorld.open();
  world.publish(ODD);
});

afterAll(() => world.close());

async function load(gateway: GatewayProcess, going: () => boolean): Promise<Answer[]> {
  const answers: Answer[] = [];
  const caller = async (first: boolean): Promise<void> => {
    for (let passes = first; going(); passes = !passes) {
      const amount = passes ? PASSES : REFUSED;
      const body = JSON.stringify({ amount, note: NOTE });
      const { status, headers, problem } = await world.call(gateway, 'POST', '/entries', body);
      answers.push({ amount, status, id: String(headers['aegis-decision-id']), version: problem?.policy_version });
      await sleep(PAUSE);
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, name) => caller(name % 2 === 0)));
  return answers;
}

test('no call is lost, and each is decided by exactly one sequence', async () => {
  const gateway = await world.start({ 'bundle.url': world.bundleUrl });
  // slow enough that calls are in flight at every change
  world.tool.answer = (res) => setTimeout(() => res.writeHead(200).end('{}'), 15);
  let going = true;
  const began = performance.now();
  const running = load(gateway, () => going);
  const published: number[] = [];
  for (let reload = 0; reload < RELOADS; reload++) {
    await sleep(150);
    const sequence = world.publish(reload % 2 === 0 ? EVEN : ODD);
    published.push(sequence);
    await until(`sequence ${sequence}`, async () => (await health(gateway)).bundle.sequence === sequence, {
      every: 25,
    });
  }
  await sleep(150);
  going = false;
  const answers = await running;
  const seconds = (performance.now() - began) / 1000;
  expect(answers.length / seconds).toBeGreaterThan(100);

  const wrong = answers.filter(({ amount, status }) => status !== (amount === PASSES ? 200 : 403));
  expect(wrong).toEqual([]);
  await until('the log', () => gateway.log().length >= answers.length);
  const sequences = new Map(gateway.log().map((line) => [String(line.decision_id), Number(line.sequence)]));
  expect(sequences.size).toBe(answers.length);
  for (const { id, version } of answers) {
    expect(sequences.has(id)).toBe(true);
    if (version !== undefined) expect(Number(version)).toBe(sequences.get(id));
  }
  // every one of them decided something, and what passed arrived as it was sent
  expect(new Set(sequences.values())).toEqual(new Set([1, ...published]));
  const passed = answers.filter(({ status }) => status === 200);
  expect(world.tool.reached).toHaveLength(passed.length);
  const bodies = new Set(world.tool.reached.map(({ body }) => body));
  expect(bodies).toEqual(new Set([JSON.stringify({ amount: PASSES, note: NOTE })]));
  expect(await metric(gateway, 'aegis_gateway_bundle_activations_total')).toBe(1 + RELOADS);
  expect(await metric(gateway, 'aegis_gateway_bundle_refusals_total')).toBe(0);
});
