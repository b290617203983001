import type { RefusedRequest } from './call-hooks.ts';
import type { JournalReaders } from './call-journal.ts';

/**
 * Requests that were refused before they were a call, one JSON line each (`kind: refused`). Who loops fills no log: the
 * first of the same code, way and host is a line at once; what follows is counted, and told in one line after 1 s, 2 s,
 * 4 s and so on up to a minute. New hosts have lines of their own at a bounded rate; beyond it they are counted without.
 */
export interface RefusedOptions {
  /** Takes a line to the log. */
  append(line: string): void;
  /** Whom the gateway serves. */
  tenant?: string;
  agent?: string;
  /** ms since the epoch. */
  now(): number;
  /** Milliseconds, monotonic. */
  ticks(): number;
}

type Refusal = Omit<RefusedRequest, 'decisionId'>;

interface Repeated {
  refused: Refusal;
  /** Since the last line. */
  count: number;
  /** ms since the epoch, of the latest. */
  latest: number;
  wait: number;
  due: number;
}

const LOOK = 1000;
const FIRST_WAIT = 1000;
const LAST_WAIT = 60_000;
/** Lines that may be begun at once, and how many a second are given back. */
const BURST = 100;
const PER_SECOND = 1;

export class RefusedRequests implements JournalReaders {
  readonly #options: RefusedOptions;
  readonly #repeated = new Map<string, Repeated>();
  #tokens = BURST;
  #filled: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RefusedOptions) {
    this.#options = options;
    this.#filled = options.ticks();
  }

  refused({ decisionId, ...refused }: RefusedRequest): void {
    const now = this.#options.now();
    if (this.#counted(refused, now)) return;
    if (this.#mayBegin()) {
      this.#write(refused, 1, now, decisionId);
      this.#watch(refused, 0, now);
      return;
    }
    // Codes and ways are few, so that these are.
    const { host: _, ...hostless } = refused;
    if (!this.#counted(hostless, now)) this.#watch(hostless, 1, now);
  }

  /** At the end: what was counted is told. */
  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    for (const { refused, count, latest } of this.#repeated.values()) {
      if (count > 0) this.#write(refused, count, latest);
    }
    this.#repeated.clear();
  }

  #counted(refused: Refusal, now: number): boolean {
    const known = this.#repeated.get(keyOf(refused));
    if (known === undefined) return false;
    known.count++;
    known.latest = now;
    return true;
  }

  #watch(refused: Refusal, count: number, latest: number): void {
    const due = this.#options.ticks() + FIRST_WAIT;
    this.#repeated.set(keyOf(refused), { refused, count, latest, wait: FIRST_WAIT, due });
    if (this.#timer === undefined) {
      this.#timer = setInterval(() => this.#look(), LOOK);
      this.#timer.unref();
    }
  }

  #mayBegin(): boolean {
    const at = this.#options.ticks();
    this.#tokens = Math.min(BURST, this.#tokens + ((at - this.#filled) / 1000) * PER_SECOND);
    this.#filled = at;
    if (this.#tokens < 1 || this.#repeated.size >= BURST) return false;
    this.#tokens--;
    return true;
  }

  #look(): void {
    const at = this.#options.ticks();
    for (const [key, entry] of this.#repeated) {
      if (entry.due > at) continue;
      if (entry.count === 0) this.#repeated.delete(key);
      else {
        this.#write(entry.refused, entry.count, entry.latest);
        entry.count = 0;
        entry.wait = Math.min(LAST_WAIT, entry.wait * 2);
        entry.due = at + entry.wait;
      }
    }
    if (this.#repeated.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #write({ code, status, via, host }: Refusal, count: number, at: number, decisionId?: string): void {
    const { tenant, agent } = this.#options;
    const record = {
      kind: 'refused',
      decision_id: decisionId,
      time: new Date(at).toISOString(),
      tenant,
      agent,
      code,
      status,
      via,
      host,
      count,
    };
    this.#options.append(`${JSON.stringify(record)}\n`);
  }
}

function keyOf({ code, status, via, host = '' }: Refusal): string {
  return `${code} ${status} ${via} ${host}`;
}
