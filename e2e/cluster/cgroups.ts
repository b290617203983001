import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the hierarchies are mounted: one of version 2, or one for each controller. */
function hierarchies(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(' ')[4] as string);
}

/** Folders of one name in every hierarchy, below which the kubelet puts all pods. @returns their paths */
export function makeCgroups(name: string): string[] {
  return hierarchies().map((mount) => {
    const folder = join(mount, name);
    mkdirSync(folder, { recursive: true });
    inheritCpus(mount, folder);
    return folder;
  });
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
