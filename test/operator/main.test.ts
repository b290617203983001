/** The program `aegis operator` as a process, on a real API server, with the rights that its manifests give it. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ApiServer, freePort } from '../apiserver/api-server.ts';

const ROOT = join(__dirname, '../..');
const MAIN = join(ROOT, 'operator/main.ts');

function run(args: readonly string[], env: Record<string, string> = {}) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env: { PATH: process.env.PATH, ...env } });
}

test('help, version, and settings that are wrong', () => {
  expect(run(['--help']).stdout).toContain('Usage: aegis operator [--config FILE]');
  expect(run(['--version']).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  const { status, stdout, stderr } = run(['--listen.bundels', 'x'], { AEGIS_OPERATOR_WORKERS: '0' });
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain('There is no setting --listen.bundels; did you mean --listen.bundles?');
  expect(stderr).toContain('AEGIS_OPERATOR_WORKERS: workers takes a whole number from 1 to 64.');
  expect(stderr).toContain('The operator does not start; see `aegis operator --help`.');
});

test('the settings in force, with what the pod says', () => {
  const pod = {
    AEGIS_OPERATOR_NAMESPACE: 'platform',
    AEGIS_OPERATOR_POD_NAME: 'op-1',
    AEGIS_OPERATOR_POD_ADDRESS: '::1',
  };
  const { status, stdout } = run(['--check-config'], pod);
  expect(status).toBe(0);
  expect(stdout).toContain('namespace: platform  # AEGIS_OPERATOR_NAMESPACE\n');
  expect(stdout).toContain('pod.address: ::1  # AEGIS_OPERATOR_POD_ADDRESS\n');
  expect(stdout).toMatch(/^identity: op-1_[0-9a-f]{16} {2}# default$/m);
  expect(stdout).toContain('bundles.address: https://aegis-operator-bundles.platform.svc/  # default\n');
});

describe('on a cluster', () => {
  let server: ApiServer;
  let folder: string;
  const running: ChildProcess[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'aegis-operator-'));
    server = await ApiServer.start({ crds: false });
    server.kubectl(['apply', '--server-side', '-k', join(ROOT, 'config/operator')]);
    server.kubectl(['wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all']);
    const token = server.kubectl(['create', 'token', 'aegis-operator', '-n', 'aegis-system']).trim();
    server.writeKubeconfig(join(folder, 'kubeconfig'), token);
  });
  afterEach(async () => {
    for (const child of running.splice(0)) await end(child, 'SIGKILL');
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function end(child: ChildProcess, signal?: NodeJS.Signals): Promise<number | null> {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exit = once(child, 'exit');
    if (signal !== undefined) child.kill(signal);
    const [code] = (await exit) as [number | null];
    return code;
  }

  async function until<T>(what: string, found: () => T | undefined | Promise<T | undefined>): Promise<T> {
    for (const deadline = Date.now() + 30_000; ; ) {
      const value = await found();
      if (value !== undefined) return value;
      if (Date.now() > deadline) throw new Error(`no ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  async function start(program: string[] = [process.execPath, MAIN], more: Record<string, string> = {}) {
    const admin = await freePort();
    const settings = {
      kubeconfig: join(folder, 'kubeconfig'),
      'listen.admin': `127.0.0.1:${admin}`,
      'listen.bundles': '127.0.0.1:0',
      'listen.webhook': '127.0.0.1:0',
      'telemetry.level': 'debug',
      ...more,
    };
    const [node = '', ...args] = program;
    const flags = Object.entries(settings).map(([key, value]) => `--${key}=${value}`);
    const child = spawn(node, [...args, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
    running.push(child);
    const log = { text: '' };
    child.stderr.on('data', (chunk: Buffer) => {
      log.text += chunk.toString();
    });
    return { child, log, admin: `http://127.0.0.1:${admin}` };
  }

  const events = (text: string): Record<string, unknown>[] =>
    text
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>);

  async function leading(operator: Awaited<ReturnType<typeof start>>): Promise<void> {
    await until('leader', async () => {
      if (operator.child.exitCode !== null) throw new Error(operator.log.text);
      const answer = await fetch(`${operator.admin}/metrics`).catch(() => undefined);
      return (await answer?.text())?.includes('\naegis_operator_leader 1\n') === true ? true : undefined;
    });
  }

  const lease = () =>
    JSON.parse(server.kubectl(['get', 'lease', 'aegis-operator', '-n', 'aegis-system', '-o', 'json'])) as {
      spec: { holderIdentity?: string };
    };

  test('with its own rights alone it becomes ready and leads; SIGTERM gives the Lease back: 0', async () => {
    const operator = await start();
    await leading(operator);
    expect((await fetch(`${operator.admin}/readyz`)).status).toBe(200);
    expect((await fetch(`${operator.admin}/healthz`)).status).toBe(200);
    expect(lease().spec.holderIdentity).toMatch(/_[0-9a-f]{16}$/);
    expect(await end(operator.child, 'SIGTERM')).toBe(0);
    expect(lease().spec.holderIdentity ?? '').toBe('');
    expect(events(operator.log.text).filter(({ status, level }) => status === 403 || level === 'error')).toEqual([]);
  });

  test('a Lease that somebody else has taken: 1, and the code says so', async () => {
    const operator = await start();
    await leading(operator);
    const taken = '{"spec":{"holderIdentity":"another_1"}}';
    server.kubectl(['patch', 'lease', 'aegis-operator', '-n', 'aegis-system', '--type=merge', '-p', taken]);
    expect(await end(operator.child)).toBe(1);
    expect(events(operator.log.text)).toContainEqual(
      expect.objectContaining({ level: 'error', event: 'leader.lost', code: 'AEGIS_LEADER_LOST' }),
    );
    expect(lease().spec.holderIdentity).toBe('another_1');
    server.kubectl(['delete', 'lease', 'aegis-operator', '-n', 'aegis-system']);
  });

  test('an address that is taken: 2, with the name of the setting', async () => {
    const first = await start();
    await leading(first);
    const second = await start(undefined, { 'listen.admin': first.admin.replace('http://', '') });
    expect(await end(second.child)).toBe(2);
    expect(second.log.text).toContain('listen.admin: 127.0.0.1:');
    expect(second.log.text).toContain('[AEGIS_LISTEN]');
    await end(first.child, 'SIGTERM');
  });

  test('the bundle, as it ships: the same, started by bin/aegis.mjs', async () => {
    const app = join(folder, 'app');
    execFileSync(process.execPath, [join(ROOT, 'scripts/build.mjs'), join(app, 'dist')]);
    execFileSync('cp', ['-r', join(ROOT, 'bin'), join(app, 'bin')]);
    execFileSync('mkdir', ['-p', join(app, 'policy')]);
    execFileSync('cp', ['-r', join(ROOT, 'policy/rego'), join(app, 'policy/rego')]);
    const operator = await start([process.execPath, join(app, 'bin/aegis.mjs'), 'operator']);
    await leading(operator);
    const metrics = await (await fetch(`${operator.admin}/metrics`)).text();
    const [, rss = 'none'] = /^process_resident_memory_bytes (\d+)$/m.exec(metrics) ?? [];
    expect(Number(rss)).toBeLessThan(200 * 2 ** 20);
    expect([await end(operator.child, 'SIGTERM'), operator.log.text]).toEqual([
      0,
      expect.not.stringContaining('"error"'),
    ]);
  });
});
