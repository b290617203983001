/**
 * Builds the pinned Go tools into the user's cache, once per version: `node scripts/install-tools.ts [name…]`.
 * Prints one `name path` line per tool. `AEGIS_TOOLS_DIR` overrides the cache folder.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolPath } from './tool-path.ts';
import { GO_TOOLS, type GoTool } from './tool-versions.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function build(tool: GoTool): string {
  const target = toolPath(tool);
  // our own modules may have changed under the same version; Go's build cache makes that cheap
  const own = GO_TOOLS[tool].package === '.';
  if (existsSync(target) && !own) return target;
  mkdirSync(dirname(target), { recursive: true });
  const partial = `${target}.${process.pid}`;
  if (!own || !existsSync(target)) console.error(`building ${tool} ${GO_TOOLS[tool].version} (once; about a minute) …`);
  execFileSync('go', ['build', '-trimpath', '-ldflags', '-s -w', '-o', partial, GO_TOOLS[tool].package], {
    cwd: join(root, 'tools', tool),
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  renameSync(partial, target);
  return target;
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(GO_TOOLS);
for (const name of wanted) {
  if (!(name in GO_TOOLS)) throw new Error(`unknown tool ${name}; known: ${Object.keys(GO_TOOLS).join(', ')}`);
  console.log(`${name} ${build(name as GoTool)}`);
}
