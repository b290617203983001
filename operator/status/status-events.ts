/** Which changes of a status are worth an Event: stalled and recovered, and every move of a rollout. */
import type { RolloutStatus, StatusCondition } from '../../policy/resources/types.generated.ts';
import { clipText } from './clip-text.ts';

export interface StatusEvent {
  type: 'Normal' | 'Warning';
  reason: string;
  action: string;
  note: string;
}

/** What any status has of what matters here. */
interface AnyStatus {
  conditions?: readonly StatusCondition[];
  rollout?: RolloutStatus;
}

/** Of the change from `before` (as it stood in the API server) to `after` (as it was just written). */
export function eventsOf(before: unknown, after: unknown): StatusEvent[] {
  const [old, now] = [(before ?? {}) as AnyStatus, (after ?? {}) as AnyStatus];
  return [...stalling(old, now), ...moving(old.rollout, now.rollout)].map((event) => ({
    ...event,
    note: clipText(event.note),
  }));
}

function conditionOf({ conditions = [] }: AnyStatus, type: string): StatusCondition | undefined {
  return conditions.find((condition) => condition.type === type && condition.status === 'True');
}

function stalling(before: AnyStatus, after: AnyStatus): StatusEvent[] {
  const [was, is] = [conditionOf(before, 'Stalled'), conditionOf(after, 'Stalled')];
  if (is !== undefined && is.reason !== was?.reason) {
    return [{ type: 'Warning', reason: 'Stalled', action: 'Reconcile', note: `${is.reason}: ${is.message}` }];
  }
  if (was !== undefined && is === undefined) {
    return [{ type: 'Normal', reason: 'Recovered', action: 'Reconcile', note: `No longer stalled (${was.reason}).` }];
  }
  return [];
}

/** The first revision of a policy is no event: its status says all of it, and a thousand of them come at once. */
function moving(before: RolloutStatus | undefined, after: RolloutStatus | undefined): StatusEvent[] {
  const action = 'Rollout';
  if (before?.revision === undefined || after?.revision === undefined) return [];
  const why = reasonFor(after);
  if (before.revision !== after.revision) {
    const stable =
      after.stableRevision === undefined || after.stableRevision === after.revision
        ? ''
        : ` ${shortDigest(after.stableRevision)} keeps enforcing.`;
    const note = `Revision ${shortDigest(after.revision)} enters stage ${after.stage}${why}.${stable}`;
    return [{ type: 'Normal', reason: 'RevisionStaged', action, note }];
  }
  const revision = shortDigest(after.revision);
  if (after.phase === 'RolledBack' && before.phase !== 'RolledBack') {
    const note = `Revision ${revision} was taken back from stage ${before.stage}${why}.`;
    return [{ type: 'Warning', reason: 'RolledBack', action, note }];
  }
  if (before.stage === after.stage) return [];
  const note = `Revision ${revision} moves from ${before.stage} to ${after.stage}${why}.`;
  return [{ type: 'Normal', reason: 'StageChanged', action, note }];
}

function reasonFor({ lastTransition, revision }: RolloutStatus): string {
  const { reason } = lastTransition?.revision === revision ? (lastTransition ?? {}) : {};
  return reason === undefined ? '' : ` (${reason})`;
}

/** As long as git shows digests, and as unlikely to be the same by chance. */
function shortDigest(digest: string): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
