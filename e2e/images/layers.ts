import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { tarFolder } from './archive.ts';
import { cacheFolder, layerFolder } from './folders.ts';

/** One step's changes of the file system, by what they were made from. */
export interface Layer {
  readonly key: string;
  readonly folder: string;
}

/** A step once, ever: `work` fills the folder. An interrupted one is never taken for a whole one. */
export function layer(key: string, work: (folder: string) => void): Layer {
  const folder = join(layerFolder(), key);
  if (!existsSync(folder)) {
    const partial = join(layerFolder(), `partial-${process.pid}-${key.slice(0, 16)}`);
    rmSync(partial, { recursive: true, force: true });
    mkdirSync(partial, { mode: 0o755 });
    try {
      work(partial);
      renameSync(partial, folder);
    } catch (error) {
      // another build may have been faster
      if (!existsSync(folder)) throw error;
    } finally {
      rmSync(partial, { recursive: true, force: true });
    }
  }
  const now = new Date();
  utimesSync(folder, now, now);
  return { key, folder };
}

/** The layer as a tar; its deletions cannot be told, so that it must have none. */
export function writeLayerTar({ folder }: Layer, file: string): void {
  tarFolder(folder, file);
}

/** The whole file system of several layers, as one tar. */
export function writeMergedTar(layers: readonly Layer[], file: string): void {
  const flags = "--numeric-owner --sort=name --mtime=@0 --exclude='./dev/*' --exclude='./proc/*'";
  withOverlay(layers, undefined, `tar ${flags} -C "$root" -cf '${file}' .`);
}

/**
 * Runs a shell script with the layers' file system at `$root`, in mount and process namespaces of its own: with the
 * script's end nothing is mounted and nothing of it runs. @param upper takes the changes; without it there can be none
 */
export function withOverlay(layers: readonly Layer[], upper: string | undefined, script: string): void {
  const scratch = join(layerFolder(), `work-${process.pid}`);
  for (const name of ['empty', 'root', 'work']) mkdirSync(join(scratch, name), { recursive: true });
  // the topmost comes first, and there must be two where nothing may change
  const lower = [...layers.map(({ folder }) => folder)].reverse();
  lower.push(join(scratch, 'empty'), ...(upper === undefined && lower.length === 0 ? [join(scratch, 'root')] : []));
  const change = upper === undefined ? '' : `,upperdir=${upper},workdir=${scratch}/work`;
  const setUp = `root=${scratch}/root
mount -t overlay overlay -o 'lowerdir=${lower.join(':')}${change}' "$root"
`;
  const words = ['--mount', '--pid', '--fork', '--kill-child', '--propagation', 'private', '--', 'sh', '-euc'];
  try {
    execFileSync('unshare', [...words, setUp + script], { stdio: ['ignore', 2, 'inherit'] });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const HOST_CA = '/etc/ssl/certs/ca-certificates.crt';

export interface RunOptions {
  command: readonly string[];
  folder: string;
  env: Readonly<Record<string, string>>;
}

/** Runs a command in the layers' file system, as root, with the machine's network. */
export function runIn(layers: readonly Layer[], upper: string, { command, folder, env }: RunOptions): void {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const proxies = Object.entries(process.env).filter(([name]) => /^(https?|no)_proxy$/i.test(name));
  const variables = {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: '/root',
    DEBIAN_FRONTEND: 'noninteractive',
    npm_config_cache: '/dev/npm',
    ...(existsSync(HOST_CA) && { NODE_EXTRA_CA_CERTS: '/dev/ca.crt', PIP_CERT: '/dev/ca.crt' }),
    ...Object.fromEntries(proxies),
    ...env,
  };
  const words = Object.entries(variables).map(([name, value]) => quoted(`${name}=${value}`));
  // /dev is the run's own: what it needs of the machine lies there and leaves no trace
  withOverlay(
    layers,
    upper,
    `mount -t proc proc "$root/proc"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom; do touch "$root/dev/$device"; mount --bind /dev/$device "$root/dev/$device"; done
ln -s /proc/self/fd "$root/dev/fd"
mkdir "$root/dev/npm" "$root/dev/shm"
mount --bind ${quoted(cacheFolder('e2e-npm'))} "$root/dev/npm"
if [ -f ${HOST_CA} ]; then cp ${HOST_CA} "$root/dev/ca.crt"; fi
[ -e "$root/etc/resolv.conf" ] && mount --bind /etc/resolv.conf "$root/etc/resolv.conf"
exec chroot "$root" env -i ${words.join(' ')} /bin/sh -c 'cd "$0" && exec "$@"' ${[folder, ...command].map(quoted).join(' ')}`,
  );
}

/** Each change of a program makes about five of them, of which two hold a copy of Node. */
const KEPT_LAYERS = 80;

/** What was not used for longest goes, and what a build left that was killed. */
export function pruneLayers(): void {
  const layers = readdirSync(layerFolder()).map((name) => ({ name, path: join(layerFolder(), name) }));
  const abandoned = ({ name }: { name: string }) => {
    const [, owner] = /^(?:partial|work)-(\d+)/.exec(name) ?? [];
    return owner !== undefined && !runs(Number(owner));
  };
  const finished = layers.filter(({ name }) => !/^(partial|work)-/.test(name));
  const aged = finished.map((entry) => ({ ...entry, at: statSync(entry.path).mtimeMs })).sort((a, b) => b.at - a.at);
  for (const { path } of [...layers.filter(abandoned), ...aged.slice(KEPT_LAYERS)]) {
    rmSync(path, { recursive: true, force: true });
  }
}

function runs(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8') !== '';
  } catch {
    return false;
  }
}
