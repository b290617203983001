/** A real API server, watches of the four kinds, and the writer over views that the test sets. */
import { createKubeClient } from '../../../operator/kube/client.ts';
import { Reflector } from '../../../operator/kube/reflector.ts';
import { type KubeClient, type KubeObject, keyOf } from '../../../operator/kube/types.ts';
import { AGENT_POLICY, AGENT_REGISTRATION, AGENT_TENANT, AGENT_TOOL } from '../../../operator/model/resource-types.ts';
import type { StatusEvent } from '../../../operator/status/status-events.ts';
import { StatusWriter, type StatusWriterOptions } from '../../../operator/status/status-writer.ts';
import { systemClock } from '../../../runtime/time/clock.ts';
import type { ApiServer } from '../../apiserver/api-server.ts';

/** As a status function with its view already in it. */
export type MakeStatus = (generation: number, previous: never, now: number) => unknown;

interface WithStatus extends KubeObject {
  status?: unknown;
}

const TYPES = [AGENT_POLICY, AGENT_REGISTRATION, AGENT_TOOL, AGENT_TENANT];

export class StatusWorld {
  readonly client: KubeClient;
  readonly writer: StatusWriter;
  readonly errors: { key: string; error: unknown }[] = [];
  readonly events: (StatusEvent & { name: string })[] = [];
  /** What is wanted, by `Kind namespace/name`. */
  readonly wanted = new Map<string, MakeStatus>();
  readonly #stores: ReadonlyMap<string, Reflector<WithStatus>>;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>[] = [];
  /** Added to the wall clock. */
  skew = 0;

  constructor(server: ApiServer, options: Partial<StatusWriterOptions> = {}) {
    const client = createKubeClient({ kubeconfig: server.kubeconfig, userAgent: 'aegis-status-test' });
    this.client = client;
    const now = () => systemClock.now() + this.skew;
    const clock = { ...systemClock, now };
    this.#stores = new Map(
      TYPES.map((type) => [type.kind, new Reflector<WithStatus>({ client, type, clock, random: Math.random })]),
    );
    this.writer = new StatusWriter({
      client,
      clock,
      random: Math.random,
      desired: (key) => this.#desired(key),
      recorder: { record: ({ regarding, ...event }) => this.events.push({ name: regarding.metadata.name, ...event }) },
      onError: (key, error) => this.errors.push({ key, error }),
      ...options,
    });
  }

  async start(workers = 4): Promise<void> {
    const { signal } = this.#stop;
    for (const store of this.#stores.values()) this.#running.push(store.run(signal));
    await Promise.all([...this.#stores.values()].map((store) => store.whenSynced(signal)));
    this.#running.push(this.writer.run({ workers }, signal));
  }

  /** The cached copy. */
  object(kindKey: string): WithStatus | undefined {
    const [kind = '', key = ''] = kindKey.split(' ');
    return this.#stores.get(kind)?.get(key);
  }

  keys(kind: string): string[] {
    return [...(this.#stores.get(kind)?.values() ?? [])].map((object) => `${kind} ${keyOf(object)}`);
  }

  set(kindKey: string, make: MakeStatus): void {
    this.wanted.set(kindKey, make);
    this.writer.mark(kindKey);
  }

  /** Nothing waits and nothing is written. */
  async quiet(timeout = 20_000): Promise<void> {
    await until(() => {
      const { depth, inFlight } = this.writer.stats();
      return depth === 0 && inFlight === 0;
    }, timeout);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.client.close();
  }

  #desired(key: string) {
    const object = this.object(key);
    const make = this.wanted.get(key);
    const type = TYPES.find(({ kind }) => kind === object?.kind);
    if (object === undefined || make === undefined || type === undefined) return undefined;
    const status = make(object.metadata.generation ?? 0, object.status as never, systemClock.now() + this.skew);
    return { type, object, status };
  }
}

export async function until(ready: () => boolean | Promise<boolean>, timeout = 20_000): Promise<void> {
  const end = performance.now() + timeout;
  while (!(await ready())) {
    if (performance.now() > end) throw new Error(`not within ${timeout} ms: ${ready}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
