/** What can go wrong between one operator process and the API server, told beforehand. */
import { KubeError } from '../../../operator/kube/kube-error.ts';

export const FAULTS = ['lost', 'lostAnswer', 'conflict', 'throttled', 'unavailable', 'kill', 'killAfter'] as const;

export type FaultKind = (typeof FAULTS)[number];

export interface Fault {
  kind: FaultKind;
  /** Calls that go well before. */
  skip: number;
  times: number;
  /** Writes only, or reads as well. */
  reads: boolean;
}

const ERRORS: Readonly<Partial<Record<FaultKind, () => KubeError>>> = {
  lost: () => new KubeError(0, 'ECONNRESET', 'never sent'),
  lostAnswer: () => new KubeError(0, 'ECONNRESET', 'done, and nobody was told'),
  conflict: () => new KubeError(409, 'Conflict', 'somebody was faster'),
  throttled: () => new KubeError(429, 'TooManyRequests', 'later', { retryAfter: 1_000 }),
  unavailable: () => new KubeError(503, 'ServiceUnavailable', 'not now'),
};

/** Before the call takes effect, or after it has. */
export type Moment = 'before' | 'after';

export class Faults {
  #planned: Fault[] = [];

  plan(fault: Fault): void {
    this.#planned.push({ ...fault });
  }

  clear(): void {
    this.#planned = [];
  }

  /** Asked twice per call. `kill`: the process ends at this very moment. */
  next(moment: Moment, isRead: boolean): KubeError | 'kill' | undefined {
    const [fault] = this.#planned;
    if (fault === undefined || (isRead && !fault.reads)) return undefined;
    const after = fault.kind === 'lostAnswer' || fault.kind === 'killAfter';
    if (after !== (moment === 'after')) return undefined;
    if (fault.skip-- > 0) return undefined;
    if (--fault.times <= 0) this.#planned.shift();
    return ERRORS[fault.kind]?.() ?? 'kill';
  }
}
