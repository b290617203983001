/** What the evidence is wanted for: one revision of a policy in one stage. */
export interface EvidenceQuestion {
  /** `namespace/name`. */
  policy: string;
  /** The newest revision. */
  revision: string;
  /** The revision that enforces where this one does not; null where there is none. */
  stable: string | null;
  /** RFC 3339: what was counted before is left out. */
  stageEnteredAt: string;
  /** Those that its scope names; what others tell is no evidence. Absent: every agent of the tenant is in scope. */
  agents?: readonly string[];
}
