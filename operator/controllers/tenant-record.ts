import type { TenantScope } from '../planning/tenancy.ts';
import type { TenantProblem } from './tenant-problem.ts';
import type { PassOutcome } from './tenant-session.ts';

/** What is known of one tenant after its last pass. */
export interface TenantRecord {
  scope: TenantScope;
  outcome: PassOutcome;
  /** What kept the last pass from publishing. */
  problem?: TenantProblem;
}
