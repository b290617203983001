import type { AgentTool } from '../../policy/resources/types.generated.ts';
import type { KubeObject, Store } from '../kube/types.ts';

/** A followed object and how to stop following it. */
export interface FollowedDocument {
  store: Store<KubeObject>;
  stop(): void;
}

/** Each is a connection to the API server, and whoever writes tools chooses how many. */
const MAX_PER_NAMESPACE = 64;

/**
 * The ConfigMaps that tools name as their OpenAPI document, and no others: one watch per name, for as long as a tool
 * names it. Beyond so many of one namespace there are none, as far as tools are concerned.
 */
export class Documents {
  readonly #follow: (namespace: string, name: string) => FollowedDocument;
  readonly #followed = new Map<string, FollowedDocument & { tools: Set<string> }>();
  readonly #byTool = new Map<string, string>();
  /** Names beyond the limit of their namespace, with the tools that name them. */
  readonly #waiting = new Map<string, Set<string>>();
  readonly #listeners = new Set<(namespace: string) => void>();

  constructor(follow: (namespace: string, name: string) => FollowedDocument) {
    this.#follow = follow;
  }

  /** All of these namespaces that were asked for have been looked at. */
  knows(namespaces: ReadonlySet<string>): boolean {
    for (const [key, { store }] of this.#followed) if (!store.synced && namespaces.has(namespaceOf(key))) return false;
    return true;
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
    this.#waiting.clear();
  }

  #add(toolKey: string, key: string): void {
    this.#byTool.set(toolKey, key);
    const known = this.#followed.get(key)?.tools ?? this.#waiting.get(key);
    if (known !== undefined) known.add(toolKey);
    else if (this.#count(namespaceOf(key)) < MAX_PER_NAMESPACE) this.#begin(key, new Set([toolKey]));
    else this.#waiting.set(key, new Set([toolKey]));
  }

  #begin(key: string, tools: Set<string>): void {
    const [namespace = '', name = ''] = key.split('/');
    const followed = this.#follow(namespace, name);
    this.#followed.set(key, { ...followed, tools });
    followed.store.subscribe(() => {
      for (const listener of this.#listeners) listener(namespace);
    });
  }

  #count(namespace: string): number {
    let count = 0;
    for (const key of this.#followed.keys()) if (namespaceOf(key) === namespace) count++;
    return count;
  }

  #drop(toolKey: string, key: string): void {
    this.#byTool.delete(toolKey);
    const known = this.#followed.get(key);
    const tools = known?.tools ?? this.#waiting.get(key);
    tools?.delete(toolKey);
    if (tools !== undefined && tools.size > 0) return;
    this.#waiting.delete(key);
    if (known === undefined) return;
    this.#followed.delete(key);
    known.stop();
    const namespace = namespaceOf(key);
    const [next, waiting] = [...this.#waiting].find(([other]) => namespaceOf(other) === namespace) ?? [];
    if (next === undefined || waiting === undefined) return;
    this.#waiting.delete(next);
    this.#begin(next, waiting);
  }
}

function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}
