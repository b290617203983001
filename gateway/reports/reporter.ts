import { AegisError } from '../../policy/errors.ts';
import type { GatewayReport } from '../../policy/wire/gateway-report.ts';
import { Backoff } from '../../runtime/time/backoff.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { BundleHttpClient, type HttpTarget } from '../bundles/http-client.ts';
import { postJson } from '../bundles/post-json.ts';
import type { CallCounts } from './call-counts.ts';

export interface ReporterOptions extends HttpTarget {
  counts: CallCounts;
  /** Names this gateway among those of the same agent, e.g. the pod's uid. */
  instance: string;
  clock: Clock;
  random(): number;
  /** ms between reports, as long as something changes; 10 s when absent. */
  interval?: number;
  /** ms between the first violation of a rule, or the first difference of a candidate, and its report; 1 s when absent. */
  soon?: number;
  /** ms after which everything is told again, so that a server that forgot learns again; 5 min when absent. */
  refresh?: number;
  /** ms for an answer; 10 s when absent. */
  timeout?: number;
  backoff?: { base: number; cap: number };
  /** Told of every attempt: nothing when it succeeded. */
  onResult?(error?: AegisError): void;
}

const INTERVAL = 10_000;
const SOON = 1_000;
/** No setting makes this a busy loop, ms. */
const LEAST = 50;
const REFRESH = 5 * 60_000;
const TIMEOUT = 10_000;
/** Reports one after the other, where one does not hold it all. */
const AT_ONCE = 8;
const BACKOFF = { base: 1_000, cap: 60_000 };

/**
 * Tells the operator what was counted: what has changed, as it is now, every few seconds at most, until it is accepted
 * (2xx). Nothing is queued: what could not be told is in the next report. Enforcement never waits for it.
 */
export class Reporter {
  readonly #options: ReporterOptions;
  readonly #client: BundleHttpClient;
  readonly #backoff: Backoff;
  #news = new AbortController();
  #refreshedAt: number;

  /** @throws AegisError `AEGIS_BUNDLE_INSECURE`. */
  constructor(options: ReporterOptions) {
    this.#options = options;
    this.#client = new BundleHttpClient(options);
    this.#backoff = new Backoff({ ...(options.backoff ?? BACKOFF), random: options.random });
    this.#refreshedAt = options.clock.monotonic();
  }

  async run(signal: AbortSignal): Promise<void> {
    const { counts } = this.#options;
    const end = counts.onNews(() => this.#news.abort());
    try {
      while (!signal.aborted) {
        await this.#pause(signal);
        this.#refresh();
        await this.#tell(signal);
        counts.renew();
      }
    } finally {
      end();
    }
  }

  /** Until it is accepted. What changes meanwhile waits for its turn: under load there is always something. */
  async #tell(signal: AbortSignal): Promise<void> {
    const { counts, clock } = this.#options;
    for (let reports = 0; counts.hasUntold() && reports < AT_ONCE && !signal.aborted; ) {
      const { wait, full } = await this.#post(signal);
      if (wait !== undefined) await clock.sleep(wait, signal);
      else if (full) reports++;
      else return;
    }
  }

  /** At the end: one more attempt to tell what there is, within `ms`. */
  async close(ms: number): Promise<void> {
    if (this.#options.counts.hasUntold()) await this.#post(AbortSignal.timeout(ms));
    await this.#client.close();
  }

  /** What is new is told soon, together with what comes right after it. */
  async #pause(signal: AbortSignal): Promise<void> {
    const { clock, random, interval = INTERVAL, soon = SOON } = this.#options;
    await clock.sleep(Math.max(LEAST, interval * (0.8 + 0.4 * random())), AbortSignal.any([signal, this.#news.signal]));
    if (this.#news.signal.aborted) await clock.sleep(Math.max(LEAST, Math.min(soon, interval)), signal);
  }

  #refresh(): void {
    const { clock, counts, refresh = REFRESH } = this.#options;
    const now = clock.monotonic();
    if (now - this.#refreshedAt < refresh) return;
    this.#refreshedAt = now;
    counts.forgetTold();
  }

  /** `wait`: ms until the next attempt where it failed. */
  async #post(signal: AbortSignal): Promise<{ wait?: number; full: boolean }> {
    const { clock, counts, instance, timeout = TIMEOUT, onResult } = this.#options;
    this.#news = new AbortController();
    const { report, full, told } = counts.untold();
    const body: GatewayReport = { version: 1, instance, ...report };
    const failure = await postJson(this.#client, body, { timeout, signal, now: clock.now() });
    if (failure === undefined) {
      told();
      this.#backoff.reset();
      onResult?.();
      return { full };
    }
    const { message, cause, rest } = failure;
    if (!signal.aborted) onResult?.(new AegisError('AEGIS_GATEWAY_REPORT', message, { cause }));
    return { wait: this.#backoff.next(rest), full };
  }
}
