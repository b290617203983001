import type { AgentRegistrationStatus } from '../../policy/resources/types.generated.ts';
import { safeCount, safeLong, safeName } from './safe-values.ts';

/** Connections to one destination that no tool stands for, as gateways counted them. */
export interface ObservedEgress {
  /** Host name, or address where there was none. */
  destination: string;
  port: number;
  protocol: 'tcp' | 'udp';
  connections: number;
  /** The gateway or the guard refused them; else they passed. */
  refused: boolean;
}

/** Destinations that a status lists. */
const MAX_OBSERVED = 32;
const MAX_PORT = 65_535;

/** Those with most connections, by name: an order by counts would change with every report. */
export function egressStatus(observations: readonly ObservedEgress[] | undefined): {
  egress?: NonNullable<AgentRegistrationStatus['egress']>;
} {
  const known = new Map<string, ObservedEgress>();
  for (const { destination, port, protocol, connections, refused } of observations ?? []) {
    const name = safeName(destination, 253);
    if (name === undefined || name === '') continue;
    const safe = {
      destination: name,
      port: safeCount(port, MAX_PORT),
      protocol,
      connections: safeLong(connections),
      refused,
    };
    const key = nameOf(safe);
    const before = known.get(key);
    known.set(
      key,
      before === undefined ? safe : { ...safe, connections: safeLong(safe.connections + before.connections) },
    );
  }
  if (known.size === 0) return {};
  const most = [...known.values()].sort((a, b) => b.connections - a.connections || compare(nameOf(a), nameOf(b)));
  const observed = most.slice(0, MAX_OBSERVED).sort((a, b) => compare(nameOf(a), nameOf(b)));
  return { egress: { destinations: known.size, observed } };
}

function nameOf({ destination, port, protocol, refused }: ObservedEgress): string {
  return `${destination} ${String(port).padStart(5, '0')} ${protocol} ${refused}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
