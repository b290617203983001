import { resolversOf } from '../pod-capture/resolvers.ts';
import { canonicalAddress } from '../upstream/address-guard.ts';
import { type PastTheGatewayOptions, pastTheGateway, type SocketTables } from './past-the-gateway.ts';
import { type ProcSocket, parseSockets } from './proc-sockets.ts';

export interface ObserveEgressOptions extends Pick<PastTheGatewayOptions, 'ownUid' | 'redirected'> {
  /** Rejects where it cannot be read. */
  readFile(path: string): Promise<string>;
  littleEndian: boolean;
  /** Addresses of this machine. */
  ownAddresses(): Iterable<string>;
  /** Told once of every socket that was found. */
  seen(destination: { address: string; port: number; protocol: 'tcp' | 'udp' }): void;
  /** Told once, where nothing can be seen. */
  failed(error: unknown): void;
  /** ms between two looks; 1 s when absent. */
  interval?: number;
}

const INTERVAL = 1000;

/**
 * Looks every second at the sockets of this network namespace. What opens and closes between two looks is not seen: it
 * is a list of what to think about, not a proof.
 */
export async function observeEgress(options: ObserveEgressOptions): Promise<{ stop(): void }> {
  const { readFile, littleEndian, ownAddresses, seen, failed, interval = INTERVAL } = options;
  const resolvConf = await readFile('/etc/resolv.conf').catch(() => '');
  const resolvers = canonicalSet(resolversOf(resolvConf));
  let before: ReadonlySet<string> = new Set();
  let stopped = false;
  let told = false;
  let timer: NodeJS.Timeout | undefined;

  /** Without IPv6 there is no second file. */
  async function table(protocol: 'tcp' | 'udp'): Promise<ProcSocket[]> {
    const texts = [readFile(`/proc/net/${protocol}`), readFile(`/proc/net/${protocol}6`).catch(() => '')];
    return parseSockets((await Promise.all(texts)).join(''), littleEndian);
  }

  async function look(): Promise<void> {
    try {
      const tables: SocketTables = { tcp: await table('tcp'), udp: await table('udp') };
      const found = pastTheGateway(tables, { ...options, resolvers, own: canonicalSet(ownAddresses()) });
      for (const { key, address, port, protocol } of found) {
        if (!before.has(key)) seen({ address: shortest(address), port, protocol });
      }
      before = new Set(found.map(({ key }) => key));
    } catch (error) {
      if (!told) failed(error);
      told = true;
    }
    if (!stopped) timer = setTimeout(look, interval).unref();
  }
  timer = setTimeout(look, 0);
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

function canonicalSet(addresses: Iterable<string>): Set<string> {
  return new Set([...addresses].flatMap((address) => canonicalAddress(address) ?? []));
}

/** RFC 5952, as people write it. */
function shortest(address: string): string {
  return address.includes(':') ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}
