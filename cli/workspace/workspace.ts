/** Source texts → valid resources with their defaults, and everything that is wrong with them. */
import type { Finding } from '../../policy/errors.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import { loadSource } from '../../policy/source/load-json.ts';
import type { LoadResult } from '../../policy/source/load-result.ts';
import { type Source, selectAegis } from '../../policy/source/load-sources.ts';
import { applyDefaults } from '../../policy/validation/apply-defaults.ts';
import { validateResource } from '../../policy/validation/validate-resource.ts';

export interface WorkspaceState {
  /** Valid resources of the API, with defaults. */
  resources: LoadedResource[];
  /** `TestSuite` documents, which exist only offline. */
  suites: LoadedResource[];
  findings: Finding[];
  /** Resources that were refused, by `resourceKey`. */
  invalid: Set<string>;
  /** Files in which something could not be read at all. */
  brokenFiles: Set<string>;
}

/** `AgentPolicy fintech/finance-payments` */
export function resourceKey({ object }: LoadedResource): string {
  const { namespace, name } = object.metadata;
  return `${object.kind} ${namespace ?? 'default'}/${name}`;
}

export function hasErrors(findings: readonly Finding[]): boolean {
  return findings.some(({ severity }) => severity === 'error');
}

interface Checked {
  findings: Finding[];
  resource: LoadedResource;
}

/** Reads texts again and again; a text that did not change keeps its resources, object for object. */
export class Workspace {
  #files = new Map<string, { text: string; loaded: LoadResult }>();
  readonly #checked = new WeakMap<LoadedResource, Checked>();

  read(sources: readonly Source[]): WorkspaceState {
    const state: WorkspaceState = {
      resources: [],
      suites: [],
      findings: [],
      invalid: new Set(),
      brokenFiles: new Set(),
    };
    const selected = selectAegis(this.#load(sources, state));
    for (const finding of selected.findings) {
      state.findings.push(finding);
      // a misspelt kind, version or group hides which resource it was: what stood there before stands on
      if (finding.severity !== 'info' && finding.location !== undefined) state.brokenFiles.add(finding.location.file);
    }
    for (const loaded of selected.resources) {
      if (loaded.object.kind === 'TestSuite') {
        state.suites.push(loaded);
        continue;
      }
      if (loaded.object.kind === 'ConfigMap') {
        state.resources.push(loaded);
        continue;
      }
      const { findings, resource } = this.#check(loaded);
      for (const finding of findings) state.findings.push(finding);
      if (hasErrors(findings)) state.invalid.add(resourceKey(loaded));
      else state.resources.push(resource);
    }
    return state;
  }

  #load(sources: readonly Source[], state: WorkspaceState): LoadedResource[] {
    const files = new Map<string, { text: string; loaded: LoadResult }>();
    const all: LoadedResource[] = [];
    for (const { file, text } of sources) {
      const known = this.#files.get(file);
      const loaded = known?.text === text ? known.loaded : loadSource(text, file);
      files.set(file, { text, loaded });
      for (const finding of loaded.findings) state.findings.push(finding);
      if (hasErrors(loaded.findings)) state.brokenFiles.add(file);
      for (const resource of loaded.resources) all.push(resource);
    }
    this.#files = files;
    return all;
  }

  #check(loaded: LoadedResource): Checked {
    let checked = this.#checked.get(loaded);
    if (checked === undefined) {
      checked = { findings: validateResource(loaded), resource: withDefaults(loaded) };
      this.#checked.set(loaded, checked);
    }
    return checked;
  }
}

/** The resource as an API server would store it; positions stay those of the text. */
function withDefaults(loaded: LoadedResource): LoadedResource {
  return {
    object: applyDefaults(loaded.object),
    locate: (path) => loaded.locate(path),
    locateKey: (path) => loaded.locateKey(path),
  };
}
