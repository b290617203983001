import type { AgentTool } from '../../policy/resources/types.generated.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Intaken } from '../model/intaken.ts';
import type { Intake } from './intake.ts';

export type ToolObject = AgentTool & KubeObject;

/** Tools in the version that counts: the current one where it is valid, else the last that was. By key of the intake. */
export class AcceptedTools {
  readonly #intake: Intake;
  /** By namespace, then by key: few among everything else that is there. */
  readonly #accepted = new Map<string, Map<string, ToolObject>>();

  constructor(intake: Intake) {
    this.#intake = intake;
    for (const item of intake.values()) this.#take(item, undefined);
    intake.subscribe((now, before) => this.#take(now, before));
  }

  inNamespace(namespace: string): Iterable<ToolObject> {
    return this.#accepted.get(namespace)?.values() ?? [];
  }

  /** Some tool of these namespaces is invalid: only a commit says which version counts. */
  inDoubt(namespaces: Iterable<string>): boolean {
    for (const namespace of namespaces) {
      for (const item of this.#intake.inNamespace(namespace)) if (isInDoubt(item)) return true;
    }
    return false;
  }

  /** The version that was committed last: it counts until the current one is valid, whatever this replica has seen. */
  seed(key: string, tool: ToolObject): void {
    const current = this.#intake.get(key);
    if (current === undefined || !isInDoubt(current)) return;
    if (current.object.metadata.uid === tool.metadata.uid) this.#of(tool).set(key, tool);
  }

  #take(now: Intaken | undefined, before: Intaken | undefined): void {
    const item = now ?? before;
    if (item?.kind !== 'AgentTool') return;
    const tools = this.#of(item.object);
    if (now?.valid === true && !now.deleting) tools.set(item.key, now.loaded.object as ToolObject);
    else if (now === undefined || now.deleting || now.object.metadata.uid !== tools.get(item.key)?.metadata.uid) {
      tools.delete(item.key);
    }
    if (tools.size === 0) this.#accepted.delete(item.object.metadata.namespace ?? '');
  }

  #of({ metadata: { namespace = '' } }: KubeObject): Map<string, ToolObject> {
    const known = this.#accepted.get(namespace);
    if (known !== undefined) return known;
    const tools = new Map<string, ToolObject>();
    this.#accepted.set(namespace, tools);
    return tools;
  }
}

function isInDoubt({ kind, valid, deleting }: Intaken): boolean {
  return kind === 'AgentTool' && !valid && !deleting;
}
