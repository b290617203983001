import { createHash, type KeyObject, sign } from 'node:crypto';
import { parseAddress } from '../../policy/network/address.ts';
import { bitString, integer, oid, sequence, tagged, time, tlv, UNIVERSAL } from './der.ts';

/**
 * X.509 certificates (RFC 5280) for one CA and its leaves, signed with ECDSA on P-256. Written by hand, because the
 * libraries for it take 20 to 30 MB in a process that has 75.
 */

export interface CertificateRequest {
  serial: Uint8Array;
  /** DER of a Name. */
  issuer: Uint8Array;
  subject: Uint8Array;
  /** ms since the epoch. */
  notBefore: number;
  notAfter: number;
  publicKey: KeyObject;
  extensions: readonly Uint8Array[];
}

const ECDSA_WITH_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const COMMON_NAME = oid('2.5.4.3');
const ORGANISATION = oid('2.5.4.10');
const V3 = tagged(0, true, integer(Buffer.from([2])));

/** @returns PEM. `key` is the issuer's. */
export function issue(request: CertificateRequest, key: KeyObject): string {
  const body = sequence(
    V3,
    integer(request.serial),
    ECDSA_WITH_SHA256,
    request.issuer,
    sequence(time(request.notBefore), time(request.notAfter)),
    request.subject,
    request.publicKey.export({ type: 'spki', format: 'der' }),
    tagged(3, true, sequence(...request.extensions)),
  );
  const signature = sign('sha256', body, { key, dsaEncoding: 'der' });
  return pem(sequence(body, ECDSA_WITH_SHA256, bitString(signature)));
}

function pem(der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** CommonName has at most 64 characters (RFC 5280 appendix A.1). */
export function nameOf(commonName: string): Buffer {
  const part = (type: Uint8Array, text: string): Buffer =>
    tlv(UNIVERSAL.set, sequence(type, tlv(UNIVERSAL.utf8String, Buffer.from(text))));
  return sequence(part(ORGANISATION, 'Aegis'), part(COMMON_NAME, commonName.slice(0, 64)));
}

/** Names the key in certificates (RFC 7093 section 2, method 1). */
export function keyIdOf(publicKey: KeyObject): Buffer {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  // The key of P-256 is the uncompressed point at the end.
  return createHash('sha256').update(spki.subarray(-65)).digest().subarray(0, 20);
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  const flag = critical ? [tlv(UNIVERSAL.boolean, Buffer.from([0xff]))] : [];
  return sequence(oid(id), ...flag, tlv(UNIVERSAL.octetString, value));
}

/** The key may sign leaves only. */
export function caConstraints(): Buffer {
  const isCa = tlv(UNIVERSAL.boolean, Buffer.from([0xff]));
  return extension('2.5.29.19', true, sequence(isCa, integer(Buffer.from([0]))));
}

export function leafConstraints(): Buffer {
  return extension('2.5.29.19', true, sequence());
}

/** keyCertSign and cRLSign, or digitalSignature. */
export function keyUsage(ca: boolean): Buffer {
  return extension('2.5.29.15', true, ca ? bitString(Buffer.from([0x06]), 1) : bitString(Buffer.from([0x80]), 7));
}

export function serverAuth(): Buffer {
  return extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1')));
}

export function subjectKeyId(id: Uint8Array): Buffer {
  return extension('2.5.29.14', false, tlv(UNIVERSAL.octetString, id));
}

export function authorityKeyId(id: Uint8Array): Buffer {
  return extension('2.5.29.35', false, sequence(tagged(0, false, id)));
}

/** GeneralNames: dNSName or iPAddress of each host. */
export function alternativeNames(hosts: readonly string[]): Buffer {
  return extension('2.5.29.17', false, sequence(...hosts.map(generalName)));
}

export function alternativeName(host: string): Buffer {
  return alternativeNames([host]);
}

function generalName(host: string): Buffer {
  const address = parseAddress(host.replace(/^\[|\]$/g, ''));
  return address === undefined ? tagged(2, false, Buffer.from(host)) : tagged(7, false, Buffer.from(address));
}

/** GeneralSubtree; dNSName `example.com` stands for itself and all below it. */
function subtree(host: string): Buffer {
  const address = parseAddress(host.replace(/^\[|\]$/g, ''));
  if (address === undefined) return sequence(tagged(2, false, Buffer.from(host.replace(/^\*\./, ''))));
  return sequence(tagged(7, false, Buffer.from([...address, ...address.map(() => 0xff)])));
}

/** Only these hosts, and no address that is not among them (RFC 5280 section 4.2.1.10). */
export function nameConstraints(hosts: readonly string[]): Buffer {
  const families = hosts.map((host) => parseAddress(host.replace(/^\[|\]$/g, ''))?.length);
  const permitted = hosts.map(subtree);
  // A kind of name that no subtree speaks of would be free.
  if (!families.includes(undefined)) permitted.push(sequence(tagged(2, false, Buffer.from('invalid'))));
  const excluded = [4, 16]
    .filter((size) => !families.includes(size))
    .map((size) => sequence(tagged(7, false, Buffer.alloc(size * 2))));
  const parts = [tagged(0, true, ...permitted), ...(excluded.length > 0 ? [tagged(1, true, ...excluded)] : [])];
  return extension('2.5.29.30', true, sequence(...parts));
}
