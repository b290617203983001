import { execFileSync } from 'node:child_process';

/**
 * The way images come to the nodes of a cluster of one's own: the command in AEGIS_E2E_IMPORT gets the path of a
 * docker-archive (`kind load image-archive`). @throws where there is none
 */
export function importToExternal(file: string): void {
  const command = process.env.AEGIS_E2E_IMPORT;
  if (command === undefined)
    throw new Error('AEGIS_E2E_IMPORT names no command that takes a docker-archive to the nodes');
  execFileSync('sh', ['-c', `${command} "$0"`, file], { stdio: ['ignore', 2, 'inherit'] });
}
