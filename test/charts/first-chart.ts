import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './helm.ts';

/** What a release of that time consists of: its chart and its operator. */
const PARTS = ['charts/aegis', 'operator', 'policy', 'runtime', 'package.json'];

function git(...args: string[]): Buffer {
  return execFileSync('git', args, { cwd: ROOT, maxBuffer: 256 * 1024 * 1024, stdio: ['ignore', 'pipe', 'ignore'] });
}

/** The commit that the chart came with. Undefined where the history has none, or there is no history. */
export function firstChartCommit(): string | undefined {
  try {
    const commits = git('log', '--diff-filter=A', '--format=%H', '--', 'charts/aegis/Chart.yaml').toString();
    return commits.trim().split('\n').at(-1) || undefined;
  } catch {
    return undefined;
  }
}

/** Puts chart and operator of a commit into a folder, with the libraries of today. */
export function checkOut(commit: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  execFileSync('tar', ['-x', '-C', folder], { input: git('archive', commit, ...PARTS) });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
}
