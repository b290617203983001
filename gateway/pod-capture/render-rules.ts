import type { CaptureConfig } from '../../policy/wire/capture-config.ts';
import { type Family, hostNetwork, type Network, parseNetwork } from './network.ts';

/** Chains of our own, which these built-in chains of their tables jump to before anything else. */
export const CHAINS = { nat: 'AEGIS_CAPTURE', filter: 'AEGIS_GUARD', mangle: 'AEGIS_DOOR' } as const;
export const BUILT_IN = { nat: 'OUTPUT', filter: 'OUTPUT', mangle: 'POSTROUTING' } as const;

export type Table = keyof typeof CHAINS;

/** Rules of our chains, each as `iptables-save` prints it after `-A CHAIN `; a table without any is left without us. */
export type Rules = Record<Table, readonly string[]>;

const REDIRECTED = [80, 443];
/** Router solicitation, neighbour solicitation and advertisement (RFC 4861): the kernel's own, of no user. */
const NEIGHBOURS = [133, 135, 136];
/** Every address of the pod itself, loopback and what was redirected among them. */
const OWN = '-m addrtype --dst-type LOCAL';
/** TCP other than a first SYN. */
const NO_OPENING = '! --tcp-flags FIN,SYN,RST,ACK SYN';

interface Allowed {
  /** `-d 10.0.0.0/8 `, or nothing for every address. */
  to: string;
  ports: readonly number[] | undefined;
}

/** What the pod finds around it. */
export interface Surroundings {
  /** Addresses of name servers, of both families. */
  resolvers: readonly string[];
  /**
   * The API server, whose clients go by address: without a server name the gateway could not pass them on. Left alone
   * unless the guard is Enforce.
   */
  apiServer?: { address: string; port: number };
}

/** The rules of one family of addresses. Pure: the same configuration gives the same text. */
export function renderRules(config: CaptureConfig, { resolvers, apiServer }: Surroundings, family: Family): Rules {
  const allowed = config.allow.flatMap(({ cidr, ports }): Allowed[] => {
    const network = parseNetwork(cidr);
    return network?.family === family ? [{ to: destination(network), ports: ports && unique(ports) }] : [];
  });
  return {
    nat: captureRules(config, [...allowed, ...directTo(config, apiServer, family)]),
    filter: config.guard === 'Enforce' ? guardRules(config, allowed, resolversIn(resolvers, family), family) : [],
    // A socket that is bound to a device sends there what was redirected: to loopback, but on the wire.
    mangle: config.guard === 'Enforce' ? [`-d ${family === 'ipv4' ? '127.0.0.0/8' : '::1/128'} ! -o lo -j DROP`] : [],
  };
}

function directTo({ guard }: CaptureConfig, apiServer: Surroundings['apiServer'], family: Family): Allowed[] {
  const network = apiServer === undefined || guard === 'Enforce' ? undefined : hostNetwork(apiServer.address);
  if (apiServer === undefined || network?.family !== family) return [];
  return [{ to: destination(network), ports: [apiServer.port] }];
}

function captureRules({ gatewayUid, ports }: CaptureConfig, allowed: readonly Allowed[]): string[] {
  return [
    `${ownedBy(gatewayUid)} -j RETURN`,
    `${OWN} -j RETURN`,
    ...allowed.flatMap(({ to, ports: direct = [] }) =>
      direct.filter((port) => REDIRECTED.includes(port)).map((port) => `${to}${toPort('tcp', port)} -j RETURN`),
    ),
    `${toPort('tcp', 80)} -j REDIRECT --to-ports ${ports.http}`,
    `${toPort('tcp', 443)} -j REDIRECT --to-ports ${ports.tls}`,
  ];
}

function guardRules(
  { gatewayUid }: CaptureConfig,
  allowed: readonly Allowed[],
  resolvers: readonly string[],
  family: Family,
): string[] {
  const icmp = family === 'ipv4' ? '-p icmp' : '-p ipv6-icmp';
  const refuse = refusals(family);
  const wide = allowed.filter(({ ports }) => ports === undefined);
  return [
    `${ownedBy(gatewayUid)} -j ACCEPT`,
    `${OWN} -j ACCEPT`,
    // Answers to whoever connected to the pod; and the end of connections whose socket is closed, which no user owns. Never
    // what opens a connection: the kernel keeps the gateway's entries for a while, and its source port is free again.
    `-p tcp -m tcp ${NO_OPENING} -m conntrack --ctstate ESTABLISHED -j ACCEPT`,
    '! -p tcp -m conntrack --ctstate ESTABLISHED --ctdir REPLY -j ACCEPT',
    // Errors about these; not what protocol helpers call related.
    `${icmp} -m conntrack --ctstate RELATED -j ACCEPT`,
    ...(family === 'ipv6' ? NEIGHBOURS.map((type) => `${icmp} -m icmp6 --icmpv6-type ${type} -j ACCEPT`) : []),
    ...resolvers.flatMap((to) => [`${to}${toPort('udp', 53)} -j ACCEPT`, `${to}${toPort('tcp', 53)} -j ACCEPT`]),
    ...allowed.flatMap(({ to, ports = [] }) =>
      ports.flatMap((port) => [`${to}${toPort('tcp', port)} -j ACCEPT`, `${to}${toPort('udp', port)} -j ACCEPT`]),
    ),
    // Allowed without ports means none of those that are redirected: no QUIC past the gateway either.
    ...(wide.length === 0
      ? []
      : REDIRECTED.flatMap((port) => [
          `${toPort('tcp', port)} -j ${refuse.tcp}`,
          `${toPort('udp', port)} -j ${refuse.other}`,
        ])),
    ...wide.flatMap(({ to }) => [`${to}-p tcp -j ACCEPT`, `${to}-p udp -j ACCEPT`]),
    `-p tcp -j ${refuse.tcp}`,
    `-j ${refuse.other}`,
  ];
}

function refusals(family: Family): { tcp: string; other: string } {
  const unreachable = family === 'ipv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable';
  return { tcp: 'REJECT --reject-with tcp-reset', other: `REJECT --reject-with ${unreachable}` };
}

function ownedBy(uid: number): string {
  return `-m owner --uid-owner ${uid}`;
}

function toPort(protocol: 'tcp' | 'udp', port: number): string {
  return `-p ${protocol} -m ${protocol} --dport ${port}`;
}

function destination({ text }: Network): string {
  return text === undefined ? '' : `-d ${text} `;
}

function resolversIn(resolvers: readonly string[], family: Family): string[] {
  const networks = resolvers.map(hostNetwork).filter((network) => network?.family === family);
  return unique(networks.map((network) => destination(network as Network)));
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
