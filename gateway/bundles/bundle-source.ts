import type { ErrorCode } from '../../policy/errors.ts';

/** What a source found: an archive, or files by name. Untrusted, however it came. */
export type BundleCandidate = { readonly archive: Uint8Array } | { readonly files: ReadonlyMap<string, Uint8Array> };

/** `disk` is the gateway's own last known good. */
export type SourceKind = 'directory' | 'configMap' | 'http' | 'disk';

export interface OfferResult {
  /** activated: new content is in force. renewed: a later head of it. unchanged: it is what is in force. */
  readonly outcome: 'activated' | 'renewed' | 'unchanged' | 'refused';
  /** Why it was refused. */
  readonly code?: ErrorCode;
}

/** What a source may do to the gateway: offer, and say how it is. */
export interface SourceSink {
  /** ETag of the head in force, to ask for something else. */
  heldEtag(): string | undefined;
  /** Verifies and activates the candidate, or refuses it. Never throws. */
  offer(candidate: BundleCandidate): Promise<OfferResult>;
  /** The source works and holds nothing new. */
  current(): Promise<void>;
  /** Nothing could be fetched. */
  failed(error: unknown): void;
}

/** One place that bundles come from. */
export interface BundleSource {
  readonly kind: SourceKind;
  /** Path or URL, for people; without secrets. */
  readonly place: string;
  /** Offers what it finds until the signal is aborted. Deals with its own failures. */
  run(sink: SourceSink, signal: AbortSignal): Promise<void>;
}
