import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toolFolder } from '../../scripts/tool-path.ts';

/** Beside the tools, outside the repository. */
export function cacheFolder(name: string): string {
  const folder = join(dirname(toolFolder('cluster-node')), name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Finished images, as docker-archives. */
export function imageFolder(): string {
  return cacheFolder('e2e-images');
}

/** Layers by what they were made from, so that nothing is built twice. */
export function layerFolder(): string {
  return cacheFolder('e2e-layers');
}
