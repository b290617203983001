import type { Freeze } from '../../policy/bundle/manifest.ts';
import type { AegisError, ErrorCode } from '../../policy/errors.ts';
import type { SourceKind } from './bundle-source.ts';

/** What went wrong last; `at` in ms since the epoch. Messages hold no secrets. */
export interface BundleProblem {
  readonly code: ErrorCode;
  readonly message: string;
  readonly at: number;
}

export interface SourceStatus {
  readonly kind: SourceKind;
  readonly place: string;
  /** ms since the epoch. */
  readonly lastAttempt?: number;
  /** When it last offered what is in force, or said that there is nothing new. */
  readonly lastSuccess?: number;
  /** Since the last success. */
  readonly lastError?: BundleProblem;
}

export interface ActiveBundle {
  readonly tenant: { readonly name: string; readonly uid: string };
  readonly sequence: number;
  readonly etag: string;
  readonly contentRoot: string;
  /** SHA-256 of `manifest.json`. */
  readonly digest: string;
  readonly keyId: string;
  /** ms since the epoch, as are the next two. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** When this sequence came into force here. */
  readonly activatedAt: number;
  readonly freeze: Freeze;
  readonly source: SourceKind;
}

/** All that health, metrics and acknowledgement say about the bundle of one gateway. */
export interface BundleStatus {
  readonly tenant: string;
  readonly agent?: string;
  /** none: nothing verified, every call is refused. stale: too old, see `failMode`. */
  readonly state: 'none' | 'active' | 'stale';
  readonly active?: ActiveBundle;
  /** Age of the head in force, ms. */
  readonly age?: number;
  /** ms. */
  readonly maxStaleness?: number;
  readonly failMode?: 'Closed' | 'StaleReadOnly';
  /** Sequence of the last known good on disk. */
  readonly stored?: number;
  readonly storeError?: BundleProblem;
  /** The file of trusted keys has changed and cannot be used; the keys from before count. */
  readonly keysError?: BundleProblem;
  readonly sources: readonly SourceStatus[];
  /** The last thing that any source, or the disk, was refused or failed for. */
  readonly lastError?: BundleProblem & { readonly source: SourceKind };
  /** The operator offers sequences below the one that this gateway has already accepted. */
  readonly behind: boolean;
  readonly activations: number;
  readonly renewals: number;
  /** Candidates that were looked at and refused, by code. */
  readonly refusals: Readonly<Partial<Record<ErrorCode, number>>>;
  /** Attempts that brought no candidate, by code. */
  readonly failures: Readonly<Partial<Record<ErrorCode, number>>>;
  readonly revoked: { readonly keys: number; readonly approvals: number };
}

export type BundleEvent =
  | { readonly type: 'activated' | 'renewed'; readonly source: SourceKind; readonly sequence: number }
  /** The bundle in force is on disk, or (with a code) could not be put there. */
  | { readonly type: 'stored'; readonly sequence: number; readonly code?: ErrorCode }
  | { readonly type: 'refused' | 'failed'; readonly source: SourceKind; readonly code: ErrorCode }
  | { readonly type: 'stale' }
  /** The operator was behind, and offers what is in force. */
  | { readonly type: 'caught-up' }
  /** The key of the bundle in force was revoked: nothing is in force any more. */
  | { readonly type: 'withdrawn'; readonly code: ErrorCode };

export type BundleListener = (event: BundleEvent, status: BundleStatus) => void;

export function problemAt(error: AegisError, at: number): BundleProblem {
  return { code: error.code, message: error.message, at };
}
