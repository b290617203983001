import { homedir } from 'node:os';
import { join } from 'node:path';
import { DEBIAN_TOOLS, GO_TOOLS, PYTHON_TOOLS, type Tool } from './tool-versions.ts';

const TOOLS: Record<Tool, { version: string; binary?: string }> = { ...GO_TOOLS, ...PYTHON_TOOLS, ...DEBIAN_TOOLS };

/** Folder of a tool, by version, outside the repository. `AEGIS_TOOLS_DIR` overrides the cache folder. */
export function toolFolder(tool: Tool): string {
  const cache =
    process.env.AEGIS_TOOLS_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'aegis-tools');
  return join(cache, `${tool}-${TOOLS[tool].version}`);
}

/** Where the pinned binary (or module) of a tool lies, installed or not. */
export function toolPath(tool: Tool): string {
  return join(toolFolder(tool), TOOLS[tool].binary ?? tool);
}

/** Environment in which a tool of the distribution finds its own libraries. */
export function toolEnvironment(tool: Tool): Record<string, string> {
  return { LD_LIBRARY_PATH: join(toolFolder(tool), 'usr/lib/x86_64-linux-gnu') };
}
