/** How the conditions of one resource follow from each other. */
import type { StatusCondition } from '../../policy/resources/types.generated.ts';
import { setCondition } from '../kube/conditions.ts';
import { clipText } from './clip-text.ts';
import { safeReason } from './safe-values.ts';

/**
 * What an aspect that does not hold means for the resource: `stalled` = only a change of spec or environment helps;
 * `working` = the operator is at it; `waiting` = the operator has done its part, others have not.
 */
export type Hold = 'stalled' | 'working' | 'waiting';

/** One condition before it has times and generations. */
export interface Aspect {
  type: string;
  status: 'True' | 'False' | 'Unknown';
  reason: string;
  message: string;
  /** Of an aspect that is not True and that `Ready` depends on. */
  hold?: Hold;
}

export interface Judgement {
  generation: number;
  /** `Ready` is their conjunction; one that comes after another that does not hold is not known. */
  chain: readonly Aspect[];
  /** Conditions that `Ready` does not depend on. */
  beside?: readonly Aspect[];
  /** What `Ready` says where the whole chain holds. */
  ready: { reason: string; message: string };
  deleting?: boolean;
}

export function holds(type: string, reason: string, message: string): Aspect {
  return { type, status: 'True', reason, message };
}

export function fails(type: string, hold: Hold, reason: string, message: string): Aspect {
  return { type, status: 'False', reason, message, hold };
}

/** The conditions, always in the same order; a time changes only where the status does. */
export function conditionsOf(
  judgement: Judgement,
  previous: readonly StatusCondition[] | undefined,
  now: number,
): StatusCondition[] {
  const { chain, beside = [], generation } = judgement;
  const blocker = chain.find(({ status }) => status !== 'True');
  const aspects = [...overall(judgement, blocker), ...upTo(blocker, chain), ...beside];
  const at = `${new Date(now).toISOString().slice(0, 19)}Z`;
  return aspects.flatMap(({ type, status, reason, message }) => {
    const before = (previous ?? []).filter((condition) => condition.type === type);
    return setCondition(
      before,
      { type, status, reason: safeReason(reason), message: clipText(message), observedGeneration: generation },
      at,
    );
  });
}

function overall({ ready, deleting = false }: Judgement, blocker: Aspect | undefined): Aspect[] {
  if (deleting && blocker?.hold !== 'stalled') {
    const message = 'The resource is being deleted.';
    return [fails('Ready', 'working', 'Deleting', message), holds('Reconciling', 'Deleting', message)];
  }
  if (blocker === undefined) return [holds('Ready', ready.reason, ready.message)];
  const { reason, message, hold = 'waiting' } = blocker;
  const result = [fails('Ready', hold, reason, message)];
  if (hold === 'stalled') result.push(holds('Stalled', reason, message));
  if (hold === 'working') result.push(holds('Reconciling', 'Progressing', message));
  return result;
}

/** Beyond the first that does not hold nothing is known of this generation. */
function upTo(blocker: Aspect | undefined, chain: readonly Aspect[]): Aspect[] {
  const end = blocker === undefined ? chain.length : chain.indexOf(blocker) + 1;
  return chain.map((aspect, index) => {
    if (index < end) return aspect;
    const message = `Not known before ${blocker?.type} is True.`;
    return { type: aspect.type, status: 'Unknown', reason: 'Blocked', message };
  });
}
