import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolEnvironment, toolPath } from '../../scripts/tool-path.ts';

/** There is no container engine in the tests, so the image's root is laid out by the Dockerfile's own script. */
const root = join(__dirname, '../..');
const dockerfile = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll(/\\\n\s*/g, '');
const instructions = dockerfile
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const);
const all = (name: string): string[] => instructions.filter(([each]) => each === name).map(([, text]) => text);
const { flags, environment } = JSON.parse(readFileSync(join(root, 'bin/gateway-node.json'), 'utf8')) as {
  flags: string[];
  environment: Record<string, string>;
};

test('the image is built in stages, from plain image names, for a user with a number', () => {
  expect(all('FROM')).toEqual([expect.stringMatching(/^\$\{NODE_IMAGE\} AS build$/), 'scratch']);
  expect(all('ARG')[0]).toMatch(/^NODE_IMAGE=node:24[a-z.0-9-]*$/);
  expect(all('USER')).toEqual(['65532:65532']);
  for (const name of ['ADD', 'HEALTHCHECK', 'CMD', 'SHELL', 'MAINTAINER']) expect(all(name)).toEqual([]);
  expect(all('VOLUME')).toEqual(['/var/lib/aegis']);
  const last = instructions.findIndex(([name, text]) => name === 'FROM' && text === 'scratch');
  expect(instructions.slice(last).some(([name]) => name === 'RUN')).toBe(false);
});

test('Node runs with the same flags as on the command line', () => {
  const [entry = ''] = all('ENTRYPOINT');
  expect(JSON.parse(entry)).toEqual(['/usr/local/bin/node', ...flags, '/app/gateway.mjs']);
  for (const [name, value] of Object.entries(environment)) expect(all('ENV').join(' ')).toContain(`${name}=${value}`);
});

test('what is copied exists and is not ignored', () => {
  const ignore = readFileSync(join(root, '.dockerignore'), 'utf8').split('\n');
  const kept = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  const copied = all('COPY')
    .filter((text) => !text.startsWith('--from'))
    .flatMap((text) => text.split(' ').slice(0, -1));
  expect(copied.sort()).toEqual([...kept].sort());
  for (const name of copied) expect(readdirSync(join(root, name, '..'))).toContain(name.split('/').at(-1));
});

