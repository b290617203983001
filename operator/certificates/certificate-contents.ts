import { createPrivateKey, type KeyObject, type X509Certificate } from 'node:crypto';
import { certificatesOf } from './pem-bundle.ts';
import type { CertifiedKey } from './serving-authority.ts';

/** What the Secret holds, as text. Times are ms since the epoch. */
export interface CertificateContents {
  /** Every CA that a served leaf may be of, PEM. */
  caBundle: string;
  /** Of the CA in the bundle that signs leaves. */
  caKey: string;
  cert: string;
  key: string;
  /** What the leaf was made for. */
  names: readonly string[];
  /** A CA in the bundle that will sign once everybody trusts it. */
  next?: NextAuthority;
  /** When the CA was replaced last; others in the bundle are of before. */
  switchedAt?: number;
  /** The last request to replace the CA that was taken up. */
  request?: string;
}

export interface NextAuthority {
  key: string;
  /** When everybody was first seen to have it; absent: not yet. */
  publishedAt?: number;
}

/** Entries of the Secret; the first four are what tools expect there. */
const ENTRY = {
  caBundle: 'ca.crt',
  caKey: 'ca.key',
  cert: 'tls.crt',
  key: 'tls.key',
  nextKey: 'next-ca.key',
  rotation: 'rotation.json',
} as const;

/** `data` of the Secret, base64. */
export function secretData({ caBundle, caKey, cert, key, next, ...rest }: CertificateContents): Record<string, string> {
  const rotation = { ...rest, ...(next?.publishedAt !== undefined && { publishedAt: next.publishedAt }) };
  const texts = {
    [ENTRY.caBundle]: caBundle,
    [ENTRY.caKey]: caKey,
    [ENTRY.cert]: cert,
    [ENTRY.key]: key,
    ...(next !== undefined && { [ENTRY.nextKey]: next.key }),
    [ENTRY.rotation]: JSON.stringify(rotation),
  };
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, Buffer.from(text).toString('base64')]));
}

/** What of the data can be read; whether it is usable is another question (`inspect`). */
export function readSecretData(data: Readonly<Record<string, string>> = {}): CertificateContents {
  const text = (name: string): string => Buffer.from(data[name] ?? '', 'base64').toString('utf8');
  const rotation = readRotation(text(ENTRY.rotation));
  const { publishedAt, ...rest } = rotation;
  const nextKey = text(ENTRY.nextKey);
  return {
    caBundle: text(ENTRY.caBundle),
    caKey: text(ENTRY.caKey),
    cert: text(ENTRY.cert),
    key: text(ENTRY.key),
    ...rest,
    ...(nextKey !== '' && { next: { key: nextKey, ...(publishedAt !== undefined && { publishedAt }) } }),
  };
}

type Rotation = Pick<CertificateContents, 'names' | 'switchedAt' | 'request'> & { publishedAt?: number };

function readRotation(text: string): Rotation {
  let value: Partial<Record<keyof Rotation, unknown>> = {};
  try {
    value = Object(JSON.parse(text)) as typeof value;
  } catch {
    // as if nothing were written: the leaf is made anew, and waits begin anew
  }
  const { names, switchedAt, request, publishedAt } = value;
  return {
    names: Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [],
    ...(isTime(switchedAt) && { switchedAt }),
    ...(typeof request === 'string' && { request }),
    ...(isTime(publishedAt) && { publishedAt }),
  };
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

/** The parts of the contents that are usable at a time. */
export interface Inspected {
  /** The CA that signs. */
  signer?: CertifiedKey & { x509: X509Certificate };
  next?: CertifiedKey & { x509: X509Certificate };
  /** Valid, of its key, and of a CA of the bundle. */
  leaf?: X509Certificate;
  /** CAs of the bundle that are neither, and have not ended. */
  others: X509Certificate[];
}

export function inspect(contents: CertificateContents, now: number): Inspected {
  const authorities = certificatesOf(contents.caBundle).filter((each) => each.ca && hasNotEnded(each, now));
  const signer = certified(authorities, contents.caKey);
  const next = contents.next && certified(authorities, contents.next.key);
  const leaf = usableLeaf(contents, authorities, now);
  const taken = new Set([signer, next].map((each) => each?.x509.fingerprint256));
  const others = authorities.filter(({ fingerprint256 }) => !taken.has(fingerprint256));
  return { ...(signer && { signer }), ...(next && { next }), ...(leaf && { leaf }), others };
}

function certified(authorities: readonly X509Certificate[], key: string): Inspected['signer'] {
  const privateKey = readKey(key);
  const x509 = privateKey && authorities.find((each) => each.checkPrivateKey(privateKey));
  return x509 && { certificate: x509.toString(), key, x509 };
}

function usableLeaf(
  { cert, key }: CertificateContents,
  authorities: readonly X509Certificate[],
  now: number,
): X509Certificate | undefined {
  const [leaf] = certificatesOf(cert);
  const privateKey = readKey(key);
  if (leaf === undefined || privateKey === undefined || !leaf.checkPrivateKey(privateKey)) return undefined;
  const signed = authorities.some((each) => leaf.checkIssued(each) && leaf.verify(each.publicKey));
  return signed && hasNotEnded(leaf, now) ? leaf : undefined;
}

/** Only the end counts: one that is not valid yet was made by somebody whose clock is ahead. */
function hasNotEnded(certificate: X509Certificate, now: number): boolean {
  return now < certificate.validToDate.getTime();
}

function readKey(pem: string): KeyObject | undefined {
  try {
    return createPrivateKey(pem);
  } catch {
    return undefined;
  }
}
