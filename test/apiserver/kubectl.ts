import { execFile, execFileSync } from 'node:child_process';
import { installed } from './processes.ts';

interface Run {
  kubeconfig: string;
  /** Home folder: kubectl keeps what it discovers there. */
  home: string;
  input?: string;
}

function optionsOf({ home }: Run) {
  const env = { PATH: process.env.PATH, HOME: home };
  return { encoding: 'utf8', env, maxBuffer: 64 * 1024 * 1024 } as const;
}

/** Its output; this process does nothing else meanwhile. @throws with its standard error */
export function kubectlSync(args: readonly string[], run: Run): string {
  return execFileSync(installed('kubectl'), [`--kubeconfig=${run.kubeconfig}`, ...args], {
    ...optionsOf(run),
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(run.input !== undefined && { input: run.input }),
  });
}

/** Its output. Rejects with its standard error. */
export function kubectl(args: readonly string[], run: Run): Promise<string> {
  return new Promise((resolve, reject) => {
    const words = [`--kubeconfig=${run.kubeconfig}`, ...args];
    const child = execFile(installed('kubectl'), words, optionsOf(run), (error, output) => {
      if (error) reject(error);
      else resolve(output);
    });
    child.stdin?.on('error', () => {});
    child.stdin?.end(run.input ?? '');
  });
}
