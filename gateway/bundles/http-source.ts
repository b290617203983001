import { Backoff } from '../../runtime/time/backoff.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { BundleSource, SourceSink } from './bundle-source.ts';
import { type Fetched, fetchBundle } from './fetch-bundle.ts';
import { BundleHttpClient, type HttpTarget } from './http-client.ts';

/** `url` answers with the archive of this gateway's slice. */
export interface HttpSourceOptions extends HttpTarget {
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  maxBytes: number;
  /** Where it is pinned. */
  tenantUid?: string;
  /** How long a long poll asks the server to wait; 30 when absent, 0 for none. */
  waitSeconds?: number;
  /** ms between requests to a server that does not wait; 30 s when absent. Varied by a fifth. */
  pollInterval?: number;
  /** ms until an answer begins, beyond the wait; 10 s when absent. */
  headersTimeout?: number;
  /** ms for a whole body; 30 s when absent. */
  bodyTimeout?: number;
  /** First and longest delay after failures and refusals, ms; 500 and 30,000 when absent. */
  backoff?: { base: number; cap: number };
}

const WAIT_SECONDS = 30;
const POLL_INTERVAL = 30_000;
const HEADERS_TIMEOUT = 10_000;
const BODY_TIMEOUT = 30_000;
const BACKOFF = { base: 500, cap: 30_000 };
/** An answer "nothing new" that comes sooner was no wait, whatever the server says of itself. */
const REAL_WAIT = 1_000;
const ENTITY_TAG = /^(W\/)?"[\x21\x23-\x7e]{0,256}"$/;

interface State {
  backoff: Backoff;
  longPoll: boolean;
  /** The server's own entity tag of what is in force, and the tag of the head that it belongs to. */
  tag: { head: string; entity: string } | undefined;
}

/**
 * A bundle server. Only what is in force is ever named in `If-None-Match`, so that a copy which was damaged on the way
 * is fetched again.
 */
export function httpSource(options: HttpSourceOptions): BundleSource {
  const client = new BundleHttpClient(options);
  const { clock, random } = options;
  return {
    kind: 'http',
    place: client.place,
    async run(sink, signal) {
      const state: State = {
        backoff: new Backoff({ ...(options.backoff ?? BACKOFF), random }),
        longPoll: true,
        tag: undefined,
      };
      try {
        while (!signal.aborted) {
          const started = clock.monotonic();
          const condition = conditional(sink, state);
          const fetched = await fetchBundle(client, {
            ...condition,
            ...(options.tenantUid !== undefined && { tenantUid: options.tenantUid }),
            waitSeconds: sink.heldEtag() === undefined ? 0 : (options.waitSeconds ?? WAIT_SECONDS),
            headersTimeout: options.headersTimeout ?? HEADERS_TIMEOUT,
            bodyTimeout: options.bodyTimeout ?? BODY_TIMEOUT,
            maxBytes: options.maxBytes,
            now: clock.now(),
            signal,
          });
          if (signal.aborted) return;
          const told = condition.ifNoneMatch !== undefined;
          const next = await deal(fetched, sink, state, { told, elapsed: clock.monotonic() - started });
          await clock.sleep(next === 'poll' ? pollDelay(options) : next, signal);
        }
      } finally {
        await client.close();
      }
    },
  };
}

function conditional(sink: SourceSink, { tag }: State): { ifNoneMatch?: string } {
  const held = sink.heldEtag();
  if (held === undefined) return {};
  return { ifNoneMatch: tag?.head === held ? tag.entity : `"${held}"` };
}

/** What to do next: wait so many ms, or until the next poll. `told`: the server knew what we had. */
async function deal(
  fetched: Fetched,
  sink: SourceSink,
  state: State,
  { told, elapsed }: { told: boolean; elapsed: number },
): Promise<number | 'poll'> {
  if (fetched.kind === 'failed') {
    sink.failed(fetched.error);
    return state.backoff.next(fetched.retryAfter);
  }
  if (fetched.longPoll !== undefined) state.longPoll = fetched.longPoll;
  if (fetched.kind === 'current') {
    await sink.current();
    state.backoff.reset();
    return state.longPoll && elapsed >= REAL_WAIT ? 0 : 'poll';
  }
  const { outcome } = await sink.offer({ archive: fetched.archive });
  if (outcome === 'refused') return state.backoff.next();
  state.backoff.reset();
  const held = sink.heldEtag();
  const { etag } = fetched;
  state.tag =
    held !== undefined && etag !== undefined && ENTITY_TAG.test(etag) ? { head: held, entity: etag } : undefined;
  // A server that sends what it was told we have does not know If-None-Match. Without being told it may well send what
  // has come from another source meanwhile.
  return state.longPoll && !(told && outcome === 'unchanged') ? 0 : 'poll';
}

function pollDelay({ pollInterval = POLL_INTERVAL, random }: HttpSourceOptions): number {
  return pollInterval * (0.8 + 0.4 * random());
}
