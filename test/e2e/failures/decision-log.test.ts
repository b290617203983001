import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FailureWorld } from '../../support/failure-world.ts';
import { makeFifo, readFifo } from '../../support/fifo.ts';
import type { GatewayProcess } from '../../support/gateway-process.ts';
import { health, metric, until } from '../../support/gateway-view.ts';

/** Where the decision log goes is blocked, missing or full: calls go on, and the log is complete and in order later. */

let world: FailureWorld;
let count = 0;

beforeAll(async () => {
  world = await FailureWorld.open();
  world.publish();
});

afterAll(() => world.close());

/** Decision ids, as the clients were told them. */
async function calls(gateway: GatewayProcess, number: number): Promise<string[]> {
  const ids: string[] = [];
  for (let call = 0; call < number; call++) {
    const { status, headers } = await world.write(gateway);
    expect(status).toBe(200);
    ids.push(String(headers['aegis-decision-id']));
  }
  return ids;
}

function idsOf(text: string): string[] {
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { decision_id: string }).decision_id);
}

const lines = (gateway: GatewayProcess, result: string): Promise<number> =>
  metric(gateway, 'aegis_gateway_log_lines_total', { result });

function spill(): Record<string, string> {
  return { 'telemetry.spill.directory': world.path(`spill-${count++}`) };
}

/** The decision ids on disk. */
function spilled(settings: Record<string, string>): string[] {
  const folder = settings['telemetry.spill.directory'] as string;
  const names = readdirSync(folder).sort();
  return names.flatMap((name) => idsOf(readFileSync(join(folder, name), 'utf8')));
}

test('a folder that is missing: spills to disk, and delivers all of it once the folder is there', async () => {
  const log = world.path('logs/decisions.log');
  const gateway = await world.start({ 'telemetry.log': log, ...spill() });
  const ids = await calls(gateway, 30);
  await until('the spill', async () => (await lines(gateway, 'spilled')) >= 30);
  expect((await health(gateway)).decision_log).toMatchObject({ state: 'failing', full: false, delivered: 0 });
  mkdirSync(world.path('logs'));
  await until('the delivery', async () => (await lines(gateway, 'delivered')) >= 30);
  ids.push(...(await calls(gateway, 3)));
  await until('the rest', async () => (await lines(gateway, 'delivered')) >= 33);
  expect(idsOf(readFileSync(log, 'utf8'))).toEqual(ids);
  expect(await lines(gateway, 'dropped')).toBe(0);
  expect((await health(gateway)).decision_log).toMatchObject({ state: 'ok', spill_bytes: 0 });
  expect(await gateway.stop()).toBe(0);
});

test('a full disk: spills, and what it holds is delivered by the next process, however the first one ended', async () => {
  const kept = spill();
  const first = await world.start({ 'telemetry.log': '/dev/full', ...kept });
  const ids = await calls(first, 30);
  await until('the lines on disk', () => spilled(kept).length === 30);
  expect((await health(first)).decision_log.state).toBe('failing');
  await first.kill();
  const log = world.path('after-full.log');
  const second = await world.start({ 'telemetry.log': log, ...kept });
  await until('the delivery', async () => (await lines(second, 'delivered')) >= 30);
  expect(idsOf(readFileSync(log, 'utf8'))).toEqual(ids);
});

test('a pipe without a reader, and one whose reader stands still: no call waits, and the log is whole', async () => {
  const path = world.path('log.fifo');
  makeFifo(path);
  const gateway = await world.start({ 'telemetry.log': path, ...spill() });
  const ids = await calls(gateway, 30);
  const state = async (): Promise<string> => (await health(gateway)).decision_log.state;
  await until('the trouble in health', async () => (await state()) !== 'ok');
  const reader = readFifo(path);
  try {
    await until('the delivery', () => reader.lines().length === 30);
    reader.child.kill('SIGSTOP');
    // more than a pipe holds
    ids.push(...(await calls(gateway, 250)));
    await until('the stall in health', async () => (await state()) === 'stalled');
    ids.push(...(await calls(gateway, 10)));
    reader.child.kill('SIGCONT');
    await until('the delivery', () => reader.lines().length >= 290);
    expect(idsOf(`${reader.lines().join('\n')}\n`)).toEqual(ids);
    expect(await lines(gateway, 'dropped')).toBe(0);
    expect(await gateway.stop()).toBe(0);
  } finally {
    reader.child.kill('SIGKILL');
  }
});

test('a pipe that nobody ever reads does not hold up the end', async () => {
  const path = world.path('never.fifo');
  makeFifo(path);
  const kept = spill();
  const gateway = await world.start({ 'telemetry.log': path, 'drain.grace': '1s', ...kept });
  const ids = await calls(gateway, 5);
  const began = performance.now();
  expect(await gateway.stop()).toBe(0);
  expect(performance.now() - began).toBeLessThan(6000);
  expect(spilled(kept)).toEqual(ids);
});

/** A small disk of the gateway's own, where the system lets one have it. */
function smallDisk(at: string): { command: string[] } {
  mkdirSync(at);
  const mount = 'mount -t tmpfs -o size=64k none "$0" && exec "$@"';
  const main = join(__dirname, '../../../gateway/main.ts');
  return { command: ['unshare', '-Urm', 'sh', '-c', mount, at, process.execPath, main] };
}

const mountable = spawnSync('unshare', ['-Urm', 'true']).status === 0;

(mountable ? test : test.skip)(
  'a disk that fills up in the middle of a line leaves no broken line behind',
  async () => {
    const disk = world.path('disk');
    const gateway = await world.start({ 'telemetry.log': join(disk, 'decisions.log'), ...spill() }, smallDisk(disk));
    const inside = join('/proc', String(gateway.pid), 'root', disk);
    const ids = await calls(gateway, 3);
    await until('the log', async () => (await lines(gateway, 'delivered')) >= 3);
    expect(() => writeFileSync(join(inside, 'filler'), Buffer.alloc(128 * 1024))).toThrow('ENOSPC');
    ids.push(...(await calls(gateway, 40)));
    await until('the failure in health', async () => (await health(gateway)).decision_log.state === 'failing');
    rmSync(join(inside, 'filler'));
    await until('the delivery', async () => (await lines(gateway, 'delivered')) >= 43);
    const text = readFileSync(join(inside, 'decisions.log'), 'utf8');
    expect(idsOf(text)).toEqual(ids);
    expect(await gateway.stop()).toBe(0);
  },
);

test('standard output and standard error whose reader is gone: calls go on, the lines are on disk', async () => {
  const kept = spill();
  const gateway = await world.start({ ...kept, 'telemetry.level': 'debug', 'bundle.pollInterval': '100ms' });
  gateway.child.stdout?.destroy();
  gateway.child.stderr?.destroy();
  const ids = await calls(gateway, 20);
  // something to say on standard error
  world.publish();
  await until('the next bundle', async () => (await health(gateway)).bundle.sequence === 2);
  await until('the failure in health', async () => (await health(gateway)).decision_log.state === 'failing');
  ids.push(...(await calls(gateway, 5)));
  expect(await gateway.stop()).toBe(0);
  expect(spilled(kept)).toEqual(ids);
});
