import { generateKeyPairSync, randomBytes } from 'node:crypto';
import {
  alternativeName,
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

export interface LoopbackCertificate {
  /** PEM of the CA, for clients. */
  ca: string;
  /** PEM of the leaf for 127.0.0.1. */
  cert: string;
  key: string;
}

/** A new CA and a leaf of it, good for a day. */
export function loopbackCertificate(): LoopbackCertificate {
  const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const serial = () => Buffer.concat([Buffer.from([0x40]), randomBytes(15)]);
  const [authority, leaf] = [pair(), pair()];
  const authorityId = keyIdOf(authority.publicKey);
  const issuer = nameOf(`Test CA ${randomBytes(4).toString('hex')}`);
  const validity = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 86_400_000 };
  const ca = issue(
    {
      ...validity,
      serial: serial(),
      issuer,
      subject: issuer,
      publicKey: authority.publicKey,
      extensions: [caConstraints(), keyUsage(true), subjectKeyId(authorityId), authorityKeyId(authorityId)],
    },
    authority.privateKey,
  );
  const cert = issue(
    {
      ...validity,
      serial: serial(),
      issuer,
      subject: nameOf('127.0.0.1'),
      publicKey: leaf.publicKey,
      extensions: [
        leafConstraints(),
        keyUsage(false),
        serverAuth(),
        authorityKeyId(authorityId),
        alternativeName('127.0.0.1'),
      ],
    },
    authority.privateKey,
  );
  return { ca, cert, key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}
