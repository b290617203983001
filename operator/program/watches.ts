import type { Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { FollowedDocument } from '../controllers/documents.ts';
import { Reflector, type ReflectorEvent } from '../kube/reflector.ts';
import type { KubeClient, KubeObject, ResourceType, Selection } from '../kube/types.ts';
import type { Kind } from '../model/intaken.ts';
import {
  AGENT_POLICY,
  AGENT_REGISTRATION,
  AGENT_TENANT,
  AGENT_TOOL,
  CONFIG_MAP,
  NAMESPACE,
} from '../model/resource-types.ts';
import { healthOf, type OperatorHealth } from '../telemetry/health.ts';
import type { KubeMetrics } from '../telemetry/metrics/kube-metrics.ts';
import { POD_SECURITY_LABEL } from '../workloads/namespace-facts.ts';

export interface WatchesOptions {
  client: KubeClient;
  clock: Clock;
  random(): number;
  log: Logger;
  metrics: KubeMetrics;
  health: OperatorHealth;
}

const TYPES: Readonly<Record<Kind, ResourceType>> = {
  AgentPolicy: AGENT_POLICY,
  AgentRegistration: AGENT_REGISTRATION,
  AgentTool: AGENT_TOOL,
  AgentTenant: AGENT_TENANT,
};

/** The copies of what the operator reads, on every replica, for as long as `signal` is not aborted. */
export class Watches {
  readonly kinds: Readonly<Record<Kind, Reflector<KubeObject>>>;
  readonly namespaces: Reflector<KubeObject>;
  readonly #options: WatchesOptions;
  readonly #signal: AbortSignal;
  readonly #running = new Set<Promise<void>>();
  readonly #documents = new Set<Reflector<KubeObject>>();

  constructor(options: WatchesOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    const of = (kind: Kind): Reflector<KubeObject> => this.#reflector(TYPES[kind], {});
    this.kinds = {
      AgentPolicy: of('AgentPolicy'),
      AgentRegistration: of('AgentRegistration'),
      AgentTool: of('AgentTool'),
      AgentTenant: of('AgentTenant'),
    };
    this.namespaces = this.#reflector(NAMESPACE, {}, slimNamespace);
    const all = this.#all();
    options.health.add({
      name: 'watches',
      ready: () =>
        healthOf(
          all.every(({ synced }) => synced),
          'not everything has been read yet',
        ),
    });
  }

  /** Begins to read. Whoever wants to hear of everything has subscribed before. */
  start(): void {
    for (const reflector of this.#all()) this.#run(reflector, this.#signal);
  }

  /**
   * Everything is listed anew; false: the signal was aborted before. Whoever begins to lead must not know less than the
   * one before, and a watch that has gone deaf says so only after a minute.
   */
  async refresh(signal: AbortSignal): Promise<boolean> {
    try {
      await Promise.all([...this.#all(), ...this.#documents].map((reflector) => reflector.refresh(signal)));
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }

  #all(): Reflector<KubeObject>[] {
    return [...Object.values(this.kinds), this.namespaces];
  }

  /** One ConfigMap, for as long as somebody names it. */
  follow(namespace: string, name: string): FollowedDocument {
    const stopping = new AbortController();
    const store = this.#reflector(CONFIG_MAP, { namespace, fieldSelector: `metadata.name=${name}` });
    this.#documents.add(store);
    this.#run(store, AbortSignal.any([this.#signal, stopping.signal]));
    const stop = (): void => {
      this.#documents.delete(store);
      stopping.abort();
    };
    return { store, stop };
  }

  /** Resolves when every watch has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }

  #run(reflector: Reflector<KubeObject>, signal: AbortSignal): void {
    const running: Promise<void> = reflector.run(signal).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  #reflector(
    type: ResourceType,
    selection: Selection,
    transform?: (object: KubeObject) => KubeObject,
  ): Reflector<KubeObject> {
    const { client, clock, random, metrics } = this.#options;
    const reflector = new Reflector<KubeObject>({
      client,
      type,
      selection,
      clock,
      random,
      ...(transform !== undefined && { transform }),
      onStatus: (event) => this.#tell(type, event),
    });
    if (type !== CONFIG_MAP) {
      metrics.addWatch(type.kind, () => {
        const { synced, lastContact = 0, relists, reconnects, items } = reflector.status;
        return { synced, lastContact, relists, reconnects, objects: items };
      });
    }
    return reflector;
  }

  #tell({ kind }: ResourceType, event: ReflectorEvent): void {
    const { log } = this.#options;
    if (event.event === 'failed') {
      log.warn('watch.failed', {
        watch: kind,
        status: event.error.status,
        reason: event.error.reason,
        delay_ms: event.delay,
      });
    } else if (event.event === 'listed') {
      log.debug('watch.listed', { watch: kind, items: event.items, changes: event.changes });
    } else if (event.event === 'listener-failed') {
      const { stack = '' } = event.error as Error;
      log.error('watch.defect', {
        watch: kind,
        code: 'AEGIS_OPERATOR_DEFECT',
        stack: stack.split('\n').slice(1, 4).join(' ').trim(),
      });
    }
  }
}

/** Identity, and the labels that say how pods of the namespace are admitted. */
function slimNamespace({ apiVersion, kind, metadata }: KubeObject): KubeObject {
  const { name, uid, resourceVersion, labels = {} } = metadata;
  const own = Object.entries(labels).filter(([key]) => key.startsWith('aegis.dev/') || key === POD_SECURITY_LABEL);
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(own.length > 0 && { labels: Object.fromEntries(own) }),
    },
  };
}
