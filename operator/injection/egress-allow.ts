import { isCidr, parseAddress } from '../../policy/network/address.ts';
import type { CaptureConfig } from '../../policy/wire/capture-config.ts';
import type { InjectionFacts } from './types.ts';

type Allow = InjectionFacts['registration']['egressAllow'];

const HOST = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
/** Some read such names as IPv4 addresses. */
const NUMERIC_LAST_LABEL = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/;

/** Hosts of `egress.allow` as the gateway takes them: `api.example.com`, `*.example.com:8443`. */
export function allowedHosts(allow: Allow): string[] {
  const found = allow.flatMap(({ host, ports }) => {
    const name = host && usableHost(host);
    if (!name) return [];
    return ports && ports.length > 0 ? ports.map((port) => `${name}:${port}`) : [name];
  });
  return [...new Set(found)];
}

export function allowedNetworks(allow: Allow): CaptureConfig['allow'] {
  return allow.flatMap(({ cidr, ports }) =>
    cidr && isCidr(cidr) ? [{ cidr, ...(ports && ports.length > 0 && { ports: [...ports] }) }] : [],
  );
}

/** Entries that name nothing; gateway and init container would not start with them. */
export function unusableDestinations(allow: Allow): string[] {
  return allow.flatMap(({ host, cidr }) => [
    ...(host && usableHost(host) === undefined ? [host] : []),
    ...(cidr && !isCidr(cidr) ? [cidr] : []),
  ]);
}

function usableHost(host: string): string | undefined {
  const name = host.toLowerCase();
  const bare = name.startsWith('*.') ? name.slice(2) : name;
  if (bare.length > 253 || !HOST.test(bare)) return undefined;
  const numeric = NUMERIC_LAST_LABEL.test(bare) && (bare !== name || parseAddress(bare) === undefined);
  return numeric ? undefined : name;
}
