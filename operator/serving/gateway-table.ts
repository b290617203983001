import type { Clock } from '../../runtime/time/clock.ts';
import type { GatewayAcknowledgement } from '../model/gateway-report.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { AuthenticatedAgent } from './authenticate.ts';
import { BatchedKeys } from './batched-keys.ts';

/** Whom something is told by. */
export type ToldBy = Pick<
  AuthenticatedAgent,
  'tenant' | 'agentId' | 'namespace' | 'podName' | 'podUid' | 'registration'
>;

/** What one gateway last said of itself. */
export interface GatewayEntry extends ToldBy {
  acknowledgement: GatewayAcknowledgement;
  /** ms, monotonic. */
  receivedAt: number;
}

/** A gateway's word that there was a higher sequence than it is offered: a signed head that nobody has verified yet. */
export interface HeadClaim {
  tenant: TenantIdentity;
  podUid: string;
  /** `manifest.json`, base64. */
  head: string;
  receivedAt: number;
}

export interface AgentChange {
  tenant: TenantIdentity;
  agentId: string;
  registration: string;
}

export interface GatewayTableOptions {
  clock: Clock;
  /** The pod is known to be gone. */
  isGone?(entry: ToldBy): boolean;
  /** ms after which a silent gateway is forgotten; 15 min when absent (they speak every five). */
  silence?: number;
  /** ms over which changes of one agent are told once; 100 when absent. */
  debounce?: number;
  /** Gateways that are remembered; 50,000 when absent. */
  maxEntries?: number;
}

const SILENCE = 15 * 60_000;
const DEBOUNCE = 100;
const MAX_ENTRIES = 50_000;
/** Claims that are kept per tenant: whoever verifies them needs one that is true. */
const MAX_CLAIMS = 16;
const SWEEP = 30_000;
/** The index of pods may learn of a pod later than its gateway speaks, ms. */
const GRACE = 30_000;

/** What is in force in every gateway, by its latest acknowledgement. In memory only: gateways say it again and again. */
export class GatewayTable {
  readonly #options: GatewayTableOptions;
  readonly #byPod = new Map<string, GatewayEntry>();
  readonly #byAgent = new Map<string, Map<string, GatewayEntry>>();
  readonly #claims = new Map<string, Map<string, HeadClaim>>();
  readonly #changes: BatchedKeys<AgentChange>;
  readonly #observers = new Set<(podUid: string) => void>();

  constructor(options: GatewayTableOptions) {
    this.#options = options;
    this.#changes = new BatchedKeys(options.clock, options.debounce ?? DEBOUNCE);
  }

  get size(): number {
    return this.#byPod.size;
  }

  entries(): Iterable<GatewayEntry> {
    return this.#byPod.values();
  }

  entry(podUid: string): GatewayEntry | undefined {
    return this.#byPod.get(podUid);
  }

