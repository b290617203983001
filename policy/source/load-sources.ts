import type { Finding, SourceLocation } from '../errors.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentTool } from '../resources/types.generated.ts';
import { suggestName } from '../validation/suggest-name.ts';
import { AEGIS_GROUP, AEGIS_KINDS, AEGIS_VERSION, groupOf } from './api-group.ts';
import { loadSource } from './load-json.ts';
import type { LoadResult } from './load-result.ts';

/** One text to read; `file` is a name for positions. */
export interface Source {
  file: string;
  text: string;
}

/**
 * Loads several sources and keeps what is Aegis's: resources of other groups are skipped with an info finding, an
 * unknown kind or version of `aegis.dev` is an error, and so is a resource that is defined twice.
 */
export function loadSources(sources: readonly Source[]): LoadResult {
  const result: LoadResult = { resources: [], findings: [] };
  for (const { file, text } of sources) {
    const loaded = loadSource(text, file);
    result.findings = result.findings.concat(loaded.findings);
    result.resources = result.resources.concat(loaded.resources);
  }
  const { resources, findings } = selectAegis(result.resources);
  return { resources, findings: result.findings.concat(findings) };
}

/** Separates Aegis's resources, and ConfigMaps that a tool takes its OpenAPI document from, from the others. */
export function selectAegis(loaded: readonly LoadedResource[]): LoadResult {
  const result: LoadResult = { resources: [], findings: [] };
  const seen = new Map<string, LoadedResource>();
  const named = namedConfigMaps(loaded);
  for (const resource of loaded) {
    const wanted = isConfigMap(resource) && named.has(placeOf(resource.object.metadata));
    const finding = (wanted ? undefined : (foreign(resource) ?? unknownType(resource))) ?? duplicate(resource, seen);
    if (finding === undefined) result.resources.push(resource);
    else result.findings.push(finding);
  }
  return result;
}

function isConfigMap({ object: { apiVersion, kind } }: LoadedResource): boolean {
  return apiVersion === 'v1' && kind === 'ConfigMap';
}

function placeOf({ namespace = 'default', name }: { namespace?: string; name: string }): string {
  return `${namespace}/${name}`;
}

function namedConfigMaps(loaded: readonly LoadedResource[]): Set<string> {
  const places = new Set<string>();
  for (const { object } of loaded) {
    if (object.kind !== 'AgentTool') continue;
    const name = (object as Partial<AgentTool>).spec?.openapi?.configMapRef?.name;
    if (typeof name === 'string') places.add(placeOf({ ...object.metadata, name }));
  }
  return places;
}

function foreign(resource: LoadedResource): Finding | undefined {
  const { apiVersion, kind } = resource.object;
  if (groupOf(apiVersion) === AEGIS_GROUP) return undefined;
  const name = nameOf(resource);
  // A misspelt group would silently drop a policy, so one of our kinds elsewhere is worth more than an info.
  const ours = AEGIS_KINDS.has(kind) && kind !== 'TestSuite';
  const group = groupOf(apiVersion);
  const misspelt = group === '' || suggestName(group, [AEGIS_GROUP]) !== undefined;
  const severity = ours ? (misspelt ? 'error' : 'warning') : 'info';
  const message = `${name} is of ${apiVersion.slice(0, 80)}, not of ${AEGIS_GROUP}; it is skipped.`;
  return finding('AEGIS_RESOURCE_FOREIGN', severity, message, resource, 'apiVersion');
}

function unknownType(resource: LoadedResource): Finding | undefined {
  const { apiVersion, kind } = resource.object;
  if (apiVersion !== `${AEGIS_GROUP}/${AEGIS_VERSION}`) {
    const message = `The apiVersion ${apiVersion.slice(0, 80)} is not ${AEGIS_GROUP}/${AEGIS_VERSION}.`;
    return finding('AEGIS_RESOURCE_VERSION_UNKNOWN', 'error', message, resource, 'apiVersion');
  }
  if (AEGIS_KINDS.has(kind)) return undefined;
  const message = `There is no kind ${kind.slice(0, 80)} in ${AEGIS_GROUP}.`;
  return finding('AEGIS_RESOURCE_KIND_UNKNOWN', 'error', message, resource, 'kind');
}

function duplicate(resource: LoadedResource, seen: Map<string, LoadedResource>): Finding | undefined {
  const name = nameOf(resource);
  const first = seen.get(name);
  if (first === undefined) {
    seen.set(name, resource);
    return undefined;
  }
  const message = `${name} is already defined at ${show(first.locate(['metadata', 'name']))}.`;
  return finding('AEGIS_RESOURCE_DUPLICATE', 'error', message, resource, 'metadata', 'name');
}

function finding(
  code: Finding['code'],
  severity: Finding['severity'],
  message: string,
  resource: LoadedResource,
  ...path: string[]
): Finding {
  const location = resource.locate(path);
  return { code, severity, message, resource: nameOf(resource), field: path.join('.'), location };
}

function nameOf({ object: { kind, metadata } }: LoadedResource): string {
  return metadata.namespace === undefined
    ? `${kind} ${metadata.name}`
    : `${kind} ${metadata.namespace}/${metadata.name}`;
}

function show(location: SourceLocation): string {
  return `${location.file}:${location.line}:${location.column}`;
}
