import { X509Certificate } from 'node:crypto';
import type { ValueType } from '../../runtime/settings/value-types.ts';
import { type HostPattern, parseHostPattern } from '../capture/allowed-hosts.ts';

/** Forms of values that only the gateway's settings have. */

export const HOST_PATTERN: ValueType<HostPattern> = {
  name: 'host or *.suffix',
  allowed:
    'a host such as api.example.com, or *.example.com for the hosts below it, either with :PORT where it is neither 80 nor 443',
  schema: { type: 'string', minLength: 1, maxLength: 262 },
  fromText: parseHostPattern,
  fromValue: (value) => (typeof value === 'string' ? parseHostPattern(value) : undefined),
  toText: ({ host, port }) => {
    const name = host.includes(':') ? `[${host}]` : host;
    return port === undefined ? name : `${name}:${port}`;
  },
};

const MAX_PEM = 64 * 1024;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

function certificates(text: string): string | undefined {
  if (text.length > MAX_PEM) return undefined;
  const blocks = text.match(CERTIFICATE) ?? [];
  // A private key here would be shown wherever settings are.
  if (blocks.length === 0 || text.replace(CERTIFICATE, '').includes('-----')) return undefined;
  try {
    return blocks.map((block) => new X509Certificate(block).toString()).join('');
  } catch {
    return undefined;
  }
}

/** Certificates as text. */
export const PEM: ValueType<string> = {
  name: 'PEM',
  allowed: 'one or more certificates as PEM text, and no key',
  schema: { type: 'string', pattern: '-----BEGIN CERTIFICATE-----' },
  fromText: certificates,
  fromValue: (value) => (typeof value === 'string' ? certificates(value) : undefined),
  toText: (text) => text,
};
