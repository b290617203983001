import type { LeaseHolder } from '../kube/lease-record.ts';

/** Who leads, as this replica sees it. */
export interface Leader {
  /** This replica does. */
  self: boolean;
  /** Another one for every change of leader. */
  term: string;
  /** `host:port` of its bundle API; absent while it has not said so. */
  address?: string;
}

/** Annotation of the Lease: `host:port` of the holder's bundle API, or the host alone. */
export const ADDRESS_ANNOTATION = 'aegis.dev/address';

const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?$/;

/** `port` is that of the bundle API where the address names none. */
export function leaderOf(holder: LeaseHolder | undefined, identity: string, port: number): Leader | undefined {
  if (holder === undefined) return undefined;
  const [, host, named] = ADDRESS.exec(holder.annotations[ADDRESS_ANNOTATION] ?? '') ?? [];
  return {
    self: holder.identity === identity,
    term: `${holder.transitions} ${holder.identity}`,
    ...(host !== undefined && { address: `${host}:${named ?? port}` }),
  };
}
