/** A certificate to serve with; PEM. */
export interface ServedCertificate {
  /** The leaf, and intermediates after it. */
  cert: string;
  key: string;
  /** The CAs by which clients shall judge it: more than one while a CA is being replaced. */
  caBundle: string;
}

/** Whatever has a certificate that can change while it is served. */
export interface CertificateSource {
  /** @throws AegisError AEGIS_CERTIFICATE_MISSING before there is one */
  current(): ServedCertificate;
  /** Told after it has changed. Returns how to stop. */
  subscribe(listener: () => void): () => void;
}
