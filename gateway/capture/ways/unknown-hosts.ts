import { lookup } from 'node:dns';
import type { Duplex } from 'node:stream';
import { createAddressGuard } from '../../upstream/address-guard.ts';
import { createConnector, type ResolveName } from '../../upstream/connector.ts';
import type { NamedAuthority } from '../tool-directory.ts';

/** The way to hosts where no tool is. Absent where they are refused. */
export interface UnknownHosts {
  /** Connects past every policy, but not past the guard of addresses. Rejects where it may not, or cannot. */
  connect(authority: NamedAuthority): Promise<Duplex>;
}

export interface UnknownHostsOptions {
  /** Blocks (CIDR) whose private addresses may be connected to; default none. */
  allowPrivate?: readonly string[];
  /** Milliseconds; default 10,000. */
  connectTimeout?: number;
  /** Default: `dns.lookup`. */
  resolveName?: ResolveName;
  /** Told of every connection that is let through. */
  passed?(authority: NamedAuthority): void;
}

const systemNames: ResolveName = (name, done) => lookup(name, { all: true, order: 'verbatim' }, done);

export function createUnknownHosts(options: UnknownHostsOptions = {}): UnknownHosts {
  const connect = createConnector({
    guard: createAddressGuard(options.allowPrivate),
    explicit: false,
    secure: false,
    resolveName: options.resolveName ?? systemNames,
    timeout: options.connectTimeout ?? 10_000,
    breaks: { now: false },
  });
  return {
    connect: ({ host, port }) =>
      new Promise((resolve, reject) => {
        connect({ hostname: host, protocol: 'http:', port: String(port) }, (error, socket) => {
          if (error !== null) reject(error);
          else {
            options.passed?.({ host, port });
            resolve(socket as Duplex);
          }
        });
      }),
  };
}
