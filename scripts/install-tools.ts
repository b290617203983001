/**
 * Puts the pinned tools into the user's cache, once per version: `node scripts/install-tools.ts [name…]`. Without names
 * those that `npm test` needs; with `--e2e` those of the end-to-end suites as well.
 * Prints one `name path` line per tool. `AEGIS_TOOLS_DIR` overrides the cache folder.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { toolFolder, toolPath } from './tool-path.ts';
import {
  DEBIAN_TOOLS,
  type DebianTool,
  GO_TOOLS,
  type GoTool,
  type GoToolSource,
  PYTHON_TOOLS,
  type PythonTool,
} from './tool-versions.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

function run(command: string, args: readonly string[], cwd: string): void {
  try {
    execFileSync(command, args, { cwd, stdio: ['ignore', 2, 'inherit'] });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(`${command} is not installed, and is needed to set up the tools of the tests`);
  }
}

function buildGo(tool: GoTool): void {
  const target = toolPath(tool);
  // our own modules may have changed under the same version; Go's build cache makes that cheap
  const source: GoToolSource = GO_TOOLS[tool];
  const own = source.package === '.';
  copyFolder(tool, source);
  if (existsSync(target) && !own) return;
  mkdirSync(dirname(target), { recursive: true });
  const partial = `${target}.${process.pid}`;
  if (!own || !existsSync(target)) console.error(`building ${tool} ${source.version} (once; one to four minutes) …`);
  const variables = Object.entries(source.variables ?? {}).map(([name, value]) => ` -X ${name}=${value}`);
  const flags = ['build', '-trimpath', '-ldflags', `-s -w${variables.join('')}`, '-o', partial];
  run('go', [...flags, source.package], join(root, 'tools', source.module ?? tool));
  renameSync(partial, target);
}

/** What comes with a tool's module and is no part of its binary. */
function copyFolder(tool: GoTool, { folder, module = tool }: GoToolSource): void {
  if (folder === undefined) return;
  const target = join(toolFolder(tool), basename(folder.path));
  if (existsSync(target)) return;
  const query = ['mod', 'download', '-json', folder.module];
  const answer = execFileSync('go', query, { cwd: join(root, 'tools', module), encoding: 'utf8' });
  const partial = `${target}.${process.pid}`;
  // the module cache is read-only, the copy shall not be
  cpSync(join((JSON.parse(answer) as { Dir: string }).Dir, folder.path), partial, { recursive: true });
  run('chmod', ['-R', 'u+w', partial], root);
  renameSync(partial, target);
}

/** Fills a folder beside the final one, so that an interrupted installation is never taken for a whole one. */
function fill(tool: PythonTool | DebianTool, work: (folder: string) => void): void {
  const target = toolFolder(tool);
  if (existsSync(toolPath(tool))) return;
  console.error(`fetching ${tool} (once) …`);
  const partial = `${target}.${process.pid}`;
  mkdirSync(partial, { recursive: true, mode: 0o777 });
  work(partial);
  rmSync(target, { recursive: true, force: true });
  renameSync(partial, target);
}

function installPython(tool: PythonTool): void {
  const { package: name, version } = PYTHON_TOOLS[tool];
  const flags = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-cache-dir'];
  fill(tool, (folder) => run('python3', [...flags, '--target', folder, `${name}==${version}`], root));
}

function unpackDebian(tool: DebianTool): void {
  fill(tool, (folder) => {
    run('apt-get', ['download', '-q', '-o', 'APT::Sandbox::User=root', ...DEBIAN_TOOLS[tool].packages], folder);
    for (const file of readdirSync(folder)) if (file.endsWith('.deb')) run('dpkg', ['-x', file, '.'], folder);
  });
}

function install(name: string): string {
  if (name in GO_TOOLS) buildGo(name as GoTool);
  else if (name in PYTHON_TOOLS) installPython(name as PythonTool);
  else if (name in DEBIAN_TOOLS) unpackDebian(name as DebianTool);
  else throw new Error(`unknown tool ${name}; known: ${ALL.join(', ')}`);
  return toolPath(name as GoTool);
}

const TOOLS: Record<string, { version: string; e2e?: true }> = { ...GO_TOOLS, ...PYTHON_TOOLS, ...DEBIAN_TOOLS };
const ALL = Object.keys(TOOLS);
const args = process.argv.slice(2);
const names = args.filter((word) => word !== '--e2e');
const wanted = names.length > 0 ? names : ALL.filter((name) => args.includes('--e2e') || !TOOLS[name]?.e2e);
for (const name of wanted) console.log(`${name} ${install(name)}`);
