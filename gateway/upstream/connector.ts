import type { LookupAddress, LookupOptions } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { createSecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import { AegisError } from '../../policy/errors.ts';
import type { UpstreamTls } from '../../policy/mapping/contract.ts';
import type { AddressGuard } from './address-guard.ts';

/** All addresses of a name; `dns.lookup` with `all: true`. */
export type ResolveName = (
  name: string,
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

export interface ConnectorOptions {
  guard: AddressGuard;
  /** Private addresses are what the configuration asked for. */
  explicit: boolean;
  secure: boolean;
  resolveName: ResolveName;
  /** Milliseconds for DNS, TCP and TLS together. */
  timeout: number;
  tls?: UpstreamTls | undefined;
  /** PEM authorities instead of the system's. */
  ca?: string | undefined;
  breaks: Breaks;
}

/**
 * Whether a connection is just breaking, as seen from what its error sets off. undici takes the reset of a connection
 * for the end of a body that has no other end; that body may be cut short, and must not look complete.
 */
export interface Breaks {
  now: boolean;
}

function noteBreaks(socket: Socket, breaks: Breaks): void {
  socket.prependListener('error', () => {
    breaks.now = true;
    queueMicrotask(() => {
      breaks.now = false;
    });
  });
}

function refused(name: string, address: string): AegisError {
  const what = name === address ? `The address ${address}` : `The address ${address} of ${name}`;
  return new AegisError('AEGIS_UPSTREAM_ADDRESS', `${what} is not one that this gateway connects to.`);
}

/**
 * A connector that only ever reaches permitted addresses: a literal is checked as it stands; a name is resolved once
 * per connection, every address of it must be permitted, and the socket is given those very addresses (RFC 8305 order
 * is Node's), so that a second answer of the DNS changes nothing.
 */
export function createConnector(options: ConnectorOptions): buildConnector.connector {
  const { guard, explicit, secure, resolveName, timeout, tls, ca, breaks } = options;

  const lookup: LookupFunction = (name, { all }: LookupOptions, done) => {
    resolveName(name, (error, addresses) => {
      const bad = addresses?.find(({ address }) => !guard.permits(address, explicit));
      const [first] = addresses ?? [];
      if (error !== null) done(error, []);
      else if (bad !== undefined) done(refused(name, bad.address), []);
      else if (first === undefined)
        done(Object.assign(new Error(`${name} has no address.`), { code: 'ENOTFOUND' }), []);
      else if (all) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };

  const connect = buildConnector({
    timeout,
    lookup,
    autoSelectFamily: true,
    // Said outright, so that no environment variable turns it off.
    rejectUnauthorized: true,
    ...(secure && {
      secureContext: createSecureContext({ minVersion: secureVersion(tls), ...(ca !== undefined && { ca }) }),
    }),
    ...(tls?.serverName !== undefined && { servername: tls.serverName }),
  } as buildConnector.BuildOptions);

  return (target, callback) => {
    const { hostname } = target;
    if (isIP(hostname) !== 0 && !guard.permits(hostname, explicit)) {
      queueMicrotask(() => callback(refused(hostname, hostname), null));
      return;
    }
    connect(target, (...result: Parameters<buildConnector.Callback>) => {
      if (result[1] !== null && result[1] !== undefined) noteBreaks(result[1], breaks);
      callback(...result);
    });
  };
}

function secureVersion(tls: UpstreamTls | undefined): 'TLSv1.2' | 'TLSv1.3' {
  return tls?.minVersion === 'TLS1.3' ? 'TLSv1.3' : 'TLSv1.2';
}