/** Builds and lays out the image as the Dockerfile does, in a folder that holds only what it copies. */
function layOut(folder: string): string {
  const source = join(folder, 'src');
  const out = join(folder, 'image');
  mkdirSync(join(source, 'scripts'), { recursive: true });
  for (const name of all('COPY')
    .filter((text) => !text.startsWith('--from'))
    .flatMap((text) => text.split(' ').slice(0, -1))) {
    execFileSync('cp', ['-r', join(root, name), join(source, name)]);
  }
  execFileSync('ln', ['-s', join(root, 'node_modules'), join(source, 'node_modules')]);
  const build = `import('./scripts/build-gateway.mjs').then(({ buildGateway }) => buildGateway('${folder}/gateway'))`;
  execFileSync(process.execPath, ['-e', build], { cwd: source });
  // Debian's iptables, unpacked and not installed.
  const script = ['scripts/image-root.sh', process.execPath, join(folder, 'gateway'), out, toolPath('iptables')];
  execFileSync('sh', script, { cwd: source, env: { ...process.env, ...toolEnvironment('iptables') } });
  return out;
}

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot('nothing else is needed: it runs there as another user, on a read-only root', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-image-'));
  chmodSync(folder, 0o755);
  try {
    const out = layOut(folder);
    expect(readdirSync(join(out, 'app')).filter((name) => !/^gateway.*\.mjs$/.test(name))).toEqual(['capture.mjs']);
    const state = join(folder, 'state');
    mkdirSync(join(state, 'bundle'), { recursive: true });
    const aegis = (...args: string[]) =>
      execFileSync(process.execPath, [join(root, 'cli/main.ts'), ...args], { cwd: folder });
    aegis('compile', join(root, 'config/samples/fintech'), '-o', join(folder, 'out'));
    aegis('keygen', '-o', join(folder, 'key'));
    aegis('sign', join(folder, 'out'), '--key', join(folder, 'key.key'), '--sequence', '1');
    copyFileSync(join(folder, 'out.tar.gz'), join(state, 'bundle.tar.gz'));
    copyFileSync(join(folder, 'key.pub'), join(state, 'key.pub'));
    for (const name of ['', 'bundle', 'bundle.tar.gz', 'key.pub']) chownSync(join(state, name), 65532, 65532);

    const settings = [
      ...['--tenant', 'fintech', '--agent', 'finance-agent', '--bundle.directory', '/var/lib/aegis/bundle.tar.gz'],
      ...['--bundle.trustedKeys', '/var/lib/aegis/key.pub', '--bundle.store', '/var/lib/aegis/store'],
      ...['--telemetry.spill.directory', '/var/lib/aegis/spill', '--capture.caDirectory', '/var/lib/aegis/ca'],
      ...['--listen.decisions', '127.0.0.1:0', '--listen.proxy', '127.0.0.1:0', '--listen.admin', '127.0.0.1:0'],
      ...['--listen.tls', '127.0.0.1:0', '--listen.extAuthz', '127.0.0.1:0'],
      ...['--telemetry.otlp.endpoint', 'http://127.0.0.1:9'],
    ];
    const mounts = `mount --bind ${out} ${out} && mount -o remount,ro,bind ${out} &&
      mount --bind ${state} ${out}/var/lib/aegis && mount --bind /proc ${out}/proc &&
      exec chroot --userspec=65532:65532 ${out} "$@"`;
    const entry = JSON.parse(all('ENTRYPOINT')[0] as string) as string[];
    const child = spawn('unshare', ['-m', 'sh', '-c', mounts, 'sh', ...entry, ...settings], {
      env: { NODE_ENV: 'production', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    try {
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => {
        log += chunk.toString();
      });
      while (!log.includes('"bundle.stored"')) {
        if (child.exitCode !== null) throw new Error(log);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const listening = JSON.parse(log.split('\n').find((line) => line.includes('"listening"')) as string) as Record<
        string,
        string
      >;
      const ready = await fetch(`http://${listening.admin}/health/ready`);
      expect(ready.status).toBe(200);
      expect((await fetch(`http://${listening.admin}/metrics`)).status).toBe(200);
      const input = { agent: 'finance-agent', tool: 'stripe-payments', action: 'get_payment', params: { id: 'pi_1' } };
      const response = await fetch(`http://${listening.decisions}/v1/decisions`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ input }),
      });
      expect(await response.json()).toMatchObject({ enforced: { verdict: 'allow' } });
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      expect(code).toBe(0);
      expect(readdirSync(state).sort()).toEqual(['bundle', 'bundle.tar.gz', 'ca', 'key.pub', 'spill', 'store']);
    } finally {
      child.kill('SIGKILL');
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

const CAPTURE = {
  version: 1,
  gatewayUid: 16_001,
  ports: { http: 15_080, tls: 15_443 },
  guard: 'Enforce',
  allow: [{ cidr: '10.0.0.0/8' }, { cidr: 'fd00::/8', ports: [443] }],
};

asRoot('the init container runs there too: root with NET_ADMIN and nothing else, in a network of its own', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-image-'));
  try {
    const out = layOut(folder);
    writeFileSync(join(out, 'etc/resolv.conf'), 'nameserver 10.96.0.10\n');
    const mounts = `mount --bind ${out} ${out} && mount -o remount,ro,bind ${out} && mount --bind /proc ${out}/proc &&
      exec setpriv --bounding-set=-all,+net_admin,+sys_chroot --inh-caps=-all chroot ${out} "$@"`;
    const inPod = (...command: string[]) => ['-n', '-m', 'sh', '-c', mounts, 'sh', ...command];
    const run = (config: unknown) =>
      spawnSync('unshare', inPod('/usr/local/bin/node', '/app/capture.mjs'), {
        env: { PATH: process.env.PATH, AEGIS_CAPTURE_CONFIG: JSON.stringify(config) },
        encoding: 'utf8',
        timeout: 60_000,
      });
    const done = run(CAPTURE);
    expect([done.status, done.stderr]).toEqual([0, '']);
    expect(JSON.parse(done.stdout)).toMatchObject({
      event: 'capture.applied',
      guard: 'Enforce',
      resolvers: ['10.96.0.10'],
    });
    const refused = run({ ...CAPTURE, version: 2 });
    expect([refused.status, refused.stdout]).toEqual([1, '']);
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'AEGIS_CAPTURE_CONFIG' });
    // Rules that others have written are read with any extension.
    const extensions = readdirSync(join(out, 'usr/lib'), { recursive: true }).map(String);
    for (const name of [
      'libxt_owner.so',
      'libxt_comment.so',
      'libxt_multiport.so',
      'libipt_REJECT.so',
      'libip6t_REJECT.so',
    ]) {
      expect(extensions.some((path) => path.endsWith(`/xtables/${name}`))).toBe(true);
    }
    expect(readdirSync(join(out, 'usr/sbin'))).toEqual(['xtables-nft-multi']);
    for (const name of ['bin', 'usr/bin', 'sbin']) expect(existsSync(join(out, name))).toBe(false);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
