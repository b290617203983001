import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
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

/** A CA and leaves of it, good for a day. */
export class TestAuthority {
  /** PEM. */
  readonly ca: string;
  readonly #keys = pair();
  readonly #issuer = nameOf(`Test CA ${randomBytes(4).toString('hex')}`);
  readonly #validity = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 86_400_000 };

  constructor() {
    const { publicKey } = this.#keys;
    const id = keyIdOf(publicKey);
    this.ca = this.#issue(this.#issuer, publicKey, [
      caConstraints(),
      keyUsage(true),
      subjectKeyId(id),
      authorityKeyId(id),
    ]);
  }

  /** For one host name or IP address. */
  leaf(name: string): { cert: string; key: string } {
    const { publicKey, privateKey } = pair();
    const cert = this.#issue(nameOf(name), publicKey, [
      leafConstraints(),
      keyUsage(false),
      serverAuth(),
      authorityKeyId(keyIdOf(this.#keys.publicKey)),
      alternativeName(name),
    ]);
    return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  }

  #issue(subject: Uint8Array, publicKey: KeyObject, extensions: Uint8Array[]): string {
    const serial = Buffer.concat([Buffer.from([0x40]), randomBytes(15)]);
    const request = { ...this.#validity, serial, issuer: this.#issuer, subject, publicKey, extensions };
    return issue(request, this.#keys.privateKey);
  }
}

function pair(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** A new CA and a leaf of it for 127.0.0.1. */
export function loopbackCertificate(): LoopbackCertificate {
  const authority = new TestAuthority();
  return { ca: authority.ca, ...authority.leaf('127.0.0.1') };
}
