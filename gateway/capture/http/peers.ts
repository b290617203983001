import { networkInterfaces } from 'node:os';

/** Who may connect to a listener: this machine (or pod) only, or whoever reaches it. */
export type Peers = 'machine' | 'any';

const LOOPBACK = /^(?:127\.|::1$|::ffff:127\.)/;

/**
 * Is the peer this machine? Redirected traffic of a pod keeps the pod's own address as its source, so the machine's
 * own addresses count beside loopback.
 */
export function isOwnAddress(address: string | undefined, own: () => Iterable<string> = ownAddresses): boolean {
  if (address === undefined) return false;
  if (LOOPBACK.test(address)) return true;
  const plain = address.replace(/^::ffff:/, '');
  for (const candidate of own()) if (candidate === plain) return true;
  return false;
}

/** Of this machine's interfaces. */
export function* ownAddresses(): Iterable<string> {
  for (const list of Object.values(networkInterfaces())) for (const { address } of list ?? []) yield address;
}
