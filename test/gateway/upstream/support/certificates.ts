import { randomBytes } from 'node:crypto';
import { openCertificateAuthority } from '../../../../gateway/capture/ca/certificate-authority.ts';
import { newP256 } from '../../../../runtime/certificates/keys.ts';

export interface Authority {
  /** PEM. */
  ca: string;
  /** Key and certificate (PEM) of a server by this name or address. */
  issue(host: string): { key: string; cert: string };
}

/** A certificate authority of the test's own. */
export function createAuthority(): Authority {
  const kept = new Map<string, string>();
  const files = {
    read: (name: string) => kept.get(name),
    write: (name: string, text: string) => void kept.set(name, text),
  };
  const authority = openCertificateAuthority({ files, now: Date.now, randomBytes });
  return {
    ca: authority.certificate,
    issue(host) {
      const { publicKey, privateKey } = newP256();
      const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
      return { key, cert: authority.issueLeaf(host, publicKey, Date.now() + 3_600_000) };
    },
  };
}
