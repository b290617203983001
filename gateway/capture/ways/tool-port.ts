import type { IncomingMessage } from 'node:http';
import { isLocalHost } from '../../../runtime/http/web-pages.ts';
import { type Attribution, refused } from '../attribution.ts';
import type { ToolDirectory } from '../tool-directory.ts';

/** For SDKs that take host and port: everything on this port is a call of one tool. */
export function attributeByPort(
  req: IncomingMessage,
  tool: string,
  directory: ToolDirectory,
  hosts: ReadonlySet<string>,
): Attribution {
  if (!isLocalHost(req.headers.host, hosts)) return refused('AEGIS_REQUEST_REFUSED', 403);
  const target = req.url ?? '';
  if (!target.startsWith('/')) return refused('AEGIS_HTTP_MALFORMED', 400, 'The request target is not a path.');
  return directory.byName(tool, target, 'port');
}
