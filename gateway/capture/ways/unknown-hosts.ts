import { lookup } from 'node:dns';
import type { Duplex } from 'node:stream';
import { type AddressGuard, createAddressGuard, createNeighbourGuard } from '../../upstream/address-guard.ts';
import { createConnector, type ResolveName } from '../../upstream/connector.ts';
import type { NamedAuthority } from '../tool-directory.ts';

/**
 * How a client came here: it was sent to a proxy, or its traffic was redirected, in which case it is of the gateway's own
 * network and reached the same addresses before.
 */
export type Coming = 'proxy' | 'redirected';

/** The way to hosts where no tool is. Whoever asks has made sure that none is. Absent where all are refused. */
export interface UnknownHosts {
  /** Whether calls of this host pass. A host that is refused is noted. */
  admits(authority: NamedAuthority): boolean;
  /** Connects past every policy, but not past the guard of addresses. Rejects where it may not, or cannot. */
  connect(authority: NamedAuthority, coming: Coming): Promise<Duplex>;
}

export interface UnknownHostsOptions {
  /** Blocks (CIDR) whose private addresses may be connected to; default none. */
  allowPrivate?: readonly string[];
  /** Hosts that somebody allowed by name: they pass, and may be at private addresses. */
  allowed?(authority: NamedAuthority): boolean;
  /** All others are refused; default: they pass. */
  refuseOthers?: boolean;
  /** Redirected clients may reach private addresses where they may pass; default no. */
  redirectedPrivate?: boolean;
  /** Milliseconds; default 10,000. */
  connectTimeout?: number;
  /** Default: `dns.lookup`. */
  resolveName?: ResolveName;
  /** Told of every connection that is let through although nobody allowed its host. */
  passed?(authority: NamedAuthority): void;
  /** Told of everything that is not. */
  refused?(authority: NamedAuthority): void;
}

const systemNames: ResolveName = (name, done) => lookup(name, { all: true, order: 'verbatim' }, done);

export function createUnknownHosts(options: UnknownHostsOptions = {}): UnknownHosts {
  const isAllowed = (authority: NamedAuthority): boolean => options.allowed?.(authority) === true;
  const connectorOf = (guard: AddressGuard) =>
    createConnector({
      guard,
      explicit: false,
      secure: false,
      resolveName: options.resolveName ?? systemNames,
      timeout: options.connectTimeout ?? 10_000,
      breaks: { now: false },
    });
  const guarded = connectorOf(createAddressGuard(options.allowPrivate));
  const neighbourly = connectorOf(createNeighbourGuard(options.allowPrivate));
  return {
    admits(authority) {
      if (isAllowed(authority) || options.refuseOthers !== true) return true;
      options.refused?.(authority);
      return false;
    },
    connect(authority, coming) {
      const { host, port } = authority;
      const allowed = isAllowed(authority);
      const near = allowed || (coming === 'redirected' && options.redirectedPrivate === true);
      const connect = near ? neighbourly : guarded;
      return new Promise((resolve, reject) => {
        connect({ hostname: host, protocol: 'http:', port: String(port) }, (error, socket) => {
          if (error !== null) reject(error);
          else {
            if (!allowed) options.passed?.({ host, port });
            resolve(socket as Duplex);
          }
        });
      });
    },
  };
}
