/** What one look at a cluster has found. */

export interface Check {
  /** What was looked at. */
  title: string;
  /** `skipped`: it does not apply; `unknown`: it could not be read, which is no proof of anything. */
  state: 'ok' | 'failed' | 'skipped' | 'unknown';
  /** What was found, in a few words. */
  detail?: string;
  /** Of what failed: CamelCase, as in conditions, or `AEGIS_…`; docs/troubleshooting.md explains each. */
  code?: string;
  /** What that means, in a sentence. */
  why?: string;
  /** Commands to run next, or what to change. */
  next?: readonly string[];
  /** Lines of text that belong to it, e.g. YAML to copy. */
  lines?: readonly string[];
}

export interface Section {
  title: string;
  checks: readonly Check[];
}

export interface Diagnosis {
  subject: string;
  sections: readonly Section[];
}

export function ok(title: string, detail?: string, lines?: readonly string[]): Check {
  return { title, state: 'ok', ...(detail !== undefined && { detail }), ...(lines !== undefined && { lines }) };
}

export function skipped(title: string, detail: string): Check {
  return { title, state: 'skipped', detail };
}

export function unknown(title: string, why: string): Check {
  return { title, state: 'unknown', why };
}

export function failed(title: string, code: string, why: string, ...next: string[]): Check {
  return { title, state: 'failed', code, why, ...(next.length > 0 && { next }) };
}

export function findingsOf({ sections }: Diagnosis): number {
  return count(sections, 'failed');
}

export function unknownsOf({ sections }: Diagnosis): number {
  return count(sections, 'unknown');
}

function count(sections: readonly Section[], state: Check['state']): number {
  return sections.reduce((sum, { checks }) => sum + checks.filter((check) => check.state === state).length, 0);
}
