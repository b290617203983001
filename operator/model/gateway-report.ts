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

/** `POST /v1/reports`: counts since the gateway started; every report replaces the one before of the same boot. */
export interface GatewayReport {
  version: 1;
  instance: string;
  /** Random per start of the gateway. */
  boot: string;
  /** RFC 3339. */
  since: string;
  /** Calls that a candidate saw, per policy and revision; `revision` is what `candidates[]` of the decision names. */
  candidates: CandidateCount[];
  /** Calls that were refused, per policy and rule (empty where no policy did). */
  violations: ViolationCount[];
  /** Counts that did not fit are here: nothing is dropped silently. */
  overflow: number;
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
  policy: string;
  rule: string;
  tool: string;
  action: string;
  /** Code of the reason, e.g. `CONDITION_FAILED`. */
  code: string;
  verdict: string;
  calls: number;
}
