import { toBase64 } from '../../policy/bundle/encoding.ts';
import { AegisError } from '../../policy/errors.ts';
import type { GatewayAcknowledgement } from '../../policy/wire/gateway-report.ts';
import { Backoff } from '../../runtime/time/backoff.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { BundleEvent } from './bundle-status.ts';
import type { BundleUpdater } from './bundle-updater.ts';
import { BundleHttpClient, type HttpTarget } from './http-client.ts';
import { postJson } from './post-json.ts';

export interface AcknowledgerOptions extends HttpTarget {
  updater: Pick<BundleUpdater, 'status' | 'head' | 'subscribe'>;
  /** Names this gateway among those of the same agent, e.g. the pod's uid. */
  instance: string;
  clock: Clock;
  random(): number;
  /** ms between acknowledgements of the same state, so that a server that forgot learns again; 5 min when absent. */
  interval?: number;
  /** ms for an answer; 10 s when absent. */
  timeout?: number;
  backoff?: { base: number; cap: number };
  /** Told of every attempt: nothing when it succeeded. */
  onResult?(error?: AegisError): void;
}

const INTERVAL = 5 * 60_000;
const TIMEOUT = 10_000;
const BACKOFF = { base: 500, cap: 60_000 };
const WORTH_TELLING: ReadonlySet<BundleEvent['type']> = new Set([
  'activated',
  'renewed',
  'stored',
  'stale',
  'withdrawn',
  'caught-up',
]);

/**
 * Tells the operator what is in force: after every change, the latest state only, until it is accepted (2xx), and again
 * now and then. Enforcement never waits for it.
 */
export class Acknowledger {
  readonly #options: AcknowledgerOptions;
  readonly #client: BundleHttpClient;
  readonly #backoff: Backoff;
  #changed = new AbortController();

  /** @throws AegisError `AEGIS_BUNDLE_INSECURE`. */
  constructor(options: AcknowledgerOptions) {
    this.#options = options;
    this.#client = new BundleHttpClient(options);
    this.#backoff = new Backoff({ ...(options.backoff ?? BACKOFF), random: options.random });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { updater, clock, interval = INTERVAL, random } = this.#options;
    const codes = new Set<string>();
    const end = updater.subscribe((event) => {
      // a refusal is told once per source and code, however often it comes
      const refusal = event.type === 'refused' ? `${event.source} ${event.code}` : undefined;
      const told = refusal !== undefined && !codes.has(refusal);
      if (refusal !== undefined) codes.add(refusal);
      if (event.type === 'activated') codes.clear();
      if (told || WORTH_TELLING.has(event.type)) this.#changed.abort();
    });
    try {
      while (!signal.aborted) {
        this.#changed = new AbortController();
        const wait = await this.#post(signal);
        if (signal.aborted) return;
        const delay = wait ?? interval * (0.8 + 0.4 * random());
        await this.#pause(delay, wait !== undefined, clock, signal);
      }
    } finally {
      end();
      await this.#client.close();
    }
  }

  /** After a success a change ends the pause; after a failure the server's rest is kept, whatever happens here. */
  async #pause(delay: number, failed: boolean, clock: Clock, signal: AbortSignal): Promise<void> {
    await clock.sleep(delay, failed ? signal : AbortSignal.any([signal, this.#changed.signal]));
  }

  /** ms until the next attempt where it failed. */
  async #post(signal: AbortSignal): Promise<number | undefined> {
    const { clock, timeout = TIMEOUT, onResult } = this.#options;
    const failure = await postJson(this.#client, this.#acknowledgement(), { timeout, signal, now: clock.now() });
    if (failure === undefined) {
      this.#backoff.reset();
      onResult?.();
      return undefined;
    }
    const { message, cause, rest } = failure;
    if (!signal.aborted) onResult?.(new AegisError('AEGIS_BUNDLE_ACKNOWLEDGE', message, { cause }));
    return this.#backoff.next(rest);
  }

  #acknowledgement(): GatewayAcknowledgement {
    const { updater, instance } = this.#options;
    const { tenant, agent, state, active, stored, behind, sources, lastError } = updater.status();
    const failing = sources.some((source) => source.lastError !== undefined);
    const head = behind ? updater.head() : undefined;
    return {
      version: 1,
      instance,
      tenant: { name: tenant, ...(active !== undefined && { uid: active.tenant.uid }) },
      ...(agent !== undefined && { agent }),
      state,
      ...(active !== undefined && {
        sequence: active.sequence,
        contentRoot: active.contentRoot,
        etag: active.etag,
        digest: active.digest,
        activatedAt: new Date(active.activatedAt).toISOString(),
        stored: stored === active.sequence,
      }),
      ...(failing && lastError !== undefined && { error: lastError.code }),
      ...(head !== undefined && { head: toBase64(head) }),
    };
  }
}
