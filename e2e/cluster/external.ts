import { execFileSync } from 'node:child_process';

const OUTSIDE = 'it needs an outside: names and addresses that pods reach and the suite listens on';
const FAULTS = 'it needs faults of the node';

/** Suites that a cluster of KUBECONFIG cannot run, and why. Of others the tests that need the node are skipped. */
export const NOT_ELSEWHERE: Readonly<Record<string, string>> = {
  cleanup: 'it starts clusters of its own',
  escapes: OUTSIDE,
  guide: OUTSIDE,
  outages: `${FAULTS}, and an outside`,
  'outages-node': `${FAULTS}, and an outside`,
  'outages-trust': `${FAULTS}, and an outside`,
  'pods-forgery': OUTSIDE,
  'pods-guard': OUTSIDE,
  story: OUTSIDE,
};

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
