import { createSecureContext, type SecureContext } from 'node:tls';
import { newP256 } from '../../../runtime/certificates/keys.ts';
import type { CaDeps, CertificateAuthority } from './certificate-authority.ts';

/** TLS contexts for the hosts of tools, made when they are asked for. */
export interface LeafContexts {
  /** @param host a name or address that a tool has, lower case. */
  contextFor(host: string): SecureContext;
}

export interface LeafContextsOptions {
  /** Hosts that are kept; the least recently used go first. Default 128. */
  capacity?: number;
  /** Life of a leaf in ms; default 7 days. A new one is made after two thirds. */
  life?: number;
}

const DAY = 86_400_000;

interface Leaf {
  context: SecureContext;
  renewAt: number;
}

/** All leaves of one process share one key. */
export function createLeafContexts(
  authority: CertificateAuthority,
  deps: Pick<CaDeps, 'now' | 'newKey'>,
  options: LeafContextsOptions = {},
): LeafContexts {
  const { capacity = 128, life = 7 * DAY } = options;
  const { publicKey, privateKey } = (deps.newKey ?? newP256)();
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  // A Map keeps its order, so the first entry is the one that was not used for longest.
  const leaves = new Map<string, Leaf>();

  function makeLeaf(host: string): Leaf {
    const now = deps.now();
    const cert = authority.issueLeaf(host, publicKey, now + life);
    return { context: createSecureContext({ key, cert, minVersion: 'TLSv1.2' }), renewAt: now + (life * 2) / 3 };
  }

  return {
    contextFor(host) {
      let leaf = leaves.get(host);
      leaves.delete(host);
      if (leaf === undefined || leaf.renewAt <= deps.now()) leaf = makeLeaf(host);
      leaves.set(host, leaf);
      if (leaves.size > capacity) leaves.delete(leaves.keys().next().value as string);
      return leaf.context;
    },
  };
}
