import { type Authority, parseAuthority } from './authority.ts';
import type { NamedAuthority } from './tool-directory.ts';

/** A host, or `*.` and the name that all hosts below it end with; with or without a port. */
export type HostPattern = Authority;

/** Without a port, those of HTTP and TLS. */
const WEB_PORTS: readonly number[] = [80, 443];

/** Undefined for what is no such pattern. Lower case. */
export function parseHostPattern(text: string): HostPattern | undefined {
  const wild = text.startsWith('*.');
  const authority = parseAuthority(wild ? text.slice(2) : text);
  if (authority === undefined || !wild) return authority;
  return /[:]|^[0-9.]+$/.test(authority.host) ? undefined : { ...authority, host: `*.${authority.host}` };
}

export function allowedHosts(patterns: readonly HostPattern[]): (authority: NamedAuthority) => boolean {
  return ({ host, port }) => {
    const name = host.toLowerCase();
    return patterns.some((pattern) => {
      const fits = pattern.host.startsWith('*.') ? name.endsWith(pattern.host.slice(1)) : name === pattern.host;
      return fits && (pattern.port === undefined ? WEB_PORTS.includes(port) : port === pattern.port);
    });
  };
}
