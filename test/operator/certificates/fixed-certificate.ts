import { randomBytes } from 'node:crypto';
import type { CertificateSource, ServedCertificate } from '../../../operator/certificates/certificate-source.ts';
import { type CertifiedKey, makeAuthority, makeLeaf } from '../../../operator/certificates/serving-authority.ts';

const DEPS = { randomBytes: (size: number) => randomBytes(size) };
const DAY = 86_400_000;

/** A certificate for 127.0.0.1 that a test replaces by hand. */
export class FixedCertificate implements CertificateSource {
  readonly authority: CertifiedKey = makeAuthority(Date.now(), DAY, DEPS);
  readonly listeners = new Set<() => void>();
  #current: ServedCertificate;

  constructor() {
    this.#current = this.#made();
  }

  current(): ServedCertificate {
    return this.#current;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Another leaf of the same CA, or what is given. */
  replace(certificate: Partial<ServedCertificate> = this.#made()): void {
    this.#current = { ...this.#current, ...certificate };
    for (const listener of this.listeners) listener();
  }

  #made(): ServedCertificate {
    const { certificate, key } = makeLeaf(this.authority, ['127.0.0.1'], Date.now(), DAY, DEPS);
    return { cert: certificate, key, caBundle: this.authority.certificate };
  }
}
