import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { toolEnvironment, toolPath } from '../../../scripts/tool-path.ts';

/** What a script answers; `error` where it raised one or gave no table. */
export interface Health {
  status?: string;
  message?: string;
  error?: string;
}

/**
 * Every object is the global `obj` of one run. As in Argo CD there are only the basic functions, `table`, and the
 * harmless part of `os`: no `string`, not even by way of the methods of a text.
 */
const HARNESS = `
local write = io.write
local gsub = string.gsub
local function line(value) return gsub(gsub(gsub(tostring(value), "\\\\", "\\\\\\\\"), "\\n", "\\\\n"), "\\r", "\\\\r") end
local names = {"assert", "error", "getmetatable", "ipairs", "next", "pairs", "pcall", "print", "rawequal", "rawget",
  "rawset", "select", "setmetatable", "tonumber", "tostring", "type", "unpack", "table"}
local methods = getmetatable("").__index
for _, obj in ipairs(objects) do
  local world = {obj = obj, os = {time = os.time, date = os.date, clock = os.clock, difftime = os.difftime}}
  for _, name in ipairs(names) do world[name] = _G[name] end
  local script = assert(loadfile(path))
  setfenv(script, world)
  getmetatable("").__index = nil
  local fine, answer = pcall(script)
  getmetatable("").__index = methods
  if not fine then write("error\\t", line(answer), "\\n")
  elseif type(answer) ~= "table" then write("error\\tno table but a ", type(answer), "\\n")
  elseif type(answer.status) ~= "string" or type(answer.message) ~= "string" then write("error\\tno text\\n")
  else write(line(answer.status), "\\t", line(answer.message), "\\n") end
end
`;

/** What the health script at this path says of each object. @throws with the command that fetches Lua */
export function runHealth(path: string, objects: readonly unknown[]): Health[] {
  const lua = toolPath('lua');
  if (!existsSync(lua)) throw new Error('lua is not there yet: run `node scripts/install-tools.ts lua`');
  const world = `local path = ${literal(path)}\nlocal objects = {${objects.map(literal).join(',\n')}}\n`;
  const output = execFileSync(lua, ['-'], {
    input: `${world}${HARNESS}`,
    env: { ...process.env, ...toolEnvironment('lua') },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const lines = output.split('\n').slice(0, -1);
  if (lines.length !== objects.length) throw new Error(`${lines.length} answers to ${objects.length} objects`);
  return lines.map((each) => {
    const [status = '', message = ''] = each.split('\t').map(restored);
    return status === 'error' ? { error: message } : { status, message };
  });
}

function restored(text: string): string {
  return text.replaceAll(/\\([\\nr])/g, (_, letter: string) => ({ n: '\n', r: '\r' })[letter] ?? '\\');
}

/** A JSON value in Lua; null is nil, as Argo CD has it. */
function literal(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '0';
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `{${value.map(literal).join(', ')}}`;
  return `{${Object.entries(value)
    .map(([name, each]) => `[${quoted(name)}] = ${literal(each)}`)
    .join(', ')}}`;
}

function quoted(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  return `"${bytes.map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
}
