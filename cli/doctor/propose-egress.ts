/** What `spec.egress.allow` would have to say so that what was observed passes. */
import type { ObservedEgress } from '../../operator/status/observed-egress.ts';
import { cidrContains, parseAddress } from '../../policy/network/address.ts';
import type { EgressDestination } from '../../policy/resources/types.generated.ts';

export interface EgressProposal {
  /** To add, sorted. */
  add: readonly EgressDestination[];
  /** Names on ports where no name is seen: they need an address. */
  unresolved: readonly string[];
}

/** Entries that `spec.egress.allow` holds, and ports of each (crds/agentregistrations.yaml). */
const MAX_ALLOWED = 64;
const MAX_PORTS = 32;
/** There the gateway reads a name (Host, server name); elsewhere only addresses count. */
const NAMED_PORTS = [80, 443];

/** Only what is not allowed already, whether it was refused or only observed, as narrow as it was seen: somebody still has to want it. */
export function proposeEgress(
  observations: readonly ObservedEgress[],
  allowed: readonly EgressDestination[],
): EgressProposal {
  const hosts = new Map<string, Set<number>>();
  const addresses = new Map<string, Set<number>>();
  const unresolved = new Set<string>();
  for (const { destination, port, protocol } of observations) {
    const name = destination.toLowerCase();
    const bytes = parseAddress(name);
    if (port < 1 || port > 65_535 || allowed.some((entry) => covers(entry, { name, port, protocol }))) continue;
    if (bytes !== undefined) collect(addresses, `${name}/${bytes.length * 8}`, port);
    else if (protocol === 'tcp' && NAMED_PORTS.includes(port) && isHost(name)) collect(hosts, name, port);
    else if (!allowed.some(({ cidr, ports }) => cidr != null && ports?.includes(port))) {
      // which address the name has is not known here: a network with this port is taken for the answer
      unresolved.add(`${name}:${port}/${protocol}`);
    }
  }
  const add = [
    ...sorted(hosts).map(([host, ports]) => ({ host, ports })),
    ...sorted(addresses).map(([cidr, ports]) => ({ cidr, ports })),
  ];
  return { add: add.slice(0, Math.max(0, MAX_ALLOWED - allowed.length)), unresolved: [...unresolved].sort() };
}

/** The whole list as it would stand in the registration: what is there, then what is new. */
export function egressYaml(allowed: readonly EgressDestination[], add: readonly EgressDestination[]): string[] {
  return ['spec:', '  egress:', '    allow:', ...[...allowed, ...add].flatMap(entryYaml)];
}

function entryYaml({ host, cidr, ports }: EgressDestination): string[] {
  const first = host == null ? `cidr: ${quoted(cidr ?? '')}` : `host: ${quoted(host)}`;
  return [`    - ${first}`, ...(ports == null ? [] : [`      ports: [${ports.join(', ')}]`])];
}

/** Plain where YAML reads it as the same text, which `true`, `*.x` and `::1/128` are not. */
function quoted(text: string): string {
  return /^[A-Za-z][A-Za-z0-9-]*\.[A-Za-z0-9.-]*[A-Za-z0-9]$|^\d+\.\d+\.\d+\.\d+\/\d+$/.test(text)
    ? text
    : JSON.stringify(text);
}

function covers(
  { host, cidr, ports }: EgressDestination,
  { name, port, protocol }: { name: string; port: number; protocol: 'tcp' | 'udp' },
): boolean {
  if (ports != null && !ports.includes(port)) return false;
  if (cidr != null) {
    // without ports, 80 and 443 of a network stay redirected
    return cidrContains(cidr, name) && (ports != null || !NAMED_PORTS.includes(port));
  }
  // the gateway lets names through, on the ports of HTTP and TLS where none is given
  if (protocol !== 'tcp' || (ports == null && !NAMED_PORTS.includes(port))) return false;
  const pattern = host?.toLowerCase() ?? '';
  return pattern.startsWith('*.')
    ? name.endsWith(pattern.slice(1)) && name.length > pattern.length - 1
    : pattern === name;
}

function isHost(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$/.test(name);
}

function collect(found: Map<string, Set<number>>, name: string, port: number): void {
  const ports = found.get(name) ?? new Set();
  found.set(name, ports.add(port));
}

function sorted(found: ReadonlyMap<string, ReadonlySet<number>>): [string, number[]][] {
  return [...found]
    .map(([name, ports]): [string, number[]] => [name, [...ports].sort((a, b) => a - b).slice(0, MAX_PORTS)])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
