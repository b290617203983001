/** What the attempts know of the world around their pod. */
export interface World {
  tool: { id: string; host: string; address: string };
  /** Of another agent's tool, and of nobody's: names and addresses outside. */
  elsewhere: string;
  /** Resolves to the tool's address; nobody has allowed it. */
  alias: string;
  /** Allowed by `egress.allow`. */
  allowed: { host: string; address: string };
  /** A pod of no agent that passes on to the tool whatever it gets, and its Service. */
  relay: { address: string; service: string; serviceAddress: string };
  /** The node, which is the name server as well. */
  node: string;
  operator: string;
  gatewayUid: number;
  /** Of the outside, as far as the pod could reach it. */
  ipv6: string[];
  ports: { tcp: number[]; udp: number[] };
  /** Source ports that the gateway had until now. */
  freed: number[];
}

/** One way to get around the gateway. */
export interface Attempt {
  name: string;
  /** Why it should fail. */
  why: string;
  /** How it has to end, as seen from inside; that nothing arrives is looked at from outside. */
  ends: RegExp;
  /** The gateway has to have denied it in its decision log. */
  logged?: boolean;
  run(world: World): string | Promise<string>;
}

/** What the gateway allows: everything that arrives outside is one of these. */
export const DECIDED = '/v1/payment_intents/pi_decided';

/** A request that no rule permits, told apart by its name. */
export function undecided(name: string): string {
  return `/escapes/${name}`;
}
