import type { IncomingMessage } from 'node:http';
import { isLocalHost } from '../../runtime/http/web-pages.ts';
import type { RefusedRequest } from '../telemetry/call-hooks.ts';
import { parseAuthority } from './authority.ts';
import type { Connection } from './http/connection.ts';
import { parseTarget } from './request-target.ts';

/** The way in and the host of a request that is refused: all that is told of it beside why. */
export type Asked = Pick<RefusedRequest, 'via' | 'host'>;

interface Way {
  via: Asked['via'];
  terminated: Connection['terminated'];
}

/** RFC 1035 section 2.3.4. */
const MAX_LABEL = 63;

/** The host of an authority that a client wrote, lower case, no port, no brackets; undefined where it is none in full. */
export function askedHost(text = ''): string | undefined {
  const host = (parseAuthority(text) ?? parseAuthority(`[${text}]`))?.host;
  return host?.split('.').some((label) => label.length > MAX_LABEL) === true ? undefined : host;
}

/** What the request names, first its target and then Host; else what its connection was opened for. */
function hostOf(req: IncomingMessage, { via, terminated }: Way): string | undefined {
  const target = req.url ?? '';
  if (req.method === 'CONNECT') return askedHost(target);
  const parsed = parseTarget(target);
  if (parsed.form === 'absolute') return askedHost(parsed.authority.host);
  // A base URL names the gateway itself.
  if ((via === 'prefix' || via === 'port') && isLocalHost(req.headers.host)) return undefined;
  const hosts = req.headersDistinct.host ?? [];
  return (hosts.length === 1 ? askedHost(hosts[0]) : undefined) ?? askedHost(terminated?.host);
}

/** `via`: the way that the listener is for; on the proxy's port the target says whether it was used as one. */
export function askedOf(req: IncomingMessage, { via: listener, terminated }: Way): Asked {
  const prefixed = listener === 'proxy' && terminated === undefined && (req.url ?? '').startsWith('/');
  const via = prefixed ? 'prefix' : listener;
  return { via, host: hostOf(req, { via, terminated }) };
}
