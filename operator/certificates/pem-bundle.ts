import { X509Certificate } from 'node:crypto';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** The certificates of a bundle that can be read, in order; the others are left out. */
export function certificatesOf(bundle: string): X509Certificate[] {
  return (bundle.match(CERTIFICATE) ?? []).flatMap((pem) => {
    try {
      return [new X509Certificate(pem)];
    } catch {
      return [];
    }
  });
}

/** One text of several certificates, each once. */
export function bundleOf(certificates: readonly X509Certificate[]): string {
  return [...new Set(certificates.map((each) => each.toString()))].join('');
}

/** Whether whoever trusts `bundle` trusts every certificate of `wanted`. */
export function bundleHolds(bundle: string, wanted: string): boolean {
  const held = new Set(certificatesOf(bundle).map(({ fingerprint256 }) => fingerprint256));
  return certificatesOf(wanted).every(({ fingerprint256 }) => held.has(fingerprint256));
}
