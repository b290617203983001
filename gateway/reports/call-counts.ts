import type { Reason } from '../../policy/decision/types.ts';
import {
  type CandidateCount,
  type GatewayReport,
  MAX_COUNTS,
  type ViolationCount,
} from '../../policy/wire/gateway-report.ts';
import type { ActivationSource } from '../enforcement/activation.ts';
import { type Decision, passes } from '../enforcement/decision.ts';
import type { CallInfo } from '../telemetry/call-hooks.ts';
import type { JournalReaders } from '../telemetry/call-journal.ts';
import { compareCandidate, type Difference } from './compare-candidate.ts';
import { CountTable } from './count-table.ts';
import type { EgressCounts } from './egress-counts.ts';

export interface CallCountsOptions {
  source: ActivationSource;
  /** ms since the epoch. */
  now(): number;
  /** ms, monotonic. */
  ticks(): number;
  /** A random name for what is counted from now on. */
  newBoot(): string;
  /** Told of every call that was compared. */
  onCompared?(policy: string, difference: Difference): void;
  /** What is counted beside calls, where it is. */
  egress?: EgressCounts;
  /** Candidates, and violations, that are told apart at most; 1,000 when absent. */
  maxKeys?: number;
}

/** What there is to tell; `told` says that it was, and what has changed meanwhile stays to be told. */
export interface Untold {
  report: Omit<GatewayReport, 'version' | 'instance'>;
  /** The report holds no more, but there may be more. */
  full: boolean;
  told(): void;
}

const MAX_KEYS = 1000;
/** What no call has touched for so long is over: a revision that is no longer staged, a policy that is gone. */
const IDLE = 60 * 60_000;
const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;
/** As the compiler writes it; whatever else there is in the data of a bundle, it is no reason to send it on. */
const POLICY = /^[a-z0-9][a-z0-9.-]{0,252}\/[a-z0-9][a-z0-9.-]{0,252}$/;

/**
 * Counts what the operator wants to know of calls on the data path: how candidates would have decided, and what was
 * refused by which rule. Never a parameter, and no name that a caller made up. The decision endpoints do not count:
 * whoever asks there can ask for anything.
 */
export class CallCounts implements JournalReaders {
  readonly #options: CallCountsOptions;
  readonly #candidates: CountTable<CandidateCount>;
  readonly #violations: CountTable<ViolationCount>;
  readonly #listeners = new Set<() => void>();
  #boot: string;
  #since: string;
  #toldOverflow = 0;

  constructor(options: CallCountsOptions) {
    const { maxKeys = MAX_KEYS } = options;
    this.#options = options;
    this.#candidates = new CountTable(maxKeys);
    this.#violations = new CountTable(maxKeys);
    this.#boot = options.newBoot();
    this.#since = new Date(options.now()).toISOString();
  }

  /** Calls for whose counts there was no room. */
  get overflow(): number {
    return this.#tables.reduce((sum, { overflow }) => sum + overflow, 0);
  }

  /** Told when a candidate differs for the first time, or a rule refuses for the first time. */
  onNews(listener: () => void): () => void {
    this.#listeners.add(listener);
    const ofEgress = this.#options.egress?.onNews(listener);
    return () => {
      this.#listeners.delete(listener);
      ofEgress?.();
    };
  }

  decided(decision: Decision, { via }: CallInfo): void {
    if (via === 'decisions') return;
    for (const candidate of decision.candidates) this.#compare(decision, candidate);
    if (!passes(decision)) this.#refused(decision);
  }

  hasUntold(): boolean {
    return this.#tables.some((table) => table.hasUntold()) || this.overflow !== this.#toldOverflow;
  }

  /** One report's worth of what has changed since it was told. */
  untold(): Untold {
    const candidates = this.#candidates.untold(MAX_COUNTS);
    const violations = this.#violations.untold(MAX_COUNTS);
    const egress = this.#options.egress?.untold();
    const { overflow } = this;
    return {
      report: {
        boot: this.#boot,
        since: this.#since,
        candidates: candidates.counts,
        violations: violations.counts,
        overflow,
        ...(egress !== undefined && { egress: egress.counts }),
      },
      full: Math.max(candidates.counts.length, violations.counts.length) >= MAX_COUNTS,
      told: () => {
        candidates.told();
        violations.told();
        egress?.told();
        this.#toldOverflow = overflow;
      },
    };
  }

  /** For a server that may have forgotten: everything is to be told again. */
  forgetTold(): void {
    for (const table of this.#tables) table.forgetTold();
  }

  /**
   * Begins anew under another name where there is no room left because of counts that are over; to be called when
   * everything has been told, which then stays known under the old name.
   */
  renew(): void {
    const { ticks, newBoot, now } = this.#options;
    const before = ticks() - IDLE;
    const over = this.#tables.some((table) => table.full && table.hasIdle(before));
    if (!over || this.hasUntold()) return;
    for (const table of this.#tables) table.clear();
    this.#toldOverflow = 0;
    this.#boot = newBoot();
    this.#since = new Date(now()).toISOString();
  }

  get #tables(): Pick<CountTable<object>, 'overflow' | 'full' | 'hasUntold' | 'forgetTold' | 'hasIdle' | 'clear'>[] {
    const { egress } = this.#options;
    return [this.#candidates, this.#violations, ...(egress === undefined ? [] : [egress.table])];
  }

  #compare(decision: Decision, candidate: Decision['candidates'][number]): void {
    const { policy, revision } = candidate ?? {};
    if (typeof policy !== 'string' || !POLICY.test(policy)) return;
    const other = typeof revision === 'string' ? revision : null;
    const difference = compareCandidate(decision.verdict, candidate);
    this.#options.onCompared?.(policy, difference);
    const count = this.#candidates.change(`${policy} ${other ?? ''}`, this.#options.ticks(), () => ({
      policy,
      revision: other,
      calls: 0,
      wouldDeny: 0,
      wouldAllow: 0,
      otherwise: 0,
      errors: 0,
    }));
    if (count === undefined) return;
    count.calls++;
    if (difference !== 'none' && count[difference]++ === 0) this.#news();
  }

  /** A call counts once for each rule and code, however many conditions of the rule fail. */
  #refused(decision: Decision): void {
    const [tool, action] = this.#names(decision);
    const verdict = decision.taken;
    const seen = new Set<string>();
    for (const reason of decision.reasons) {
      const named = namesOf(reason);
      const key = [named.policy, named.rule, named.code, tool, action, verdict].join(' ');
      if (seen.has(key)) continue;
      seen.add(key);
      const make = (): ViolationCount => ({ ...named, tool, action, verdict, calls: 0 });
      const count = this.#violations.change(key, this.#options.ticks(), make);
      if (count !== undefined && count.calls++ === 0) this.#news();
    }
  }

  #names({ tenant, agent, tool, action }: Decision): [string, string] {
    const contract = this.#options.source.get(tenant)?.contract(agent, tool);
    if (contract === undefined) return ['', ''];
    return [tool, contract.actions.some(({ name }) => name === action) ? action : ''];
  }

  #news(): void {
    for (const listener of this.#listeners) listener();
  }
}

function namesOf({ policy = '', rule = '', code }: Reason): Pick<ViolationCount, 'policy' | 'rule' | 'code'> {
  const known = POLICY.test(policy);
  return { policy: known ? policy : '', rule: known ? rule : '', code: CODE.test(code) ? code : 'OTHER' };
}
