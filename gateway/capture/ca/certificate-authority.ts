import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { AegisError } from '../../../policy/errors.ts';
import {
  alternativeName,
  authorityKeyId,
  caConstraints,
  issue,
  keyIdOf,
  keyUsage,
  leafConstraints,
  nameConstraints,
  nameOf,
  serverAuth,
  subjectKeyId,
} from '../../../runtime/certificates/certificate.ts';
import { newP256, newSerial, statedKeyId, subjectOf } from '../../../runtime/certificates/keys.ts';

/** Where a CA lives. `write` makes the file anew with this mode, and rejects one that is there. */
export interface CaFiles {
  /** Undefined where there is no such file. */
  read(name: string): string | undefined;
  write(name: string, text: string, mode: number): void;
}

export interface CaDeps {
  files: CaFiles;
  /** ms since the epoch. */
  now(): number;
  randomBytes(size: number): Uint8Array;
  /** A new P-256 pair; default: node:crypto's. */
  newKey?(): { publicKey: KeyObject; privateKey: KeyObject };
}

export interface CertificateAuthority {
  /** The CA's certificate, for clients to trust. */
  readonly certificate: string;
  /** A certificate for one host, PEM. */
  issueLeaf(host: string, publicKey: KeyObject, notAfter: number): string;
  /** When the CA ends, ms since the epoch. */
  readonly notAfter: number;
}

export const CERTIFICATE_FILE = 'ca.crt';
export const KEY_FILE = 'ca.key';
const DAY = 86_400_000;
/** What Apple and browsers accept at most of a leaf; a CA that is made on the spot need not live longer. */
const CA_LIFE = 825 * DAY;
/** Clocks of clients may be late. */
const SKEW = 3_600_000;

/**
 * The CA in the folder, made where there is none. A folder with only one of both files is refused, never repaired.
 * @param permitted hosts (`*.` for all below) that the CA shall be good for; empty: no constraint. Only for a new CA.
 * @throws AegisError AEGIS_CA
 */
export function openCertificateAuthority(deps: CaDeps, permitted: readonly string[] = []): CertificateAuthority {
  const { files } = deps;
  const certificate = attempt('read', () => files.read(CERTIFICATE_FILE));
  const key = attempt('read', () => files.read(KEY_FILE));
  if (certificate !== undefined && key !== undefined) return load(certificate, key, deps);
  if (certificate !== undefined || key !== undefined) {
    throw new AegisError('AEGIS_CA', `Of ${CERTIFICATE_FILE} and ${KEY_FILE} only one is there.`);
  }
  const made = make(deps, permitted);
  attempt('written', () => {
    files.write(KEY_FILE, made.key, 0o600);
    files.write(CERTIFICATE_FILE, made.certificate, 0o644);
  });
  return load(made.certificate, made.key, deps);
}

function attempt<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
    throw new AegisError('AEGIS_CA', `The files of the CA cannot be ${what} (${code}).`, { cause: error });
  }
}

function make(deps: CaDeps, permitted: readonly string[]): { certificate: string; key: string } {
  const { publicKey, privateKey } = (deps.newKey ?? newP256)();
  const now = deps.now();
  const serial = newSerial(deps.randomBytes);
  // Several CAs of one machine are told apart by the end of their name.
  const name = nameOf(`Aegis gateway CA ${Buffer.from(serial).toString('hex').slice(0, 8)}`);
  const id = keyIdOf(publicKey);
  const constraints = permitted.length === 0 ? [] : [nameConstraints(permitted)];
  const certificate = issue(
    {
      serial,
      issuer: name,
      subject: name,
      notBefore: now - SKEW,
      notAfter: now + CA_LIFE,
      publicKey,
      extensions: [caConstraints(), keyUsage(true), subjectKeyId(id), authorityKeyId(id), ...constraints],
    },
    privateKey,
  );
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function parse(certificate: string, key: string): { x509: X509Certificate; privateKey: KeyObject } {
  try {
    return { x509: new X509Certificate(certificate), privateKey: createPrivateKey(key) };
  } catch (error) {
    throw new AegisError('AEGIS_CA', `${CERTIFICATE_FILE} or ${KEY_FILE} cannot be read.`, { cause: error });
  }
}

function load(certificate: string, key: string, deps: CaDeps): CertificateAuthority {
  const { x509, privateKey } = parse(certificate, key);
  const notAfter = Date.parse(x509.validTo);
  const { publicKey } = x509;
  if (!x509.ca || !x509.checkPrivateKey(privateKey)) {
    throw new AegisError('AEGIS_CA', `${CERTIFICATE_FILE} is no CA, or not the one of ${KEY_FILE}.`);
  }
  if (privateKey.asymmetricKeyType !== 'ec' || privateKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new AegisError('AEGIS_CA', `${KEY_FILE} is not an ECDSA key on P-256.`);
  }
  if (notAfter <= deps.now()) throw new AegisError('AEGIS_CA', `${CERTIFICATE_FILE} ended on ${x509.validTo}.`);
  const issuer = subjectOf(x509);
  const issuerKeyId = statedKeyId(x509) ?? keyIdOf(publicKey);
  return {
    certificate: x509.toString(),
    notAfter,
    issueLeaf(host, leafKey, until) {
      const bare = host.replace(/^\[|\]$/g, '');
      return issue(
        {
          serial: newSerial(deps.randomBytes),
          issuer,
          // The host stands in the alternative name only; some verifiers take a common name for a host as well.
          subject: nameOf('Aegis gateway leaf'),
          notBefore: Math.max(deps.now() - SKEW, Date.parse(x509.validFrom)),
          notAfter: Math.min(until, notAfter),
          publicKey: leafKey,
          extensions: [
            leafConstraints(),
            keyUsage(false),
            serverAuth(),
            authorityKeyId(issuerKeyId),
            alternativeName(bare),
          ],
        },
        privateKey,
      );
    },
  };
}
