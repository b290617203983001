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

  open(kind: SourceKind, place: string): Entry {
    const entry: Entry = { kind, place };
    this.#entries.push(entry);
    return entry;
  }

  list(): SourceStatus[] {
    return this.#entries.map((entry) => ({ ...entry }));
  }

  success(entry: Entry, at: number): void {
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
