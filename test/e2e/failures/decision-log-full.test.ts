import { mkdirSync, rmSync } from 'node:fs';
import { FailureWorld } from '../../support/failure-world.ts';
import type { GatewayProcess } from '../../support/gateway-process.ts';
import { health, metric, until } from '../../support/gateway-view.ts';

/** The decision log can take nothing more: what is lost is counted, and where it is asked for, writes stop. */

let world: FailureWorld;

beforeAll(async () => {
  world = await FailureWorld.open();
  world.publish();
});

afterAll(() => world.close());

const lines = (gateway: GatewayProcess, result: string): Promise<number> =>
  metric(gateway, 'aegis_gateway_log_lines_total', { result });

const isFull = async (gateway: GatewayProcess): Promise<boolean> =>
  (await metric(gateway, 'aegis_gateway_log_full')) === 1;

/** Decisions by the hundred, which pass no call on. */
async function decideMany({ decisions }: GatewayProcess, number: number): Promise<void> {
  const call = { tool: 'ledger.get_entry', params: {} };
  const body = JSON.stringify({ input: { tool_calls: Array.from({ length: number }, () => call) } });
  const url = `http://127.0.0.1:${decisions}/v1/data/aegis/decision`;
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(text);
}

async function expectOnlyReads(gateway: GatewayProcess): Promise<void> {
  const before = world.tool.reached.length;
  const { status, headers, problem } = await world.write(gateway);
  expect({ status, code: problem.code }).toEqual({ status: 503, code: 'LOG_UNAVAILABLE' });
  expect(headers['retry-after']).toBe('5');
  expect(problem.detail).toMatch(/decision log/);
  expect(world.tool.reached).toHaveLength(before);
  expect((await world.read(gateway)).status).toBe(200);
  expect(world.tool.reached).toHaveLength(before + 1);
}

test('full: writes are refused if so asked, reads pass; once there is room, writes pass again', async () => {
  const gateway = await world.start({
    'telemetry.log': world.path('logs/decisions.log'),
    'telemetry.spill.directory': world.path('spill'),
    'telemetry.spill.maxSize': '128KiB',
    'telemetry.whenFull': 'DenyWrites',
  });
  expect((await world.write(gateway)).status).toBe(200);
  await until('a full log', async () => {
    await decideMany(gateway, 50);
    return isFull(gateway);
  });
  expect(await lines(gateway, 'dropped')).toBe(0);
  expect((await health(gateway)).decision_log).toMatchObject({ state: 'failing', full: true });
  await expectOnlyReads(gateway);
  mkdirSync(world.path('logs'));
  await until('room in the log', async () => !(await isFull(gateway)));
  expect((await world.write(gateway)).status).toBe(200);
});

test('full, and nothing asked: calls go on, and every lost line is counted', async () => {
  const gateway = await world.start({
    'telemetry.log': '/dev/full',
    'telemetry.spill.directory': world.path('small-spill'),
    'telemetry.spill.maxSize': '128KiB',
  });
  const calls = 600;
  for (let sent = 0; sent < calls; sent += 50) await decideMany(gateway, 50);
  await until('drops', async () => (await lines(gateway, 'dropped')) > 0);
  expect((await world.write(gateway)).status).toBe(200);
  const { decision_log: log } = await health(gateway);
  expect(log).toMatchObject({ state: 'failing', full: true, delivered: 0 });
  await until('the count', async () => (await lines(gateway, 'dropped')) + (await lines(gateway, 'spilled')) >= calls);
});

test('a spill that cannot be written to is a log that is full', async () => {
  const spill = world.path('lost-spill');
  const gateway = await world.start({
    'telemetry.log': world.path('later/decisions.log'),
    'telemetry.spill.directory': spill,
    'telemetry.whenFull': 'DenyWrites',
  });
  rmSync(spill, { recursive: true });
  await decideMany(gateway, 10);
  await until('drops', async () => (await lines(gateway, 'dropped')) === 10);
  expect(await isFull(gateway)).toBe(true);
  await expectOnlyReads(gateway);
  await until('further drops', async () => (await lines(gateway, 'dropped')) === 12);
  mkdirSync(world.path('later'));
  await until('room in the log', async () => {
    await decideMany(gateway, 1);
    return !(await isFull(gateway));
  });
  expect((await world.write(gateway)).status).toBe(200);
});

test('without a spill what does not fit in memory is counted, and is what full means', async () => {
  const gateway = await world.start({ 'telemetry.log': '/dev/full', 'telemetry.whenFull': 'DenyWrites' });
  await until('a full log', async () => {
    await decideMany(gateway, 50);
    return isFull(gateway);
  });
  await expectOnlyReads(gateway);
  await until('drops', async () => {
    await decideMany(gateway, 50);
    return (await lines(gateway, 'dropped')) > 0;
  });
});
