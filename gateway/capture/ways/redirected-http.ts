import type { IncomingMessage } from 'node:http';
import { type Attribution, refused } from '../attribution.ts';
import { parseAuthority } from '../authority.ts';
import { parseTarget } from '../request-target.ts';
import type { ToolDirectory } from '../tool-directory.ts';
import { attributeByUrl, hostMismatch } from './forward-proxy.ts';

/** Plain HTTP that was redirected here: whose tool it is, the client says by Host, as it would have said it there. */
export function attributeByHost(req: IncomingMessage, directory: ToolDirectory): Attribution {
  const target = parseTarget(req.url ?? '');
  if (target.form === 'other') {
    return refused('AEGIS_HTTP_MALFORMED', 400, 'The request target is neither a path nor an http URL.');
  }
  if (target.form === 'absolute') {
    const mismatch = hostMismatch(req, target);
    return mismatch === undefined ? attributeByUrl(target, directory, 'http') : { ok: false, refusal: mismatch };
  }
  const authority = parseAuthority(req.headers.host ?? '');
  if (authority === undefined) return refused('AEGIS_HTTP_MALFORMED', 400, 'Host is not a host name.');
  return attributeByUrl({ scheme: 'http', authority, path: target.path }, directory, 'http');
}
