import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import {
  alternativeNames,
  authorityKeyId,
  caConstraints,
  issue,
  keyIdOf,
  keyUsage,
  leafConstraints,
  nameOf,
  serverAuth,
  subjectKeyId,
} from '../../runtime/certificates/certificate.ts';
import { newP256, newSerial, statedKeyId, subjectOf } from '../../runtime/certificates/keys.ts';

/** A certificate and its private key, PEM. */
export interface CertifiedKey {
  certificate: string;
  key: string;
}

export interface IssueDeps {
  randomBytes(size: number): Uint8Array;
  /** A new P-256 pair; default: node:crypto's. */
  newKey?(): { publicKey: KeyObject; privateKey: KeyObject };
}

/** Clocks of clients and of other replicas may be late. */
export const SKEW = 3_600_000;

/** A CA that can sign leaves only. `life` in ms. */
export function makeAuthority(now: number, life: number, deps: IssueDeps): CertifiedKey {
  const { publicKey, privateKey } = (deps.newKey ?? newP256)();
  const serial = newSerial(deps.randomBytes);
  // Old and new CA stand in one bundle, and are told apart by the end of their name.
  const name = nameOf(`Aegis operator CA ${Buffer.from(serial).toString('hex').slice(0, 8)}`);
  const id = keyIdOf(publicKey);
  const certificate = issue(
    {
      serial,
      issuer: name,
      subject: name,
      notBefore: now - SKEW,
      notAfter: now + life,
      publicKey,
      extensions: [caConstraints(), keyUsage(true), subjectKeyId(id), authorityKeyId(id)],
    },
    privateKey,
  );
  return { certificate, key: pemOf(privateKey) };
}

/** A leaf for servers of these names and addresses; it ends with its CA at the latest. */
export function makeLeaf(
  authority: CertifiedKey,
  names: readonly string[],
  now: number,
  life: number,
  deps: IssueDeps,
): CertifiedKey {
  const { publicKey, privateKey } = (deps.newKey ?? newP256)();
  const ca = new X509Certificate(authority.certificate);
  const certificate = issue(
    {
      serial: newSerial(deps.randomBytes),
      issuer: subjectOf(ca),
      // The names stand in the alternative name only; some verifiers take a common name for a host as well.
      subject: nameOf('Aegis operator'),
      notBefore: Math.max(now - SKEW, ca.validFromDate.getTime()),
      notAfter: Math.min(now + life, ca.validToDate.getTime()),
      publicKey,
      extensions: [
        leafConstraints(),
        keyUsage(false),
        serverAuth(),
        authorityKeyId(statedKeyId(ca) ?? keyIdOf(ca.publicKey)),
        alternativeNames(names),
      ],
    },
    createPrivateKey(authority.key),
  );
  return { certificate, key: pemOf(privateKey) };
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}
