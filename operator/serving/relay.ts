import { Backoff } from '../../runtime/time/backoff.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { GatewayAcknowledgement, GatewayReport } from '../model/gateway-report.ts';
import type { EvidenceTable } from './evidence-table.ts';
import type { GatewayTable, ToldBy } from './gateway-table.ts';
import type { Leader } from './leader.ts';

/** What one gateway told, with whom it was found to be; `age` is ms since then. */
export type RelayItem =
  | { by: ToldBy; age: number; acknowledgement: GatewayAcknowledgement }
  | { by: ToldBy; report: GatewayReport };

export interface RelayBatch {
  version: 1;
  items: readonly RelayItem[];
}

export interface RelayOptions {
  gateways: Pick<GatewayTable, 'entries' | 'entry' | 'observe'>;
  reports: Pick<EvidenceTable, 'bootKeys' | 'reports' | 'observe' | 'lead'>;
  leader(): Leader | undefined;
  /** Rejects where the leader did not take the batch. */
  send(address: string, batch: RelayBatch, signal: AbortSignal): Promise<void>;
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  /** ms between batches; 100 when absent. */
  interval?: number;
  /** Told of every batch. */
  onResult?(result: 'sent' | 'failed', items: number, error?: unknown): void;
}

const INTERVAL = 100;
/** How often is looked whether somebody else leads, ms. */
const LOOK = 500;
const BACKOFF = { base: 200, cap: 5_000 };
const MAX_ITEMS = 2048;
const MAX_BYTES = 1024 * 1024;

/**
 * Passes on what gateways tell a replica that does not lead. The tables hold the latest word of every gateway, so only
 * names wait here: nothing is lost while nobody leads, and a new leader is told everything.
 */
export class Relay {
  readonly #options: RelayOptions;
  readonly #backoff: Backoff;
  /** `a` and a pod's uid, or `r` and the key of a start of a gateway. */
  readonly #waiting = new Set<string>();
  #wake = new AbortController();
  #term: string | undefined;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#backoff = new Backoff({ ...BACKOFF, random: options.random });
  }

  /** Words of gateways that the leader has not taken yet. */
  get waiting(): number {
    return this.#waiting.size;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { gateways, reports, clock, interval = INTERVAL } = this.#options;
    const ends = [
      gateways.observe((podUid) => this.#note(`a${podUid}`)),
      reports.observe((bootKey) => this.#note(`r${bootKey}`)),
    ];
    try {
      while (!signal.aborted) {
        this.#wake = new AbortController();
        const leader = this.#look();
        if (leader?.address === undefined || this.#waiting.size === 0) {
          const woken = leader?.address === undefined ? signal : AbortSignal.any([signal, this.#wake.signal]);
          await clock.sleep(LOOK, woken);
        } else {
          const sent = await this.#pass(leader.address, signal);
          await clock.sleep(sent ? interval : this.#backoff.next(), signal);
        }
      }
    } finally {
      for (const end of ends) end();
    }
  }

  /** Who is to be told; undefined where nobody leads, or this replica does. */
  #look(): Leader | undefined {
    const leader = this.#options.leader();
    if (leader === undefined) return undefined;
    if (leader.self) {
      this.#waiting.clear();
      if (leader.term !== this.#term) this.#options.reports.lead();
      this.#term = leader.term;
      return undefined;
    }
    if (leader.term !== this.#term) {
      this.#term = leader.term;
      this.#backoff.reset();
      for (const { podUid } of this.#options.gateways.entries()) this.#waiting.add(`a${podUid}`);
      for (const key of this.#options.reports.bootKeys()) this.#waiting.add(`r${key}`);
    }
    return leader;
  }

  #note(key: string): void {
    this.#waiting.add(key);
    this.#wake.abort();
  }

  async #pass(address: string, signal: AbortSignal): Promise<boolean> {
    const { send, onResult } = this.#options;
    const { keys, items } = this.#batch();
    // what is told from now on is newer than this batch
    for (const key of keys) this.#waiting.delete(key);
    if (items.length === 0) return true;
    try {
      await send(address, { version: 1, items }, signal);
      this.#backoff.reset();
      onResult?.('sent', items.length);
      return true;
    } catch (error) {
      for (const key of keys) this.#waiting.add(key);
      if (!signal.aborted) onResult?.('failed', items.length, error);
      return false;
    }
  }

  #batch(): { keys: string[]; items: RelayItem[] } {
    const keys: string[] = [];
    const items: RelayItem[] = [];
    let bytes = 0;
    for (const key of this.#waiting) {
      keys.push(key);
      // none: it has been forgotten in the meantime
      const found = key.startsWith('a') ? this.#acknowledgement(key.slice(1)) : this.#reports(key.slice(1));
      for (const item of found) {
        items.push(item);
        bytes += JSON.stringify(item).length;
      }
      if (items.length >= MAX_ITEMS || bytes >= MAX_BYTES) break;
    }
    return { keys, items };
  }

  #acknowledgement(podUid: string): RelayItem[] {
    const { gateways, clock } = this.#options;
    const entry = gateways.entry(podUid);
    if (entry === undefined) return [];
    const { acknowledgement, receivedAt, ...by } = entry;
    return [{ by, age: Math.max(0, Math.round(clock.monotonic() - receivedAt)), acknowledgement }];
  }

  #reports(bootKey: string): RelayItem[] {
    return this.#options.reports.reports(bootKey);
  }
}
