import { Pool } from 'undici';
import { AegisError } from '../../policy/errors.ts';
import type { AddressGuard } from './address-guard.ts';
import { type Breaks, createConnector, type ResolveName } from './connector.ts';
import type { PoolEntry, ResolvedTarget } from './resolved-target.ts';
import type { Secrets } from './secrets.ts';

export interface PoolsOptions {
  guard: AddressGuard;
  secrets: Secrets;
  resolveName: ResolveName;
  /** Per pool. */
  connections: number;
  /** Milliseconds. */
  connectTimeout: number;
}

export interface Pools {
  /** @throws AegisError AEGIS_UPSTREAM_TRUST; AEGIS_UPSTREAM_CONNECT after `close`. */
  acquire(target: ResolvedTarget): PoolEntry;
  close(): Promise<void>;
}

const MAX_POOLS = 256;
const MAX_HEADER_BYTES = 64 * 1024;

export function createPools(options: PoolsOptions): Pools {
  const { guard, secrets, resolveName, connections, connectTimeout } = options;
  const entries = new Map<string, PoolEntry>();
  /** Replaced or left over, and waiting for their last call. */
  const closing = new Set<Pool>();
  let closed = false;

  /** Calls in flight keep their connections until they end. */
  function retire(key: string, { pool }: PoolEntry): void {
    entries.delete(key);
    closing.add(pool);
    pool
      .close()
      .finally(() => closing.delete(pool))
      .catch(() => undefined);
  }

  function makeRoom(): void {
    if (entries.size < MAX_POOLS) return;
    for (const [key, entry] of entries) {
      if (entry.open > 0) continue;
      retire(key, entry);
      return;
    }
  }

  function trusted({ tool, tls }: ResolvedTarget): string | undefined {
    if (tls?.caKey === undefined) return undefined;
    const ca = secrets.authorities(tool, tls.caKey);
    if (ca === undefined) {
      throw new AegisError(
        'AEGIS_UPSTREAM_TRUST',
        `The file ${tool}/ca/${tls.caKey} holds no certificate authorities.`,
      );
    }
    return ca;
  }

  function keyOf({ tool, origin, explicit, secure, tls }: ResolvedTarget): string {
    const trust =
      secure && tls !== undefined ? [tls.serverName, tls.minVersion, tls.caKey && `${tool}/${tls.caKey}`] : [];
    return JSON.stringify([origin, explicit, ...trust]);
  }

  function create(target: ResolvedTarget, ca: string | undefined): PoolEntry {
    const { origin, explicit, secure, tls } = target;
    const breaks: Breaks = { now: false };
    const pool = new Pool(origin, {
      connect: createConnector({ guard, explicit, secure, resolveName, timeout: connectTimeout, tls, ca, breaks }),
      connections,
      pipelining: 1,
      // Below what servers commonly keep an idle connection for, so that a call seldom meets one that is closing.
      keepAliveTimeout: 4_000,
      maxHeaderSize: MAX_HEADER_BYTES,
    });
    return { pool, ca, breaks, waiting: 0, open: 0 };
  }

  return {
    acquire(target) {
      if (closed) throw new AegisError('AEGIS_UPSTREAM_CONNECT', 'The gateway is shutting down.');
      const ca = target.secure ? trusted(target) : undefined;
      const last = target.pool;
      if (last !== undefined && last.ca === ca && !last.pool.closed) return last;
      const key = keyOf(target);
      let entry = entries.get(key);
      if (entry !== undefined && entry.ca !== ca) {
        retire(key, entry);
        entry = undefined;
      }
      if (entry === undefined) {
        makeRoom();
        entry = create(target, ca);
        entries.set(key, entry);
      }
      target.pool = entry;
      return entry;
    },
    async close() {
      closed = true;
      const pools = [...[...entries.values()].map(({ pool }) => pool), ...closing];
      entries.clear();
      await Promise.all(pools.map((pool) => pool.destroy()));
    },
  };
}
