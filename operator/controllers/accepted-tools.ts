import type { AgentTool } from '../../policy/resources/types.generated.ts';
import type { KubeObject } from '../kube/types.ts';
import type { Intaken } from '../model/intaken.ts';
import type { Intake } from './intake.ts';

export type ToolObject = AgentTool & KubeObject;

/** Tools in the version that counts: the current one where it is valid, else the last that was. By key of the intake. */
export class AcceptedTools {
  readonly #intake: Intake;
  readonly #accepted = new Map<string, ToolObject>();

  constructor(intake: Intake) {
    this.#intake = intake;
    for (const item of intake.values()) this.#take(item, undefined);
    intake.subscribe((now, before) => this.#take(now, before));
  }

  get(key: string): ToolObject | undefined {
    return this.#accepted.get(key);
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
    if (current.object.metadata.uid === tool.metadata.uid) this.#accepted.set(key, tool);
  }

  #take(now: Intaken | undefined, before: Intaken | undefined): void {
    const item = now ?? before;
    if (item?.kind !== 'AgentTool') return;
    if (now?.valid === true && !now.deleting) this.#accepted.set(item.key, now.loaded.object as ToolObject);
    else if (now === undefined || now.deleting || now.object.metadata.uid !== this.get(item.key)?.metadata.uid) {
      this.#accepted.delete(item.key);
    }
  }
}

function isInDoubt({ kind, valid, deleting }: Intaken): boolean {
  return kind === 'AgentTool' && !valid && !deleting;
}
