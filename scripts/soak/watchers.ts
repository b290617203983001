import { setTimeout as sleep } from 'node:timers/promises';
import type { ApiServer } from '../../test/apiserver/api-server.ts';
import { type AgentPod, startAgentPod } from '../../test/support/agent-pod.ts';
import type { Operators } from './operators.ts';

interface Seen {
  tenant: string;
  name: string;
  pod: AgentPod;
  /** How many log lines were looked at. */
  read: number;
  sequence: number;
  /** Digests of the heads that were in force, as far as they were seen. */
  digests: Map<string, number>;
}

const LOOK = 100;

/** Real gateway programs, two a tenant, each at another replica; everything that they activate is written down. */
export class Watchers {
  activations = 0;
  readonly #server: ApiServer;
  readonly #operators: Operators;
  readonly #seen: Seen[] = [];
  readonly #stop = new AbortController();
  #looking: Promise<void> = Promise.resolve();

  constructor(server: ApiServer, operators: Operators) {
    this.#server = server;
    this.#operators = operators;
  }

  async begin(tenants: readonly string[]): Promise<void> {
    for (const tenant of tenants) {
      for (const [index, agent] of ['one', 'two'].entries()) {
        const bundles = this.#operators.ports[index] as number;
        const pod = await startAgentPod(this.#server, { bundles }, { namespace: tenant, agent });
        this.#seen.push({ tenant, name: `${tenant}/${agent}`, pod, read: 0, sequence: 0, digests: new Map() });
      }
    }
    this.#looking = this.#look();
  }

  /** Sequences that went back, from the gateways' own logs. */
  check(): string[] {
    const found: string[] = [];
    for (const seen of this.#seen) {
      const lines = seen.pod.stderr().split('\n');
      for (const line of lines.slice(seen.read, -1)) {
        if (!line.includes('"bundle.activated"')) continue;
        const { sequence } = JSON.parse(line) as { sequence: number };
        this.activations++;
        if (sequence <= seen.sequence) found.push(`${seen.name} went from ${seen.sequence} to ${sequence}`);
        seen.sequence = sequence;
      }
      seen.read = lines.length - 1;
    }
    return found;
  }

  /** Heads in force that nobody committed. */
  unknown(committed: ReadonlyMap<string, unknown>): string[] {
    return this.#seen.flatMap(({ name, digests }) =>
      [...digests].flatMap(([digest, sequence]) =>
        committed.has(digest) ? [] : [`${name} had ${sequence} in force, which nobody committed (${digest})`],
      ),
    );
  }

  /** Until all are where the heads are. */
  async converge(latest: () => ReadonlyMap<string, number>, ms: number): Promise<string[]> {
    const deadline = performance.now() + ms;
    for (;;) {
      const now = latest();
      const late: string[] = [];
      for (const { tenant, name, pod } of this.#seen) {
        const sequence = await pod.sequence();
        if (sequence !== now.get(tenant)) late.push(`${name} has ${sequence}, its tenant ${now.get(tenant)}`);
      }
      if (late.length === 0) return [];
      if (performance.now() > deadline) return late;
      await sleep(500);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#looking;
    for (const { pod } of this.#seen) await pod.kill();
  }

  async #look(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      for (const { pod, digests } of this.#seen) {
        try {
          const answer = await fetch(`http://127.0.0.1:${pod.admin}/health`);
          const { bundle } = (await answer.json()) as { bundle?: { sequence?: number; digest?: string } };
          if (bundle?.digest !== undefined) digests.set(bundle.digest, bundle.sequence ?? 0);
        } catch {
          // ending
        }
      }
      await sleep(LOOK);
    }
  }
}
