import { GUARD_PROBLEMS, type GuardProblem } from '../../policy/wire/pod-contract.ts';
import type { PodView } from './pod-view.ts';

export type Guard = 'Off' | 'Observe' | 'Enforce';

/** What the stamps of an agent's running pods say, as numbers of pods. */
export interface GuardFacts {
  /** Without a readable stamp: not put together by the webhook, gateway or not. */
  unstamped: number;
  /** Stamped for another registration or another `egressGuard` than is wanted now. */
  outdated: number;
  /** Stamped rightly, with other settings than a new pod would get. */
  superseded: number;
  /** Captured by proxy variables and ports per tool alone. */
  explicit: number;
  /** By what is in force in them. */
  guards: Readonly<Record<Guard, number>>;
  /** Why pods that want a guard have none. */
  problems: Readonly<Partial<Record<GuardProblem, number>>>;
}

export function guardFacts(
  pods: readonly Pick<PodView, 'stamp'>[],
  registration: { name: string; egressGuard: Guard; template?: string | undefined },
): GuardFacts {
  const guards = { Off: 0, Observe: 0, Enforce: 0 };
  const problems: Partial<Record<GuardProblem, number>> = {};
  let [unstamped, outdated, superseded, explicit] = [0, 0, 0, 0];
  const { name, egressGuard, template } = registration;
  for (const { stamp } of pods) {
    guards[guardOf(stamp)]++;
    if (stamp === undefined) {
      unstamped++;
      continue;
    }
    if (stamp.registration !== name || stamp.egressGuard !== egressGuard) outdated++;
    else if (template !== undefined && stamp.template !== template) superseded++;
    if (stamp.capture === 'Explicit') explicit++;
    if (stamp.egressGuard === 'Off') continue;
    for (const problem of stamp.problems ?? []) problems[problem] = (problems[problem] ?? 0) + 1;
  }
  return { unstamped, outdated, superseded, explicit, guards, problems: inOrder(problems) };
}

/** What holds in the pod, whatever was asked for: a guard that can be escaped is none. */
export function guardOf(stamp: PodView['stamp']): Guard {
  if (stamp === undefined || stamp.capture === 'Explicit') return 'Off';
  if (stamp.egressGuard === 'Enforce') return stamp.guarded ? 'Enforce' : 'Off';
  return stamp.egressGuard;
}

/** The least of what holds in them; `Off` where there are none. */
export function weakestGuard({ guards }: GuardFacts): Guard {
  if (guards.Off > 0) return 'Off';
  if (guards.Observe > 0) return 'Observe';
  return guards.Enforce > 0 ? 'Enforce' : 'Off';
}

function inOrder(problems: Partial<Record<GuardProblem, number>>): Partial<Record<GuardProblem, number>> {
  const found = (Object.keys(GUARD_PROBLEMS) as GuardProblem[]).flatMap((problem) => {
    const pods = problems[problem];
    return pods === undefined ? [] : [[problem, pods] as const];
  });
  return Object.fromEntries(found);
}
