import type { IncomingMessage } from 'node:http';
import { isLocalHost } from '../../../runtime/http/web-pages.ts';
import { type Attribution, refused } from '../attribution.ts';
import type { Connection } from '../http/connection.ts';
import { parseTarget, type RequestTarget } from '../request-target.ts';
import type { ToolDirectory } from '../tool-directory.ts';
import type { WayRefusal } from '../way-refusal.ts';
import { attributeByUrl, hostMismatch } from './forward-proxy.ts';
import { attributeByPrefix } from './path-prefix.ts';
import { attributeByServerName } from './terminated-tls.ts';

export interface ProxyPortOptions {
  directory: ToolDirectory;
  /** Names for `Host` beside local ones, lower case. */
  hosts: ReadonlySet<string>;
  token(req: IncomingMessage): WayRefusal | undefined;
}

type Absolute = Extract<RequestTarget, { form: 'absolute' }>;

/** The three ways that share the proxy port, told apart by the request target and by where TLS was terminated. */
export function createProxyAttribution(options: ProxyPortOptions) {
  const { directory, hosts, token } = options;

  /** A client that sends everything to its proxy also sends what was meant for the prefix. */
  function namesThisPort(req: IncomingMessage, { scheme, authority }: Absolute): boolean {
    return scheme === 'http' && authority.port === req.socket.localPort && isLocalHost(urlHost(authority.host));
  }

  return (req: IncomingMessage, { terminated }: Connection): Attribution => {
    if (terminated !== undefined) return attributeByServerName(req, terminated, directory);
    const target = parseTarget(req.url ?? '');
    if (target.form === 'origin') return attributeByPrefix(req, target.path, directory, hosts);
    if (target.form === 'other') {
      return refused('AEGIS_HTTP_MALFORMED', 400, 'The request target is neither a path nor an http URL.');
    }
    const mismatch = hostMismatch(req, target);
    if (mismatch !== undefined) return { ok: false, refusal: mismatch };
    if (namesThisPort(req, target)) return attributeByPrefix(req, target.path, directory, hosts);
    const unauthorised = token(req);
    if (unauthorised !== undefined) return { ok: false, refusal: unauthorised };
    return attributeByUrl(target, directory, 'proxy');
  };
}

function urlHost(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}
