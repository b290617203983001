import type { Clock } from '../../runtime/time/clock.ts';
import type { KubeObject } from '../kube/types.ts';
import type { ViolationIncrement } from './evidence-table.ts';

/** The part of `EventRecorder` that is needed here. */
export interface ViolationRecorder {
  record(event: { regarding: KubeObject; type: 'Warning'; reason: string; action: string; note: string }): void;
}

export interface ViolationEventsOptions {
  events: ViolationRecorder;
  clock: Clock;
  /** The AgentRegistration by `namespace/name`. */
  registration(key: string): KubeObject | undefined;
  /** ms within which one cause is told once; a minute when absent. */
  interval?: number;
  /** Causes per registration that are told apart; 32 when absent. */
  maxCauses?: number;
}

interface Cause {
  registration: string;
  policy: string;
  rule: string;
  code: string;
  /** Calls by `tool/action`, or `tool` where no action fits; not yet told. */
  calls: Map<string, { action: string; verdict: string; calls: number }>;
  /** ms, monotonic; nothing is told before. */
  notBefore: number;
}

const INTERVAL = 60_000;
const MAX_CAUSES = 32;
/** Causes of a registration beyond those that are told apart. */
const REST = { policy: '', rule: '', code: 'OTHER_REASONS' };
/** Actions that a note names. */
const MAX_NAMED = 3;
const MAX_ACTION = 128;
const MAX_NOTE = 1000;

/**
 * Refused calls as Events on the registration: what was refused and by which rule, never with which values. At most one
 * per registration, policy, rule and code within a minute; what comes in between is added up and told after it.
 */
export class ViolationEvents {
  readonly #options: ViolationEventsOptions;
  readonly #causes = new Map<string, Map<string, Cause>>();
  #wake = new AbortController();

  constructor(options: ViolationEventsOptions) {
    this.#options = options;
  }

  /** For `EvidenceTable.onViolations`. */
  add(registration: string, increments: readonly ViolationIncrement[]): void {
    for (const increment of increments) {
      const { tool, action, verdict, calls } = increment;
      const cause = this.#cause(registration, increment);
      const name = action === '' ? tool : `${tool}/${action}`;
      const known = cause.calls.get(name);
      if (known !== undefined) known.calls += calls;
      else if (cause.calls.size < MAX_CAUSES) cause.calls.set(name, { action, verdict, calls });
      else {
        const other = cause.calls.get('other actions') ?? { action: 'other', verdict, calls: 0 };
        cause.calls.set('other actions', { ...other, calls: other.calls + calls });
      }
    }
    this.#wake.abort();
  }

  /** Tells what is due, until the signal is aborted; then what is left. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#wake = new AbortController();
      const next = this.flush();
      await this.#options.clock.sleep(next ?? INTERVAL, AbortSignal.any([signal, this.#wake.signal]));
    }
    this.flush(true);
  }

  /** Tells what is due, or everything. @returns ms until more is due. */
  flush(everything = false): number | undefined {
    const { clock, interval = INTERVAL } = this.#options;
    const now = clock.monotonic();
    let next: number | undefined;
    for (const [registration, causes] of this.#causes) {
      for (const [key, cause] of causes) {
        if (cause.calls.size === 0) {
          if (cause.notBefore <= now) causes.delete(key);
        } else if (cause.notBefore <= now || everything) {
          this.#tell(cause);
          cause.calls.clear();
          cause.notBefore = now + interval;
        } else next = Math.min(next ?? interval, cause.notBefore - now);
      }
      if (causes.size === 0) this.#causes.delete(registration);
    }
    return next;
  }

  #cause(registration: string, { policy, rule, code }: ViolationIncrement): Cause {
    const { maxCauses = MAX_CAUSES } = this.#options;
    const causes = this.#causes.get(registration) ?? new Map<string, Cause>();
    this.#causes.set(registration, causes);
    let names = { policy, rule, code };
    let key = JSON.stringify(names);
    if (!causes.has(key) && causes.size >= maxCauses) {
      names = REST;
      key = JSON.stringify(names);
    }
    let cause = causes.get(key);
    if (cause === undefined) {
      cause = { registration, ...names, calls: new Map(), notBefore: Number.NEGATIVE_INFINITY };
      causes.set(key, cause);
    }
    return cause;
  }

  #tell(cause: Cause): void {
    const regarding = this.#options.registration(cause.registration);
    const [most] = [...cause.calls.values()].sort((a, b) => b.calls - a.calls);
    if (regarding === undefined || most === undefined) return;
    const action = most.action.slice(0, MAX_ACTION) || 'call';
    this.#options.events.record({ regarding, type: 'Warning', reason: 'PolicyViolation', action, note: noteOf(cause) });
  }
}

/** E.g. `5 calls of stripe-payments/create_payment refused: CONDITION_FAILED by fintech/finance-payments/cap-payments`. */
function noteOf({ policy, rule, code, calls }: Cause): string {
  const named = [...calls].sort(([, a], [, b]) => b.calls - a.calls);
  const parts = named.slice(0, MAX_NAMED).map(([name, { calls: count }], index) => {
    const unit = index > 0 ? '' : count === 1 ? ' call' : ' calls';
    return `${count}${unit} of ${name}`;
  });
  const rest = named.slice(MAX_NAMED).reduce((sum, [, { calls: count }]) => sum + count, 0);
  if (rest > 0) parts.push(`${rest} of others`);
  const verdicts = new Set(named.map(([, { verdict }]) => verdict));
  const verdict = verdicts.size === 1 ? [...verdicts][0] : 'deny';
  const how = verdict === 'deny' ? 'refused' : `not let through (${verdict})`;
  const rulePart = rule === '' ? '' : `/${rule}`;
  const by = policy === '' ? '' : ` by ${policy}${rulePart}`;
  return `${parts.join(', ')} ${how}: ${code}${by}`.slice(0, MAX_NOTE);
}
