/** The real helm on the real chart. */
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { ApiServer } from '../apiserver/api-server.ts';
import { installed } from '../apiserver/processes.ts';

export const ROOT = join(__dirname, '../..');
export const CHART = join(ROOT, 'charts/aegis');

export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

/** A home of its own: helm keeps caches there. Not that of this machine's user, whose plugins could change results. */
const home = mkdtempSync(join(tmpdir(), 'aegis-helm-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const options = () => ({
  encoding: 'utf8' as const,
  env: { PATH: process.env.PATH, HOME: home },
  maxBuffer: 64 * 1024 * 1024,
});

/** Without a cluster. */
export function helm(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(installed('helm'), args, options());
}

/** What the chart makes of values (flags of helm). @throws with helm's words */
export function render(...flags: string[]): string {
  const { status, stdout, stderr } = helm('template', 'aegis', CHART, '--namespace=aegis-system', ...flags);
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** At a server, without blocking this process. Rejects with helm's words. */
export function helmAt(server: ApiServer, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const words = [`--kubeconfig=${server.kubeconfig}`, ...args];
    execFile(installed('helm'), words, options(), (error, output) => (error ? reject(error) : resolve(output)));
  });
}

export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((object) => object !== null);
}

/** Flags: every value, each other than its default. */
export const FULL = `--values=${join(__dirname, 'full.values.yaml')}`;

export const nameOf = ({ kind, metadata }: Manifest): string => `${kind} ${metadata.name}`;

/** A copy of the chart that a test may change. @returns its folder, whose parent goes with it */
export function copyOfChart(chart = CHART): string {
  const copy = join(mkdtempSync(join(home, 'chart-')), 'aegis');
  cpSync(chart, copy, { recursive: true });
  return copy;
}

/** Replaces a text of a file, which must be there. */
export function edit(path: string, text: string | RegExp, by: string): void {
  const before = readFileSync(path, 'utf8');
  const after = before.replace(text, by);
  if (after === before) throw new Error(`${path}: there is no ${text}`);
  writeFileSync(path, after);
}

/** The only one of this kind and name, e.g. `Deployment aegis-operator`. */
export const named = (manifests: Manifest[], name: string): Manifest => {
  const found = manifests.filter((manifest) => nameOf(manifest) === name);
  expect(found).toHaveLength(1);
  return found[0] as Manifest;
};
