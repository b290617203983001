import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { pathToFileURL } from 'node:url';
import { ApiServer, waitFor } from './api-server.ts';
import { freePort } from './ports.ts';

const MODULE = pathToFileURL(require.resolve('./api-server.ts')).href;

interface Started {
  owner: ChildProcess;
  folder: string;
  pids: number[];
}

/** A program of its own that starts a control plane, says where it is, and does what `then` says. */
async function startOwner(then: string): Promise<Started> {
  const script = `
    const { ApiServer } = await import(${JSON.stringify(MODULE)});
    const server = await ApiServer.start({ crds: false });
    const { folder, processes } = server;
    const pids = [processes.pid('etcd'), processes.pid('kube-apiserver'), processes.watchdogPid];
    console.log(JSON.stringify({ folder, pids }));
    ${then}`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let output = '';
  owner.stdout?.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await waitFor(() => output.endsWith('\n'), 60_000);
  return { owner, ...(JSON.parse(output) as Omit<Started, 'owner'>) };
}

/** A process that has ended but was not yet waited for counts as gone. */
function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test.concurrent.each([
  ['kill -9', 'setInterval(() => {}, 1000);', 'SIGKILL'],
  ['Ctrl-C', 'setInterval(() => {}, 1000);', 'SIGINT'],
  ['an exception', "setTimeout(() => { throw new Error('expected by the test'); }, 100);", undefined],
  ['its end without stop()', 'process.exit(0);', undefined],
] as const)('nothing is left of a server whose test ended by %s', async (_, then, signal) => {
  const { owner, folder, pids } = await startOwner(then);
  expect(pids).toHaveLength(3);
  if (signal !== undefined) {
    expect(pids.map(runs)).toEqual([true, true, true]);
    owner.kill(signal);
  }
  await waitFor(() => !pids.some(runs), 10_000, `of ${pids.join(', ')} one still runs`);
  expect(existsSync(folder)).toBe(false);
});

test('a port that somebody took in the meantime is given up for another one', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => squatter.once('listening', resolve));
  const { port: taken } = squatter.address() as { port: number };
  const offered: (keyof Awaited<ReturnType<typeof ports>>)[] = ['etcd', 'server'];
  const ports = async () => ({
    etcd: await freePort(),
    peer: await freePort(),
    server: await freePort(),
    manager: await freePort(),
  });
  let attempts = 0;
  const server = await ApiServer.start({
    crds: false,
    async choosePorts() {
      attempts++;
      const role = offered.shift();
      return { ...(await ports()), ...(role !== undefined && { [role]: taken }) };
    },
  });
  try {
    expect(attempts).toBe(3);
    expect([server.port, server.etcdPort]).not.toContain(taken);
    expect((await server.raw('GET', '/api/v1/namespaces/default')).status).toBe(200);
  } finally {
    await server.stop();
    squatter.close();
  }
});

test("another control plane's etcd is not taken for one's own", async () => {
  const other = await ApiServer.start({ crds: false });
  let first = true;
  const server = await ApiServer.start({
    crds: false,
    async choosePorts() {
      const etcd = first ? other.etcdPort : await freePort();
      first = false;
      return { etcd, peer: await freePort(), server: await freePort(), manager: await freePort() };
    },
  });
  try {
    expect(server.etcdPort).not.toBe(other.etcdPort);
    const name = await server.namespace();
    expect((await other.raw('GET', `/api/v1/namespaces/${name}`)).status).toBe(404);
  } finally {
    await Promise.all([server.stop(), other.stop()]);
  }
});

test('a server that ends at once says why, and leaves nothing', async () => {
  const starting = ApiServer.start({ crds: false, serverFlags: ['--no-such-flag'] });
  await expect(starting).rejects.toThrow(/kube-apiserver ended \(exit code 1\).*\n.*unknown flag: --no-such-flag/s);
});

test('a tool that is not built is named with the command that builds it', async () => {
  const before = process.env.AEGIS_TOOLS_DIR;
  process.env.AEGIS_TOOLS_DIR = '/nonexistent';
  try {
    await expect(ApiServer.start()).rejects.toThrow(/etcd is not built yet: run `node scripts\/install-tools.ts etcd`/);
  } finally {
    if (before === undefined) delete process.env.AEGIS_TOOLS_DIR;
    else process.env.AEGIS_TOOLS_DIR = before;
  }
});
