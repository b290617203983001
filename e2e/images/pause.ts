import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toolFolder } from '../../scripts/tool-path.ts';
import { PAUSE_IMAGE } from '../cluster/layout.ts';
import { tarFolder, writeArchive } from './archive.ts';
import { imageFolder } from './folders.ts';

/** What holds a pod's namespaces: it sleeps. @returns its docker-archive */
export async function pauseImage(): Promise<string> {
  const file = join(imageFolder(), 'pause.tar');
  if (existsSync(file)) return file;
  const root = mkdtempSync(join(tmpdir(), 'aegis-pause-'));
  try {
    mkdirSync(join(root, 'root/bin'), { recursive: true });
    copyFileSync(join(toolFolder('cluster-node'), 'bin/busybox'), join(root, 'root/bin/busybox'));
    const layer = (tar: string) => tarFolder(join(root, 'root'), tar);
    await writeArchive(file, PAUSE_IMAGE, [layer], { Entrypoint: ['/bin/busybox', 'sleep', 'infinity'] });
  } finally {
    rmSync(root, { recursive: true });
  }
  return file;
}
