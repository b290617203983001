import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CaptureConfig } from '../../../policy/wire/capture-config.ts';
import { toolEnvironment, toolFolder, toolPath } from '../../../scripts/tool-path.ts';

/** Both ends of a wire, in network namespaces that end with the test. */
export const POD = { ipv4: '10.77.0.2', ipv6: 'fd77::2' };
export const OUTSIDE = {
  ipv4: '10.77.0.1',
  ipv6: 'fd77::1',
  resolver: '10.77.0.53',
  resolver6: 'fd77::53',
  other: '10.88.0.1',
};

export const AGENT_UID = 12_345;
export const GATEWAY_UID = 16_001;

export type Probe = readonly ['tcp' | 'udp', string, number];

export interface CaptureRun {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface PodNetwork {
  /** Runs the capture program as the init container would run: root with NET_ADMIN and nothing else. */
  capture(config: Partial<CaptureConfig> | string): CaptureRun;
  /** What became of connections of a user, one result per probe. */
  probe(uid: number, probes: readonly Probe[]): string[];
  /** A program of the pod; ends with it. */
  start(uid: number, command: readonly string[]): Promise<void>;
  /** The same, by what it says on either output once it is ready; all that it has said so far. */
  startSaying(uid: number, command: readonly string[], word: string): Promise<() => string>;
  /** A program outside. */
  startOutside(command: readonly string[]): Promise<void>;
  /** Any command in the pod's network, as root. */
  inside(command: readonly string[], input?: string): string;
  /** Any command outside of it. */
  outside(command: readonly string[]): string;
  close(): Promise<void>;
}

export const XTABLES = toolPath('iptables');
const ENVIRONMENT = {
  ...process.env,
  ...toolEnvironment('iptables'),
  XTABLES_LIBDIR: join(toolFolder('iptables'), 'usr/lib/x86_64-linux-gnu/xtables'),
};
const MAIN = join(__dirname, '../../../gateway/pod-capture/main.ts');

export const here = (name: string): string => join(__dirname, name);

/** Undefined where such networks can be made. */
export function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces of other users need root';
  return undefined;
}

const CONFIG: CaptureConfig = {
  version: 1,
  gatewayUid: GATEWAY_UID,
  ports: { http: 15_080, tls: 15_443 },
  guard: 'Enforce',
  allow: [],
};

export async function openPodNetwork(): Promise<PodNetwork> {
  const folder = mkdtempSync(join(tmpdir(), 'aegis-pod-'));
  const children: ChildProcess[] = [];
  const namespace = async (setup: string): Promise<number> => {
    const child = spawn('unshare', ['-n', '-m', 'sh', '-c', `${setup} echo ready; exec sleep 600`]);
    children.push(child);
    await ready(child);
    return child.pid as number;
  };
  const resolvConf = join(folder, 'resolv.conf');
  writeFileSync(resolvConf, `search a.test\nnameserver ${OUTSIDE.resolver}\nnameserver ${OUTSIDE.resolver6}\n`);
  const pod = await namespace(`mount --make-rprivate / && mount --bind ${resolvConf} /etc/resolv.conf &&`);
  const world = await namespace('');

  const enter = (pid: number): string[] => ['-t', String(pid), '-n', '-m'];
  const run = (pid: number, command: readonly string[], input = ''): string =>
    execFileSync('nsenter', [...enter(pid), ...command], {
      encoding: 'utf8',
      env: ENVIRONMENT,
      stdio: 'pipe',
      input,
      timeout: 30_000,
    });
  const ip = (pid: number, text: string): string => run(pid, ['ip', ...text.split(' ')]);
  const asUser = (uid: number): string[] => [
    ...['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--bounding-set=-all', '--no-new-privs'],
    ...[process.execPath],
  ];

  execFileSync('ip', [
    'link',
    'add',
    'eth0',
    'netns',
    String(pod),
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'netns',
    String(world),
  ]);
  for (const pid of [pod, world]) {
    ip(pid, 'link set lo up');
    ip(pid, 'link set eth0 up');
  }
  const addresses = (pid: number, ...list: string[]): void => {
    for (const address of list) {
      ip(pid, `addr add ${address} dev eth0${address.includes(':') ? ' nodad' : ''}`);
    }
  };
  addresses(pod, `${POD.ipv4}/24`, `${POD.ipv6}/64`);
  const { ipv4, ipv6, resolver, resolver6, other } = OUTSIDE;
  addresses(world, `${ipv4}/24`, `${ipv6}/64`, `${resolver}/24`, `${resolver6}/64`, `${other}/32`);
  // As container runtimes set it.
  run(pod, ['sh', '-c', 'echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start']);
  ip(pod, `route add default via ${ipv4}`);
  ip(pod, `-6 route add default via ${ipv6}`);

  const begin = async (pid: number, command: readonly string[], word = 'ready'): Promise<() => string> => {
    const child = spawn('nsenter', [...enter(pid), ...command], { env: ENVIRONMENT });
    children.push(child);
    return ready(child, word);
  };
  await begin(world, [
    process.execPath,
    here('outside.mjs'),
    Object.values(OUTSIDE).join(),
    '53,80,443,5432,8080',
    '53,80,443,9999',
  ]);

  return {
    capture(config) {
      const text = typeof config === 'string' ? config : JSON.stringify({ ...CONFIG, ...config });
      const command = [
        'setpriv',
        '--bounding-set=-all,+net_admin',
        '--inh-caps=-all',
        '--no-new-privs',
        process.execPath,
        MAIN,
        XTABLES,
      ];
      try {
        const stdout = execFileSync('nsenter', [...enter(pod), ...command], {
          encoding: 'utf8',
          env: { ...ENVIRONMENT, AEGIS_CAPTURE_CONFIG: text },
          stdio: 'pipe',
          timeout: 30_000,
        });
        return { code: 0, stdout, stderr: '' };
      } catch (error) {
        const { status, stdout, stderr } = error as { status: number | null; stdout: string; stderr: string };
        return { code: status, stdout, stderr };
      }
    },
    probe: (uid, probes) =>
      JSON.parse(run(pod, [...asUser(uid), here('probe.mjs'), JSON.stringify(probes)])) as string[],
    async start(uid, command) {
      await begin(pod, [...asUser(uid), ...command]);
    },
    startSaying: (uid, command, word) => begin(pod, [...asUser(uid), ...command], word),
    async startOutside(command) {
      await begin(world, [process.execPath, ...command]);
    },
    inside: (command, input) => run(pod, command, input),
    outside: (command) => run(world, command),
    async close() {
      for (const child of children.reverse()) {
        if (child.exitCode !== null || child.signalCode !== null) continue;
        const ended = once(child, 'exit');
        child.kill('SIGKILL');
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves once the program has said the word. */
async function ready(child: ChildProcess, word = 'ready'): Promise<() => string> {
  let said = '';
  await new Promise<void>((done, failed) => {
    const listen = (chunk: Buffer): void => {
      said += chunk.toString();
      if (said.includes(word)) done();
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', () => failed(new Error(`it ended: ${said}`)));
  });
  return () => said;
}
