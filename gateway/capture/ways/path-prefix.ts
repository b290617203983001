import type { IncomingMessage } from 'node:http';
import { isLocalHost } from '../../../runtime/http/web-pages.ts';
import { type Attribution, refused } from '../attribution.ts';
import type { ToolDirectory } from '../tool-directory.ts';

const TOOL_PATH = /^\/([a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?)(\/.*|\?.*)?$/;

/** For SDKs that take a base URL: `http://127.0.0.1:15001/<tool>/<path…>`. `hosts`: names for `Host` beside local ones. */
export function attributeByPrefix(
  req: IncomingMessage,
  path: string,
  directory: ToolDirectory,
  hosts: ReadonlySet<string>,
): Attribution {
  if (!isLocalHost(req.headers.host, hosts)) return refused('AEGIS_REQUEST_REFUSED', 403);
  const [, tool, rest = '/'] = TOOL_PATH.exec(path) ?? [];
  if (tool === undefined) return refused('AEGIS_MAPPING_UNKNOWN_TOOL', 403);
  return directory.byName(tool, rest.startsWith('?') ? `/${rest}` : rest, 'prefix');
}
