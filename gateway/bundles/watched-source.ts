import { AegisError } from '../../policy/errors.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { BundleCandidate, BundleSource, SourceKind, SourceSink } from './bundle-source.ts';
import { sourceError } from './read-files.ts';
import { FolderWatch } from './wake-up.ts';

/** How a place on disk is looked at. */
export interface WatchedPlace {
  readonly kind: SourceKind;
  readonly place: string;
  /** Cheap: a mark that differs whenever the content may, and the folders where a change would show. */
  look(): Promise<{ mark: string; folders: string[] }>;
  read(): Promise<BundleCandidate>;
  /** Where to watch while there is nothing to look at. */
  readonly parents: readonly string[];
}

export interface WatchOptions {
  clock: Clock;
  /** ms between looks, however quiet the operating system is; 5 s when absent. */
  pollInterval?: number;
  /** ms that a change must stand before it is read, so that a writer can finish; 50 ms when absent. */
  settle?: number;
}

const POLL = 5_000;
const SETTLE = 50;
/** ms between looks at least: the folder may be a busy one. */
const BREATH = 20;
/** What was refused may become acceptable: clocks are set right, keys are added. */
const REFUSED_AGAIN = 60_000;
/** A place that keeps changing for so many looks is reported. */
const MAX_UNSTEADY = 20;

/** Offers what stands at a place whenever it has changed, and never a state in the middle of a change. */
export function watchedSource(target: WatchedPlace, options: WatchOptions): BundleSource {
  const { clock, pollInterval = POLL, settle = SETTLE } = options;
  return {
    kind: target.kind,
    place: target.place,
    async run(sink, signal) {
      const watch = new FolderWatch();
      const offered: Offered = { mark: undefined, again: Number.POSITIVE_INFINITY };
      try {
        while (!signal.aborted) {
          const steady = await round(target, watch, offered, { sink, signal, clock, settle });
          if (steady) await watch.wait(pollInterval, clock, signal);
          await clock.sleep(BREATH, signal);
        }
      } finally {
        watch.close();
      }
    },
  };
}

interface Offered {
  mark: string | undefined;
  /** When a refused candidate is offered again, by the monotonic clock. */
  again: number;
}

interface Round {
  sink: SourceSink;
  signal: AbortSignal;
  clock: Clock;
  settle: number;
}

/** One look, and an offer where there is something new. True when there is nothing left to do but wait. */
async function round(target: WatchedPlace, watch: FolderWatch, offered: Offered, env: Round): Promise<boolean> {
  const { sink, signal, clock } = env;
  let before: Awaited<ReturnType<WatchedPlace['look']>>;
  try {
    watch.set(target.parents);
    before = await target.look();
    watch.set([...target.parents, ...before.folders]);
    if (before.mark === offered.mark && clock.monotonic() < offered.again) {
      if (offered.again === Number.POSITIVE_INFINITY) await sink.current();
      return true;
    }
    const candidate = await readSteady(target, before.mark, offered.mark === undefined, env);
    if (signal.aborted) return true;
    const { outcome } = await sink.offer(candidate.candidate);
    offered.mark = candidate.mark;
    offered.again = outcome === 'refused' ? clock.monotonic() + REFUSED_AGAIN : Number.POSITIVE_INFINITY;
    // whatever changed while the offer was looked at
    return (await target.look()).mark === candidate.mark;
  } catch (error) {
    if (!signal.aborted) sink.failed(sourceError(error, target.place));
    return true;
  }
}

/** Reads a state that was the same before, and stays the same until after, it was read. */
async function readSteady(
  target: WatchedPlace,
  first: string,
  /** Nothing was offered yet: what stands there at the start is seldom being written. */
  starting: boolean,
  { clock, settle, signal }: Round,
): Promise<{ mark: string; candidate: BundleCandidate }> {
  let mark = first;
  for (let attempt = 0; attempt < MAX_UNSTEADY && !signal.aborted; attempt++) {
    if (!starting || attempt > 0) await clock.sleep(settle, signal);
    const before = (await target.look()).mark;
    if (before !== mark) {
      mark = before;
      continue;
    }
    const read = await attemptRead(target);
    const after = (await target.look()).mark;
    if (after === mark) {
      if ('error' in read) throw read.error;
      return { mark, candidate: read.candidate };
    }
    mark = after;
  }
  throw new AegisError('AEGIS_BUNDLE_SOURCE', `${target.place} keeps changing`);
}

/** A file that vanishes while it is read is a change, not yet a failure. */
async function attemptRead(target: WatchedPlace): Promise<{ candidate: BundleCandidate } | { error: unknown }> {
  try {
    return { candidate: await target.read() };
  } catch (error) {
    return { error };
  }
}
