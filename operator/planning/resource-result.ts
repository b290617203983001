import type { Finding } from '../../policy/errors.ts';
import type { Intaken } from '../model/intaken.ts';
import type { TakesPart } from './acceptance.ts';
import type { PolicyPlan } from './rollouts.ts';

/** What there is to say of one resource after a pass. */
export interface ResourceResult {
  current: Intaken;
  takesPart: TakesPart;
  findings: readonly Finding[];
  /** References to what does not exist (yet). */
  missing: readonly Finding[];
  plan?: PolicyPlan;
}
