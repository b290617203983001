import { type Clock, systemClock } from '../../runtime/time/clock.ts';
import { ApiCaller } from './api-caller.ts';
import { ClusterCredentials } from './cluster-access.ts';
import { Connections } from './connections.ts';
import { KubeError } from './kube-error.ts';
import { listPages } from './list-pages.ts';
import { namespacedCollection, objectPath, withQuery } from './resource-path.ts';
import type { KubeClient, KubeObject } from './types.ts';
import { watchStream } from './watch-stream.ts';

export interface KubeClientOptions {
  /** A kubeconfig file; without one the pod's ServiceAccount, else what kubectl would use. */
  kubeconfig?: string;
  /** Shown in the API server's audit log. */
  userAgent: string;
  /** Connections for calls; watches have their own. 16 when absent. */
  connections?: number;
  /** ms without a byte after which a watch counts as dead; 70 s when absent. */
  watchIdleTimeout?: number;
  /** In front of the paths of the ServiceAccount's files; nothing when absent. */
  root?: string;
  clock?: Clock;
  random?(): number;
}

const PAGE_SIZE = 500;
const CONNECTIONS = 16;
const WATCH_IDLE = 70_000;

/** Opens nothing yet: what is wrong with the configuration is told by the first call. */
export function createKubeClient(options: KubeClientOptions): KubeClient {
  const clock = options.clock ?? systemClock;
  const connections = new Connections(options.connections ?? CONNECTIONS);
  const credentials = new ClusterCredentials({ kubeconfig: options.kubeconfig, root: options.root ?? '', clock });
  const random = options.random ?? Math.random;
  const caller = new ApiCaller({ credentials, connections, userAgent: options.userAgent, clock, random });
  return clientOf(caller, connections, options.watchIdleTimeout ?? WATCH_IDLE);
}

function clientOf(caller: ApiCaller, connections: Connections, idleTimeout: number): KubeClient {
  return {
    async get(type, key, { signal, timeout } = {}) {
      return await noneOf404(caller.json({ method: 'GET', path: objectPath(type, key), signal, timeout }));
    },
    list(type, selection = {}, { signal, timeout } = {}) {
      const { pageSize = PAGE_SIZE, map } = selection;
      return listPages(caller, {
        type,
        selection,
        pageSize,
        map,
        ...(signal && { signal }),
        ...(timeout !== undefined && { timeout }),
      });
    },
    watch: (type, selection, signal) => watchStream(caller, { type, selection, signal, idleTimeout }),
    create: async (type, object, { signal, timeout, fieldManager, dryRun } = {}) => {
      const path = withQuery(namespacedCollection(type, object.metadata.namespace), {
        fieldManager,
        dryRun: dryRun ? 'All' : undefined,
      });
      return await caller.json({ method: 'POST', path, body: object, signal, timeout });
    },
    replace: async (type, object, { signal, timeout, fieldManager, subresource } = {}) => {
      const path = withQuery(objectPath(type, object.metadata, subresource), { fieldManager });
      return await caller.json({ method: 'PUT', path, body: object, signal, timeout });
    },
    apply: async (type, object, { signal, timeout, fieldManager, force, subresource, dryRun }) => {
      const path = withQuery(objectPath(type, object.metadata, subresource), {
        fieldManager,
        force,
        dryRun: dryRun ? 'All' : undefined,
      });
      const contentType = 'application/apply-patch+yaml';
      return await caller.json({ method: 'PATCH', path, body: applied(object), contentType, signal, timeout });
    },
    jsonPatch: async (type, key, operations, { signal, timeout, fieldManager, subresource } = {}) => {
      const path = withQuery(objectPath(type, key, subresource), { fieldManager });
      const contentType = 'application/json-patch+json';
      return await caller.json({ method: 'PATCH', path, body: operations, contentType, signal, timeout });
    },
    async delete(type, key, { signal, timeout, uid, resourceVersion, propagation } = {}) {
      const preconditions = { uid, resourceVersion };
      const body = {
        apiVersion: 'v1',
        kind: 'DeleteOptions',
        ...((uid ?? resourceVersion) !== undefined && { preconditions }),
        ...(propagation !== undefined && { propagationPolicy: propagation }),
      };
      await noneOf404(caller.json({ method: 'DELETE', path: objectPath(type, key), body, signal, timeout }));
    },
    post: (path, body, { signal, timeout } = {}) => caller.json({ method: 'POST', path, body, signal, timeout }),
    close: () => connections.close(),
  };
}

/** What others wrote down about who owns which field is not for us to apply. */
function applied<T extends KubeObject>(object: T): T {
  if (object.metadata.managedFields === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}

async function noneOf404<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof KubeError && error.isNotFound) return undefined;
    throw error;
  }
}
