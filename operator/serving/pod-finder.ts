import { AegisError } from '../../policy/errors.ts';
import { LruMap } from '../../runtime/lru-map.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { KubeClient } from '../kube/types.ts';
import { POD } from '../model/resource-types.ts';
import type { PodIndex } from '../workloads/pod-index.ts';
import { type PodObject, type PodView, viewOfPod } from '../workloads/pod-view.ts';
import type { Gate } from './gate.ts';

export interface PodFinderOptions {
  client: Pick<KubeClient, 'get'>;
  clock: Clock;
  index: Pick<PodIndex, 'podByUid' | 'knows'>;
  gate: Gate;
  /** ms that a pod of a namespace that nobody follows is believed; 60 s when absent. */
  positiveFor?: number;
  /** ms that a pod is believed that the index should know in a moment; 1 s when absent. */
  briefly?: number;
  /** ms that the absence of a pod is believed; 5 s when absent. */
  negativeFor?: number;
  /** ms that a pod is believed while nobody can be asked; 5 min when absent. */
  outageFor?: number;
}

interface Found {
  pod: PodView | undefined;
  /** ms, monotonic. */
  at: number;
}

const POSITIVE = 60_000;
const BRIEFLY = 1_000;
const NEGATIVE = 5_000;
const OUTAGE = 5 * 60_000;
const MAX_ENTRIES = 10_000;
const TIMEOUT = 10_000;

/** A pod by name and uid: from the index, else (it is very new, or nobody follows its namespace) from the API server. */
export class PodFinder {
  readonly #options: PodFinderOptions;
  readonly #found = new LruMap<string, Found>(MAX_ENTRIES);
  readonly #asking = new Map<string, Promise<PodView | undefined>>();

  constructor(options: PodFinderOptions) {
    this.#options = options;
  }

  /** undefined: there is no such pod. @throws AegisError `AEGIS_SERVING_UNAVAILABLE`, `_BUSY`. */
  async find(namespace: string, name: string, uid: string): Promise<PodView | undefined> {
    const { index, clock } = this.#options;
    const indexed = index.podByUid(namespace, name, uid);
    if (indexed !== undefined) return indexed;
    const key = `${namespace}/${name}/${uid}`;
    const found = this.#found.get(key);
    if (found !== undefined && clock.monotonic() < found.at + this.#belief(namespace, found)) return found.pod;
    let asking = this.#asking.get(key);
    if (asking === undefined) {
      asking = this.#ask(namespace, name, uid, key).finally(() => this.#asking.delete(key));
      this.#asking.set(key, asking);
    }
    return asking;
  }

  /** ms. */
  #belief(namespace: string, { pod }: Found): number {
    const { index, positiveFor = POSITIVE, briefly = BRIEFLY, negativeFor = NEGATIVE } = this.#options;
    if (pod === undefined) return negativeFor;
    return index.knows(namespace) ? briefly : positiveFor;
  }

  async #ask(namespace: string, name: string, uid: string, key: string): Promise<PodView | undefined> {
    const { client, clock, gate, index, outageFor = OUTAGE } = this.#options;
    try {
      const object = await gate.pass(() => client.get<PodObject>(POD, { namespace, name }, { timeout: TIMEOUT }));
      const pod = object?.metadata.uid === uid ? viewOfPod(object) : undefined;
      this.#found.set(key, { pod, at: clock.monotonic() });
      return pod;
    } catch (cause) {
      const found = this.#found.get(key);
      const mayStand = found?.pod !== undefined && !index.knows(namespace);
      if (mayStand && clock.monotonic() < found.at + outageFor) return found.pod;
      if (cause instanceof AegisError) throw cause;
      throw new AegisError('AEGIS_SERVING_UNAVAILABLE', 'the API server cannot be asked about the pod', { cause });
    }
  }
}
