import type { ApiCaller } from './api-caller.ts';
import { KubeError } from './kube-error.ts';
import { collectionPath, selectors, withQuery } from './resource-path.ts';
import type { CallOptions, KubeObject, ResourceType, Selection } from './types.ts';

interface Page<T> {
  metadata?: { resourceVersion?: string; continue?: string };
  items?: T[] | null;
}

export interface ListRequest<T> extends CallOptions {
  type: ResourceType;
  selection: Selection;
  pageSize: number;
  map?: ((item: T) => T) | undefined;
}

/** What one page may have, bytes: a page that has more is asked for again in smaller ones. */
const MAX_PAGE = 64 * 1024 * 1024;
/** The same for a list that only comes in one piece. */
const MAX_WHOLE = 384 * 1024 * 1024;
/** Attempts at a list whose pages expire while it is read, before it is read in one piece. */
const ATTEMPTS = 3;

interface Progress<T> {
  items: T[];
  next: string | undefined;
  resourceVersion: string;
  pageSize: number;
}

/**
 * Everything there is, page by page, as of one version. A list that is read too slowly expires (410) and is begun again.
 */
export async function listPages<T extends KubeObject>(
  caller: ApiCaller,
  request: ListRequest<T>,
): Promise<{ items: T[]; resourceVersion: string }> {
  const { pageSize } = request;
  for (let attempt = 1; ; attempt++) {
    const progress: Progress<T> = { items: [], next: undefined, resourceVersion: '', pageSize };
    try {
      do {
        const page = await nextPage(caller, request, progress, attempt > ATTEMPTS);
        take(page, request, progress);
      } while (progress.next !== undefined);
      return { items: progress.items, resourceVersion: progress.resourceVersion };
    } catch (error) {
      const expired = error instanceof KubeError && error.isExpired && progress.next !== undefined;
      if (!expired || attempt > ATTEMPTS) throw error;
    }
  }
}

async function nextPage<T extends KubeObject>(
  caller: ApiCaller,
  { type, selection, signal, timeout }: ListRequest<T>,
  progress: Progress<T>,
  whole: boolean,
): Promise<Page<T>> {
  for (;;) {
    const path = withQuery(collectionPath(type, selection.namespace), {
      ...selectors(selection),
      limit: whole ? undefined : progress.pageSize,
      continue: progress.next,
    });
    try {
      return await caller.json<Page<T>>({
        method: 'GET',
        path,
        signal,
        timeout,
        maxBytes: whole ? MAX_WHOLE : MAX_PAGE,
      });
    } catch (error) {
      const tooLarge = error instanceof KubeError && error.reason === 'TooLarge' && error.status === 0;
      if (!tooLarge || whole || progress.pageSize === 1) throw error;
      progress.pageSize = Math.max(1, progress.pageSize >> 2);
    }
  }
}

function take<T extends KubeObject>(page: Page<T>, { type, map }: ListRequest<T>, progress: Progress<T>): void {
  const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
  for (const item of page.items ?? []) {
    // lists of built-in kinds leave out what the list itself says
    const object = item.kind === undefined ? { ...item, apiVersion, kind: type.kind } : item;
    progress.items.push(map === undefined ? object : map(object));
  }
  progress.resourceVersion = page.metadata?.resourceVersion ?? '';
  progress.next = page.metadata?.continue || undefined;
}
