/** Tools whose actions name operations of an OpenAPI document, with what the document says written out. */
import type { Finding } from '../errors.ts';
import { type ResolvedActions, resolveActions } from '../mapping/openapi/resolve-actions.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentTool } from '../resources/types.generated.ts';
import { findingAt } from './finding-at.ts';

export interface ResolvedTool {
  tool: LoadedResource<AgentTool>;
  findings: Finding[];
  /** False where an action is left without a mapping: then no request of the tool can be mapped without a doubt. */
  usable: boolean;
}

const DEFAULT_KEY = 'openapi.json';

/** ConfigMaps stand beside the resources where a tool names one; nothing else of them is looked at. */
export class OpenApiDocuments {
  readonly #data = new Map<string, unknown>();

  constructor(resources: readonly LoadedResource[]) {
    for (const { object } of resources) {
      if (object.kind !== 'ConfigMap' || object.apiVersion !== 'v1') continue;
      const { namespace = 'default', name } = object.metadata;
      this.#data.set(`${namespace}/${name}`, (object as { data?: unknown }).data);
    }
  }

  text(namespace: string, name: string, key: string): string | undefined {
    const data = this.#data.get(`${namespace}/${name}`);
    const text =
      typeof data === 'object' && data !== null && Object.hasOwn(data, key) ? Reflect.get(data, key) : undefined;
    return typeof text === 'string' ? text : undefined;
  }
}

/** Resources are immutable, so a tool object and a text always give the same; the same objects spare compilations. */
const known = new WeakMap<AgentTool, { text: string | undefined; resolved: ResolvedTool }>();

/** The tool itself where no action names an operation. */
export function resolveTool(tool: LoadedResource<AgentTool>, documents: OpenApiDocuments): ResolvedTool {
  const { object } = tool;
  const named = (object.spec.actions ?? []).some(({ match }) => match?.operationId != null);
  if (!named) return { tool, findings: [], usable: true };
  const text = textOf(object, documents);
  const remembered = known.get(object);
  if (remembered !== undefined && remembered.text === text) return remembered.resolved;
  const resolved = text === undefined ? missing(tool) : written(tool, text);
  known.set(object, { text, resolved });
  return resolved;
}

function textOf({ metadata, spec: { openapi } }: AgentTool, documents: OpenApiDocuments): string | undefined {
  if (openapi?.inline != null) return openapi.inline;
  const ref = openapi?.configMapRef;
  return ref == null ? undefined : documents.text(metadata.namespace ?? 'default', ref.name, ref.key ?? DEFAULT_KEY);
}

function missing(tool: LoadedResource<AgentTool>): ResolvedTool {
  const { metadata, spec } = tool.object;
  const ref = spec.openapi?.configMapRef;
  const what =
    ref == null
      ? 'Actions name operations, but the tool has no OpenAPI document.'
      : `There is no ConfigMap ${metadata.namespace ?? 'default'}/${ref.name} with the key "${ref.key ?? DEFAULT_KEY}".`;
  const path = ref == null ? ['spec', 'openapi'] : ['spec', 'openapi', 'configMapRef'];
  return { tool, findings: [findingAt(tool, 'AEGIS_OPENAPI_MISSING', 'error', path, what)], usable: false };
}

function written(tool: LoadedResource<AgentTool>, text: string): ResolvedTool {
  const { object } = tool;
  const { actions, problems }: ResolvedActions = resolveActions(object.spec, text);
  const findings = problems.map(({ action, severity, message }) => {
    const path = action === undefined ? ['spec', 'openapi'] : ['spec', 'actions', action, 'match', 'operationId'];
    return findingAt(tool, 'AEGIS_OPENAPI', severity, path, message);
  });
  const resolved: LoadedResource<AgentTool> = {
    object: { ...object, spec: { ...object.spec, actions } },
    locate: (path) => tool.locate(path),
    locateKey: (path) => tool.locateKey(path),
  };
  return { tool: resolved, findings, usable: !problems.some(({ severity }) => severity === 'error') };
}
