import type { Pool } from 'undici';
import type { CredentialContract, UpstreamTls } from '../../policy/mapping/contract.ts';
import type { Breaks } from './connector.ts';
import type { UpstreamTarget } from './types.ts';

/** Kept-alive connections to one origin under one set of TLS options. */
export interface PoolEntry {
  readonly pool: Pool;
  /** Authorities that the pool trusts; another text makes another pool. */
  readonly ca: string | undefined;
  readonly breaks: Breaks;
  /** Calls that are not on a connection yet. */
  waiting: number;
  /** Calls that are not at their end yet. */
  open: number;
}

/** An UpstreamTarget with what only this folder needs. */
export interface ResolvedTarget extends UpstreamTarget {
  secure: boolean;
  /** Private addresses are what the configuration asked for: a literal address, or a local stand-in. */
  explicit: boolean;
  tls: UpstreamTls | undefined;
  credential: CredentialContract | undefined;
  /** Pool of the last call, so that the next one need not look for it. */
  pool: PoolEntry | undefined;
}
