import type { Decision } from '../enforcement/decision.ts';
import type { CallHooks, CallInfo, CallOutcome, RefusedRequest } from './call-hooks.ts';

/** One call as far as it is known. */
export interface JournalEntry {
  decision: Decision;
  info: CallInfo;
  outcome?: CallOutcome;
}

export interface JournalReaders {
  decided?(decision: Decision, info: CallInfo): void;
  ended?(decision: Decision, outcome: CallOutcome): void;
  /** A request that was refused before it was a call. */
  refused?(refused: RefusedRequest): void;
  /** Once per decision: with its outcome where that came within `holdFor`, else without. */
  line?(entry: JournalEntry): void;
  /** The outcome of a call whose `line` was told without. */
  lateOutcome?(entry: JournalEntry): void;
  /** Once per decision, when all of it is known. */
  complete?(entry: JournalEntry): void;
}

export interface JournalOptions {
  /** Milliseconds, monotonic. */
  ticks(): number;
  /** ms that a line waits for the call's outcome, so that most calls are one line; 1 s when absent. */
  holdFor?: number;
  /** Calls whose outcome is waited for at most; beyond it the oldest counts as complete. 10,000 when absent. */
  maxOpen?: number;
}

interface OpenCall extends JournalEntry {
  since: number;
}

const HOLD = 1000;
const MAX_OPEN = 10_000;
const LOOK = 250;

/** Decisions and outcomes of the listeners, put together again for the log, the metrics and the spans. */
export class CallJournal implements CallHooks {
  readonly #readers: readonly JournalReaders[];
  readonly #ticks: () => number;
  readonly #holdFor: number;
  readonly #maxOpen: number;
  /** Calls without an outcome so far, the oldest first; those of `#held` have no line yet. */
  readonly #open = new Map<string, OpenCall>();
  readonly #held = new Map<string, OpenCall>();
  readonly #timer: NodeJS.Timeout;

  constructor(readers: readonly JournalReaders[], options: JournalOptions) {
    this.#readers = readers;
    this.#ticks = options.ticks;
    this.#holdFor = options.holdFor ?? HOLD;
    this.#maxOpen = options.maxOpen ?? MAX_OPEN;
    this.#timer = setInterval(() => this.#releaseLate(), LOOK);
    this.#timer.unref();
  }

  /** Calls whose answer has not ended. */
  get inFlight(): number {
    return this.#open.size;
  }

  onDecision(decision: Decision, info: CallInfo): void {
    for (const reader of this.#readers) reader.decided?.(decision, info);
    if (info.via === 'decisions' || info.via === 'ext-authz') {
      // Somebody else makes the call: nothing more will be known of it.
      this.#finish({ decision, info }, true);
      return;
    }
    const call = { decision, info, since: this.#ticks() };
    this.#open.set(decision.id, call);
    this.#held.set(decision.id, call);
    if (this.#open.size > this.#maxOpen) this.#giveUpOldest();
  }

  onOutcome(decision: Decision, outcome: CallOutcome): void {
    for (const reader of this.#readers) reader.ended?.(decision, outcome);
    const call = this.#open.get(decision.id);
    if (call === undefined) return;
    call.outcome = outcome;
    this.#open.delete(decision.id);
    this.#finish(call, this.#held.delete(decision.id));
  }

  onRefused(refused: RefusedRequest): void {
    for (const reader of this.#readers) reader.refused?.(refused);
  }

  /** At the end: every call that is still open is told as it is. */
  close(): void {
    clearInterval(this.#timer);
    for (const [id, call] of this.#open) this.#finish(call, this.#held.delete(id));
    this.#open.clear();
  }

  #finish(entry: JournalEntry, withLine: boolean): void {
    for (const reader of this.#readers) {
      if (withLine) reader.line?.(entry);
      else if (entry.outcome !== undefined) reader.lateOutcome?.(entry);
      reader.complete?.(entry);
    }
  }

  #releaseLate(): void {
    const before = this.#ticks() - this.#holdFor;
    for (const [id, call] of this.#held) {
      if (call.since > before) return;
      this.#held.delete(id);
      for (const reader of this.#readers) reader.line?.(call);
    }
  }

  #giveUpOldest(): void {
    const [oldest] = this.#open;
    if (oldest === undefined) return;
    const [id, call] = oldest;
    this.#open.delete(id);
    this.#finish(call, this.#held.delete(id));
  }
}
