import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** What a container of the image runs, as the image configuration of Docker and OCI names it. */
export interface ImageConfig {
  Env?: string[];
  User?: string;
  Entrypoint?: string[];
  Cmd?: string[];
  WorkingDir?: string;
  Labels?: Record<string, string>;
  Volumes?: Record<string, object>;
  ExposedPorts?: Record<string, object>;
  StopSignal?: string;
}

/** A tar of a folder as it is: owners by number, names in order, one time for all files. */
export function tarFolder(folder: string, file: string): void {
  const flags = [
    '--numeric-owner',
    '--sort=name',
    '--mtime=@0',
    '--format=posix',
    '--pax-option=delete=atime,delete=ctime',
  ];
  execFileSync('tar', [...flags, '-C', folder, '-cf', file, '.'], { stdio: ['ignore', 'ignore', 'inherit'] });
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}

/**
 * Writes a docker-archive (layers, configuration, manifest.json), as `docker save` does and `ctr images import` reads.
 * @param name with tag; short names are those of docker.io/library, as everywhere
 * @param layers what writes the tar of each, the lowest first
 */
export async function writeArchive(
  file: string,
  name: string,
  layers: readonly ((file: string) => void)[],
  config: ImageConfig,
): Promise<void> {
  const scratch = `${file}.${process.pid}.parts`;
  mkdirSync(scratch, { recursive: true });
  try {
    const digests: string[] = [];
    for (const [index, write] of layers.entries()) {
      const tar = join(scratch, `${index}.tar`);
      write(tar);
      const digest = await sha256(tar);
      renameSync(tar, join(scratch, `${digest}.tar`));
      digests.push(digest);
    }
    const image = JSON.stringify({
      architecture: process.arch === 'x64' ? 'amd64' : process.arch,
      os: 'linux',
      created: '1970-01-01T00:00:00Z',
      config,
      rootfs: { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) },
    });
    const configName = `${createHash('sha256').update(image).digest('hex')}.json`;
    writeFileSync(join(scratch, configName), image);
    const manifest = [
      { Config: configName, RepoTags: [fullName(name)], Layers: digests.map((digest) => `${digest}.tar`) },
    ];
    writeFileSync(join(scratch, 'manifest.json'), JSON.stringify(manifest));
    mkdirSync(dirname(file), { recursive: true });
    tarFolder(scratch, `${file}.${process.pid}`);
    renameSync(`${file}.${process.pid}`, file);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** containerd keeps images by their full name. */
export function fullName(name: string): string {
  const [first = ''] = name.split('/');
  if (name.includes('/') && /[.:]|^localhost$/.test(first)) return name;
  return `docker.io/${name.includes('/') ? name : `library/${name}`}`;
}
