import { BUNDLE_ERRORS } from '../../policy/error-codes/bundle.ts';
import type { AegisError, ErrorCode } from '../../policy/errors.ts';
import type { SourceKind } from './bundle-source.ts';
import { type BundleProblem, problemAt, type SourceStatus } from './bundle-status.ts';

type Counts = Partial<Record<ErrorCode, number>>;
type Entry = { -readonly [Name in keyof SourceStatus]: SourceStatus[Name] };

/** How the sources fare: last attempts and errors, and counts by code. */
export class SourceLedger {
  readonly refusals: Counts = {};
  readonly failures: Counts = {};
  lastError: (BundleProblem & { source: SourceKind }) | undefined;
  readonly #entries: Entry[] = [];
  readonly #overtaken = new Set<Entry>();

  open(kind: SourceKind, place: string): Entry {
    const entry: Entry = { kind, place };
    this.#entries.push(entry);
    return entry;
  }

  list(): SourceStatus[] {
    return this.#entries.map((entry) => ({ ...entry }));
  }

  /**
   * The operator itself offers what has been overtaken: it lost what it had committed (a restored cluster). A copy that
   * is mounted may well be older for a minute than what the operator sent, and counts only where nothing else does.
   */
  get behind(): boolean {
    const sent = this.#entries.some(({ kind }) => kind === 'http');
    return [...this.#overtaken].some(({ kind }) => kind === 'http' || !sent);
  }

  /** The entry's source offers less than what is in force. */
  overtaken(entry: Entry): void {
    this.#overtaken.add(entry);
  }

  /** Something later is in force: what was less than before says nothing any more. */
  moved(): void {
    this.#overtaken.clear();
  }

  success(entry: Entry, at: number): void {
    this.#overtaken.delete(entry);
    entry.lastAttempt = at;
    entry.lastSuccess = at;
    delete entry.lastError;
  }

  /** A candidate was refused again: known already. */
  again(entry: Entry, at: number): void {
    entry.lastAttempt = at;
  }

  /** Counts it as a refusal of a bundle, or as a failure to get one. */
  problem(entry: Entry, error: AegisError, at: number): 'refused' | 'failed' {
    const refused = error.code in BUNDLE_ERRORS || error.code === 'AEGIS_ACTIVATION';
    const counts = refused ? this.refusals : this.failures;
    counts[error.code] = (counts[error.code] ?? 0) + 1;
    entry.lastAttempt = at;
    entry.lastError = problemAt(error, at);
    this.lastError = { ...entry.lastError, source: entry.kind };
    return refused ? 'refused' : 'failed';
  }
}

export type LedgerEntry = Entry;
