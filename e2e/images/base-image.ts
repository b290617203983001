import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { toolFolder } from '../../scripts/tool-path.ts';
import { type Layer, layer, runIn } from './layers.ts';

const MIRROR = process.env.AEGIS_DEBIAN_MIRROR ?? 'http://deb.debian.org/debian';

/**
 * Local stand-ins of the base images: `debian:bookworm-slim` is what debootstrap makes of the distribution's packages,
 * `node:…` is that with the pinned Node and the machine's npm, `python:3…` with the distribution's Python and pip.
 * @returns layers, the lowest first
 */
export function baseImage(name: string): Layer[] {
  if (name === 'scratch') return [];
  if (name.startsWith('debian:bookworm')) return [debian()];
  if (/^node:\d+-bookworm/.test(name)) return [debian(), node(name)];
  if (/^python:3[.\d]*-slim/.test(name)) return [debian(), python()];
  throw new Error(`there is no local stand-in for the image ${name}`);
}

function debian(): Layer {
  return layer('debian-bookworm', (folder) => {
    console.error('making the base image of Debian packages (once; about a minute) …');
    const tool = toolFolder('debootstrap');
    const flags = ['--variant=minbase', '--include=ca-certificates'];
    execFileSync('sh', [join(tool, 'usr/sbin/debootstrap'), ...flags, 'bookworm', folder, MIRROR], {
      env: { ...process.env, DEBOOTSTRAP_DIR: join(tool, 'usr/share/debootstrap') },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    for (const name of ['var/cache/apt/archives', 'var/lib/apt/lists']) emptyFolder(join(folder, name));
    rmSync(join(folder, 'dev'), { recursive: true });
    mkdirSync(join(folder, 'dev'));
  });
}

function emptyFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(join(folder, 'partial'), { recursive: true });
}

function node(name: string): Layer {
  const manifest = createRequire(import.meta.url).resolve('node/package.json');
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  if (name.slice('node:'.length).split(/[.-]/)[0] !== version.split('.')[0]) {
    throw new Error(`${name} is wanted, and the pinned Node is ${version}`);
  }
  return layer(`node-${version}`, (folder) => {
    const local = join(folder, 'usr/local');
    mkdirSync(join(local, 'bin'), { recursive: true });
    cpSync(join(dirname(manifest), 'bin/node'), join(local, 'bin/node'));
    chmodSync(join(local, 'bin/node'), 0o755);
    cpSync(npmFolder(), join(local, 'lib/node_modules/npm'), { recursive: true });
    for (const tool of ['npm', 'npx']) {
      execFileSync('ln', ['-s', `../lib/node_modules/npm/bin/${tool}-cli.js`, join(local, 'bin', tool)]);
    }
  });
}

/** Of the version that the distribution has; pip may install into it, as in the image that it stands in for. */
function python(): Layer {
  const commands = [
    'apt-get update',
    'apt-get install -y --no-install-recommends python3 python3-pip',
    'rm -rf /var/lib/apt/lists/* /usr/lib/python3*/EXTERNALLY-MANAGED',
  ];
  return layer('python-bookworm', (upper) => {
    console.error('making the base image of Python (once) …');
    runIn([debian()], upper, { command: ['sh', '-c', commands.join(' && ')], folder: '/', env: {} });
  });
}

/** The npm that lies on the path, whole. */
function npmFolder(): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const command = join(folder, 'npm');
    if (!existsSync(command)) continue;
    const root = dirname(dirname(realpathSync(command)));
    if (existsSync(join(root, 'bin/npm-cli.js'))) return root;
  }
  throw new Error('npm is not on the path, and is needed to build images');
}
