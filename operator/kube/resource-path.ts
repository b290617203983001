import type { ObjectKey, ResourceType, Selection } from './types.ts';

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Path of all objects of a kind, or of those of one namespace. */
export function collectionPath({ group, version, plural, namespaced }: ResourceType, namespace?: string): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespaced && namespace !== undefined
    ? `${root}/namespaces/${encodeURIComponent(namespace)}/${plural}`
    : `${root}/${plural}`;
}

/** Path of one object, or of a subresource of it. @throws TypeError where a namespace or a name is missing */
export function objectPath(type: ResourceType, { namespace, name }: ObjectKey, subresource?: string): string {
  if (!name) throw new TypeError(`a ${type.kind} without a name has no path`);
  const path = `${namespacedCollection(type, namespace)}/${encodeURIComponent(name)}`;
  return subresource === undefined ? path : `${path}/${subresource}`;
}

/** Where objects of this namespace are made. @throws TypeError where a namespace is missing */
export function namespacedCollection(type: ResourceType, namespace: string | undefined): string {
  if (type.namespaced && !namespace) throw new TypeError(`a ${type.kind} needs a namespace`);
  return collectionPath(type, namespace);
}

export function selectors({ labelSelector, fieldSelector }: Selection): Query {
  return { labelSelector, fieldSelector };
}

/** The path with those parameters that are set. */
export function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value));
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`;
}
