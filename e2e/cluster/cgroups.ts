import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Where the hierarchies are mounted: one of version 2, or one for each controller. */
function hierarchies(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] as string);
}

/** The folders of one name, one in every hierarchy, whether they exist or not. */
export function cgroupFolders(name: string): string[] {
  return hierarchies().map((mount) => join(mount, name));
}

/** Folders of one name in every hierarchy, below which the kubelet puts all pods. @returns their paths */
export function makeCgroups(name: string): string[] {
  const folders = cgroupFolders(name);
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true });
    inheritCpus(dirname(folder), folder);
  }
  return folders;
}

/** Version 1 leaves them empty, and nothing can run there. */
function inheritCpus(parent: string, folder: string): void {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    try {
      if (readFileSync(join(folder, name), 'utf8').trim() !== '') continue;
      writeFileSync(join(folder, name), readFileSync(join(parent, name), 'utf8'));
    } catch {
      // another controller, or version 2
    }
  }
}
