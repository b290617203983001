import { isObject, type JsonObject, Unusable } from './json.ts';
import { listAt, objectAt } from './reference.ts';

/** "Server Object": the host is the tool's business (spec.upstream); what counts here is the path in front. */
interface Base {
  host: string | undefined;
  path: string;
}

function substituted(server: JsonObject): string {
  const variables = objectAt(server, 'variables') ?? {};
  return String(server.url ?? '/').replace(/\{([^{}]*)\}/g, (_, name: string) => {
    const value = objectAt(variables, name)?.default;
    if (typeof value !== 'string' && typeof value !== 'number')
      throw new Unusable(`the server variable "${name}" has no default`);
    return String(value);
  });
}

function trimmed(path: string): string {
  return path.replace(/\/+$/, '');
}

function baseOf(server: JsonObject): Base {
  const url = substituted(server);
  const absolute = /^[A-Za-z][A-Za-z0-9+.-]*:\/\//.test(url);
  const anywhere = 'https://anywhere.invalid/';
  if (!URL.canParse(url, anywhere)) throw new Unusable('its server URL cannot be read');
  const parsed = new URL(url, anywhere);
  return { host: absolute ? parsed.host : undefined, path: trimmed(parsed.pathname) };
}

/** Of the operation, else of its path, else of the document; one of `/` where none is named. */
function serversOf(root: JsonObject, item: JsonObject, operation: JsonObject): Base[] {
  const lists = [operation, item, root].map((holder) => listAt(holder, 'servers').filter(isObject));
  const servers = lists.find((list) => list.length > 0) ?? [{ url: '/' }];
  return servers.map(baseOf);
}

/**
 * What stands between the tool's URL and the paths of the document: `/v1` for a server `https://api.example/v1` and a
 * tool at `https://api.example`. Of several servers the ones with the tool's host count.
 * @throws Unusable where they disagree, or the tool's own path is another one.
 */
export function basePath(
  root: JsonObject,
  item: JsonObject,
  operation: JsonObject,
  toolUrl: string | undefined,
): string {
  const tool = toolUrl !== undefined && URL.canParse(toolUrl) ? new URL(toolUrl) : undefined;
  const servers = serversOf(root, item, operation);
  const own = servers.filter(({ host }) => host !== undefined && host === tool?.host);
  const [path, other] = new Set((own.length > 0 ? own : servers).map((server) => server.path));
  if (path === undefined || other !== undefined) throw new Unusable('its servers have different paths');
  const above = trimmed(tool?.pathname ?? '');
  if (path !== above && !path.startsWith(`${above}/`)) {
    throw new Unusable(`its server path "${path}" is not below the path "${above}" of the tool's URL`);
  }
  return path.slice(above.length);
}
