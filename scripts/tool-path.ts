import { homedir } from 'node:os';
import { join } from 'node:path';
import { GO_TOOLS, type GoTool } from './tool-versions.ts';

/** Where the pinned binary of a tool lies, built or not: `<cache>/<name>-<version>/<name>`. */
export function toolPath(tool: GoTool): string {
  const cache =
    process.env.AEGIS_TOOLS_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'aegis-tools');
  return join(cache, `${tool}-${GO_TOOLS[tool].version}`, tool);
}
