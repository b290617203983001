/** What gateways tell the operator. Both come from authenticated pods; the identity is never taken from the body. */

/** `POST /v1/acknowledgements` (docs/bundle-delivery.md): what is in force in one gateway. */
export interface GatewayAcknowledgement {
  version: 1;
  /** The pod's uid. */
  instance: string;
  tenant: { name: string; uid?: string };
  agent?: string;
  state: 'none' | 'active' | 'stale';
  sequence?: number;
  contentRoot?: string;
  etag?: string;
  digest?: string;
  activatedAt?: string;
  stored?: boolean;
  error?: string;
  /** `manifest.json`, base64: the gateway holds a higher sequence than it is offered. */
  head?: string;
}

/** Candidates and violations that one report holds at most, each; what has no room waits for the next one. */
export const MAX_COUNTS = 256;

/** Destinations that one report holds at most, and that a gateway tells apart. */
export const MAX_EGRESS = 256;

/**
 * `POST /v1/reports`: counts since `since`. A count replaces the one before of the same boot and the same key; one that
 * a report leaves out has not changed. Counts never go down within one boot.
 */
export interface GatewayReport {
  version: 1;
  instance: string;
  /** Random per start of the gateway, and anew where its counters begin anew. */
  boot: string;
  /** RFC 3339. */
  since: string;
  /** Calls that a candidate saw, per policy and revision; `revision` is what `candidates[]` of the decision names. */
  candidates: CandidateCount[];
  /** Calls that were refused, per policy and rule (empty where no policy did). */
  violations: ViolationCount[];
  /** Calls for whose counts there was no room: nothing is dropped silently. */
  overflow: number;
  /** Where connections lead that no tool is at the end of, where that is observed. Cumulative like the other counts. */
  egress?: EgressObservation[];
}

export interface CandidateCount {
  /** `namespace/name`. */
  policy: string;
  /** Of the other revision of this policy; null where there is none. */
  revision: string | null;
  /** Calls that were compared. */
  calls: number;
  /** The enforced verdict lets pass, the other one would not. */
  wouldDeny: number;
  /** The enforced verdict refuses, the other one would let pass. */
  wouldAllow: number;
  /** Both pass or both refuse, in different ways. */
  otherwise: number;
  /** The other one could not be evaluated. */
  errors: number;
}

export interface ViolationCount {
  /** Empty where no policy refused. */
  policy: string;
  rule: string;
  /** Tool and action are empty where the bundle does not know them: whatever a caller made up is not passed on. */
  tool: string;
  action: string;
  /** Code of the reason, e.g. `CONDITION_FAILED`. */
  code: string;
  /** What the gateway did, e.g. `deny`. */
  verdict: string;
  calls: number;
}

export interface EgressObservation {
  /** What the caller named to the gateway (a host), or connected to past it (an address). */
  destination: string;
  port: number;
  protocol: 'tcp' | 'udp';
  /** As far as they were seen. */
  connections: number;
  /** The gateway refused them; else they passed. */
  refused: boolean;
}
