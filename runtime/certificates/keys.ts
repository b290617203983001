import { generateKeyPairSync, type KeyObject, type X509Certificate } from 'node:crypto';
import { oid } from './der.ts';

/** Keys and serials for new certificates, and what must be taken over from the certificate of an issuer. */

const SUBJECT_KEY_ID = oid('2.5.29.14');

export function newP256(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** 16 bytes, positive (RFC 5280 section 4.1.2.2). */
export function newSerial(randomBytes: (size: number) => Uint8Array): Uint8Array {
  const serial = Uint8Array.from(randomBytes(16));
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  return serial;
}

/** The subject as it stands in the certificate, byte for byte: clients compare it with the issuer of leaves. */
export function subjectOf({ raw }: X509Certificate): Buffer {
  const certificate = contentOf(raw, 0);
  const body = contentOf(raw, certificate.from);
  // version, serial, algorithm, issuer, validity, subject
  let at = body.from;
  for (let skipped = 0; skipped < 5; skipped++) at = contentOf(raw, at).to;
  return raw.subarray(at, contentOf(raw, at).to);
}

/** SubjectKeyIdentifier of the certificate (RFC 5280 section 4.2.1.2): whoever made it chose how to name the key. */
export function statedKeyId({ raw }: X509Certificate): Buffer | undefined {
  const at = raw.indexOf(SUBJECT_KEY_ID);
  if (at < 0) return undefined;
  const value = contentOf(raw, at + SUBJECT_KEY_ID.length);
  const { from, to } = contentOf(raw, value.from);
  return to === value.to ? raw.subarray(from, to) : undefined;
}

/** Where the content of the DER value at `at` begins and ends. */
function contentOf(der: Uint8Array, at: number): { from: number; to: number } {
  const first = der[at + 1] as number;
  const size = first < 0x80 ? 0 : first & 0x7f;
  let length = size === 0 ? first : 0;
  for (let index = 0; index < size; index++) length = length * 256 + (der[at + 2 + index] as number);
  const from = at + 2 + size;
  return { from, to: from + length };
}
