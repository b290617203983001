export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** What a request is about, as the API server itself reads it from method and path. */
export interface RequestInfo {
  verb: Verb;
  /** Plural, with the subresource where there is one: `pods`, `pods/status`; the path where it is no resource. */
  resource: string;
  namespace?: string;
  name?: string;
}

const COLLECTION: Record<string, Verb> = { GET: 'list', POST: 'create', DELETE: 'deletecollection' };
const SINGLE: Record<string, Verb> = { GET: 'get', POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

export function requestInfo(method: string, target: string): RequestInfo {
  const { pathname, searchParams } = new URL(target, 'https://server');
  const parts = pathname.split('/').filter((part) => part !== '');
  const skipped = parts[0] === 'api' ? 2 : parts[0] === 'apis' ? 3 : undefined;
  const rest = skipped === undefined ? [] : parts.slice(skipped).map(decodeURIComponent);
  if (rest.length === 0) return { verb: SINGLE[method] ?? 'get', resource: pathname };
  // /namespaces/NAME itself, with its two subresources, is about the namespace
  const within = rest[0] === 'namespaces' && rest.length > 2 && !['status', 'finalize'].includes(rest[2] ?? '');
  const [resource = '', name, subresource] = within ? rest.slice(2) : rest;
  const verbs = name === undefined ? COLLECTION : SINGLE;
  const verb = verbs[method] ?? 'get';
  return {
    verb: verb === 'list' && /^(1|true)$/.test(searchParams.get('watch') ?? '') ? 'watch' : verb,
    resource: subresource === undefined ? resource : `${resource}/${subresource}`,
    ...(within && { namespace: rest[1] as string }),
    ...(name !== undefined && { name }),
  };
}