  /** By name of the pod; those that were silent for too long are left out. */
  ofAgent(tenant: TenantIdentity, agentId: string): GatewayEntry[] {
    const entries = this.#byAgent.get(agentKey(tenant, agentId))?.values() ?? [];
    return [...entries].filter((entry) => this.#lives(entry)).sort((a, b) => (a.podName < b.podName ? -1 : 1));
  }

  /** How many gateways of the agent enforce this sequence or a later one that was really offered. */
  acknowledged(tenant: TenantIdentity, agentId: string, sequence: number): number {
    return this.ofAgent(tenant, agentId).filter((entry) => enforces(entry, sequence)).length;
  }

  /** Newest first. */
  claims(tenant: TenantIdentity): HeadClaim[] {
    return [...(this.#claims.get(tenant.uid)?.values() ?? [])].reverse();
  }

  /** Told shortly after gateways of an agent have said something new, or are gone. */
  subscribe(listener: (change: AgentChange) => void): () => void {
    return this.#changes.subscribe(listener);
  }

  /** Told at once of every acknowledgement that was taken. */
  observe(observer: (podUid: string) => void): () => void {
    this.#observers.add(observer);
    return () => this.#observers.delete(observer);
  }

  /** @returns whether it was taken; false: something later is known, or the table is full. */
  record(by: ToldBy, acknowledgement: GatewayAcknowledgement, receivedAt = this.#options.clock.monotonic()): boolean {
    const { tenant, agentId, namespace, podName, podUid, registration } = by;
    const before = this.#byPod.get(podUid);
    if (before !== undefined && before.receivedAt > receivedAt) return false;
    if (before === undefined && !this.#hasRoom()) return false;
    if (before !== undefined) {
      this.#drop(before);
      if (agentKey(before.tenant, before.agentId) !== agentKey(tenant, agentId)) this.#left(before);
    }
    const entry = { tenant, agentId, namespace, podName, podUid, registration, acknowledgement, receivedAt };
    this.#byPod.set(podUid, entry);
    const key = agentKey(tenant, agentId);
    const entries = this.#byAgent.get(key) ?? new Map<string, GatewayEntry>();
    this.#byAgent.set(key, entries.set(podUid, entry));
    this.#claim(entry);
    if (before === undefined || !saysTheSame(before, entry)) this.#changed(entry);
    for (const observer of this.#observers) observer(podUid);
    return true;
  }

  /** Forgets gateways whose pods are gone, and silent ones, now and then. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(SWEEP, signal);
      this.sweep();
    }
  }

  sweep(): void {
    const { clock, isGone } = this.#options;
    for (const entry of [...this.#byPod.values()]) {
      const gone = clock.monotonic() - entry.receivedAt > GRACE && isGone?.(entry) === true;
      if (this.#lives(entry) && !gone) continue;
      this.#drop(entry);
      this.#left(entry);
    }
    for (const [uid, claims] of this.#claims) if (claims.size === 0) this.#claims.delete(uid);
  }

  #lives({ receivedAt }: GatewayEntry): boolean {
    const { clock, silence = SILENCE } = this.#options;
    return clock.monotonic() - receivedAt <= silence;
  }

  #hasRoom(): boolean {
    const { maxEntries = MAX_ENTRIES } = this.#options;
    if (this.#byPod.size >= maxEntries) this.sweep();
    return this.#byPod.size < maxEntries;
  }

  #drop(entry: GatewayEntry): void {
    this.#byPod.delete(entry.podUid);
    const key = agentKey(entry.tenant, entry.agentId);
    const entries = this.#byAgent.get(key);
    entries?.delete(entry.podUid);
    if (entries?.size === 0) this.#byAgent.delete(key);
  }

  /** The agent has lost a gateway. */
  #left(entry: GatewayEntry): void {
    this.#claims.get(entry.tenant.uid)?.delete(entry.podUid);
    this.#changed(entry);
  }

  #claim({ tenant, podUid, acknowledgement: { head }, receivedAt }: GatewayEntry): void {
    const claims = this.#claims.get(tenant.uid) ?? new Map<string, HeadClaim>();
    claims.delete(podUid);
    if (head !== undefined) {
      // a hundred gateways that hold the same head make one claim
      for (const [pod, claim] of claims) if (claim.head === head) claims.delete(pod);
      claims.set(podUid, { tenant, podUid, head, receivedAt });
      const [oldest] = claims.keys();
      if (claims.size > MAX_CLAIMS) claims.delete(oldest as string);
    }
    if (claims.size > 0) this.#claims.set(tenant.uid, claims);
    else this.#claims.delete(tenant.uid);
  }

  #changed({ tenant, agentId, registration }: GatewayEntry): void {
    this.#changes.add(agentKey(tenant, agentId), { tenant, agentId, registration });
  }
}

/** One that presents a head is ahead of what it is offered: it does not enforce what is committed here. */
function enforces({ acknowledgement: { state, sequence, head } }: GatewayEntry, wanted: number): boolean {
  return state === 'active' && sequence !== undefined && sequence >= wanted && head === undefined;
}

function saysTheSame(a: GatewayEntry, b: GatewayEntry): boolean {
  return (
    a.registration === b.registration &&
    agentKey(a.tenant, a.agentId) === agentKey(b.tenant, b.agentId) &&
    JSON.stringify(a.acknowledgement) === JSON.stringify(b.acknowledgement)
  );
}

function agentKey({ uid }: TenantIdentity, agentId: string): string {
  return `${uid} ${agentId}`;
}
