import type { ApiCaller } from './api-caller.ts';
import { networkError } from './error-answer.ts';
import { KubeError } from './kube-error.ts';
import { LineSplitter } from './line-splitter.ts';
import { LinkedAbort } from './linked-abort.ts';
import { collectionPath, selectors, withQuery } from './resource-path.ts';
import type { KubeObject, ResourceType, Selection, WatchEvent } from './types.ts';
import { watchEvent } from './watch-events.ts';

export interface WatchRequest {
  type: ResourceType;
  selection: Selection & { resourceVersion: string; timeoutSeconds: number };
  signal: AbortSignal;
  /** ms without a byte after which the connection counts as dead. */
  idleTimeout: number;
}

/** ms until the head of the answer. */
const HEAD_TIMEOUT = 30_000;
/** An object has at most about 3 MB; a line that does not end is not kept for ever. */
const MAX_LINE = 32 * 1024 * 1024;

/**
 * One watch, on a connection of its own. Ends when the server ends it. @throws KubeError: 410 where the version is too
 * old; status 0, reason `Idle`, where not one byte came for too long (bookmarks come every minute)
 */
export async function* watchStream<T extends KubeObject>(
  caller: ApiCaller,
  { type, selection, signal, idleTimeout }: WatchRequest,
): AsyncGenerator<WatchEvent<T>, void> {
  const link = new LinkedAbort(signal, HEAD_TIMEOUT);
  const path = withQuery(collectionPath(type, selection.namespace), {
    watch: true,
    allowWatchBookmarks: true,
    resourceVersion: selection.resourceVersion,
    timeoutSeconds: selection.timeoutSeconds,
    ...selectors(selection),
  });
  try {
    const body = await caller.open({ method: 'GET', path }, 'watches', link);
    link.limit(idleTimeout);
    const lines = new LineSplitter(MAX_LINE);
    for await (const chunk of body as AsyncIterable<Buffer>) {
      // while somebody deals with an event nothing is read, which is no silence of the server
      link.pause();
      for (const line of lines.push(chunk)) yield watchEvent<T>(line, type);
      link.limit(idleTimeout);
    }
    if (lines.pending > 0) throw new KubeError(0, 'Truncated', 'the watch ended within an event');
  } catch (error) {
    if (link.timedOut) throw new KubeError(0, 'Idle', `no byte of a watch of ${type.plural} for ${idleTimeout} ms`);
    if (signal.aborted) throw new KubeError(0, 'Aborted', 'the watch was given up', { cause: error });
    throw networkError(error);
  } finally {
    link.release();
  }
}
