/**
 * What gateways reported of the newest revision of a policy since it entered its stage. The counts are of this
 * revision and this stage alone: what was seen before says nothing about the next step, and whoever adds the reports up
 * takes it off.
 */
export interface Evidence {
  /** Calls for which the revision was evaluated, whether it enforced them or not. */
  decisions: number;
  /** Different agents that made them. */
  agents: number;
  /** Calls that this revision refuses and the other one lets pass. */
  wouldDeny: number;
  /** Calls that this revision lets pass and the other one refuses. */
  wouldAllow: number;
  /** Calls on which it could not be evaluated. */
  errors: number;
}

export const NO_EVIDENCE: Evidence = { decisions: 0, agents: 0, wouldDeny: 0, wouldAllow: 0, errors: 0 };
