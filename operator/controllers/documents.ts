import type { AgentTool } from '../../policy/resources/types.generated.ts';
import type { KubeObject, Store } from '../kube/types.ts';

/** A followed object and how to stop following it. */
export interface FollowedDocument {
  store: Store<KubeObject>;
  stop(): void;
}

/**
 * The ConfigMaps that tools name as their OpenAPI document, and no others: one watch per name, for as long as a tool
 * names it.
 */
export class Documents {
  readonly #follow: (namespace: string, name: string) => FollowedDocument;
  readonly #followed = new Map<string, FollowedDocument & { tools: Set<string> }>();
  readonly #byTool = new Map<string, string>();
  readonly #listeners = new Set<(namespace: string) => void>();

  constructor(follow: (namespace: string, name: string) => FollowedDocument) {
    this.#follow = follow;
  }

  /** All that were asked for have been looked at. */
  get synced(): boolean {
    return [...this.#followed.values()].every(({ store }) => store.synced);
  }

  /** Told the namespace of a document that has changed. */
  subscribe(listener: (namespace: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The tool as it is now; undefined: it is gone. */
  update(toolKey: string, tool: AgentTool | undefined): void {
    const ref = tool?.spec.openapi?.configMapRef;
    const wanted = ref == null ? undefined : `${tool?.metadata.namespace ?? 'default'}/${ref.name}`;
    const before = this.#byTool.get(toolKey);
    if (wanted === before) return;
    if (before !== undefined) this.#drop(toolKey, before);
    if (wanted !== undefined) this.#add(toolKey, wanted);
  }

  inNamespace(namespace: string): KubeObject[] {
    return [...this.#followed]
      .filter(([key]) => key.startsWith(`${namespace}/`))
      .flatMap(([, { store }]) => [...store.values()]);
  }

  stop(): void {
    for (const { stop } of this.#followed.values()) stop();
    this.#followed.clear();
    this.#byTool.clear();
  }

  #add(toolKey: string, key: string): void {
    this.#byTool.set(toolKey, key);
    const known = this.#followed.get(key);
    if (known !== undefined) {
      known.tools.add(toolKey);
      return;
    }
    const [namespace = '', name = ''] = key.split('/');
    const followed = this.#follow(namespace, name);
    this.#followed.set(key, { ...followed, tools: new Set([toolKey]) });
    followed.store.subscribe(() => {
      for (const listener of this.#listeners) listener(namespace);
    });
  }

  #drop(toolKey: string, key: string): void {
    this.#byTool.delete(toolKey);
    const known = this.#followed.get(key);
    known?.tools.delete(toolKey);
    if (known === undefined || known.tools.size > 0) return;
    this.#followed.delete(key);
    known.stop();
  }
}
