/** A broken edit never removes what was in force: the last good version of a resource stands in for it. */
import type { LoadedResource } from '../../policy/resources/resource.ts';
import { resourceKey, type WorkspaceState } from './workspace.ts';

export class LastGood {
  #good = new Map<string, LoadedResource>();

  /**
   * The resources to compile: the valid ones, and the last good version of each one that is invalid now, that is in
   * `rejected`, or that stood in a file which cannot be read any more. A resource that was deleted is gone.
   */
  complete(state: WorkspaceState, rejected: ReadonlySet<string> = new Set()): LoadedResource[] {
    const current = state.resources.filter((resource) => !rejected.has(resourceKey(resource)));
    const present = new Set(current.map(resourceKey));
    const standIns = [...this.#good]
      .filter(([key, resource]) => !present.has(key) && this.#stands(key, resource, state, rejected))
      .map(([, resource]) => resource);
    return [...current, ...standIns];
  }

  /** What was compiled and activated becomes the last good version. */
  remember(resources: readonly LoadedResource[]): void {
    this.#good = new Map(resources.map((resource) => [resourceKey(resource), resource]));
  }

  #stands(key: string, resource: LoadedResource, state: WorkspaceState, rejected: ReadonlySet<string>): boolean {
    return state.invalid.has(key) || rejected.has(key) || state.brokenFiles.has(resource.locate([]).file);
  }
}
