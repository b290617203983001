/** A command line without a machine: files in memory, a fixed clock, what was printed in two texts. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import type { CliContext, ExitCode } from '../../../cli/context.ts';
import type { FileSystem } from '../../../cli/files/file-system.ts';
import { runProgram } from '../../../cli/program.ts';
import { AegisError } from '../../../policy/errors.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { ENGINE, NOW } from '../../support/sample.ts';

export type Files = Record<string, string>;

const root = join(__dirname, '..', '..', '..');

/** A sample's files as `fintech/policies.yaml`. */
export function sampleFiles(name: string): Files {
  return filesBelow(join(root, 'config/samples', name), name);
}

/** All files below a folder of this repository, with their names under `prefix`. */
export function filesBelow(folder: string, prefix: string): Files {
  const files: Files = {};
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = join(folder, name);
    if (statSync(file).isFile()) files[`${prefix}/${relative(folder, file)}`] = readFileSync(file, 'utf8');
  }
  return files;
}

/** One text in one of the files replaced by another. */
export function withEdit(files: Files, from: string, to: string): Files {
  if (!Object.values(files).some((text) => text.includes(from))) throw new Error(`no file contains ${from}`);
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, text.replace(from, to)]));
}

function memoryFileSystem(files: Files): FileSystem {
  const missing = (path: string): Error => Object.assign(new Error(`ENOENT ${path}`), { code: 'ENOENT' });
  const below = (path: string): string[] => Object.keys(files).filter((name) => name.startsWith(`${path}/`));
  const kindOf = (path: string): 'file' | 'folder' => {
    if (files[path] !== undefined) return 'file';
    if (below(path).length > 0) return 'folder';
    throw missing(path);
  };
  return {
    async realPath(path) {
      kindOf(path);
      return path;
    },
    kindOf: async (path) => kindOf(path),
    list: async (path) => [
      ...new Set(below(path).map((name) => name.slice(path.length + 1).split('/', 1)[0] as string)),
    ],
    async read(path, limit) {
      const text = files[path];
      if (text === undefined) throw missing(path);
      return new TextEncoder().encode(text).subarray(0, limit + 1);
    },
  };
}

export interface RunResult {
  code: ExitCode;
  stdout: string;
  stderr: string;
  /** Files that were written. */
  written: Files;
}

/** The catalogue as the program reads it. */
export function catalogue(): Files {
  const files = filesBelow(join(root, 'config/tools'), '');
  return Object.fromEntries(
    Object.entries(files)
      .filter(([name]) => name.endsWith('.yaml'))
      .map(([name, text]) => [name.slice(1), text]),
  );
}

/** Runs `aegis` with these arguments over these files. */
export async function aegis(
  argv: readonly string[],
  files: Files,
  options: { stdin?: string; answers?: readonly string[] } = {},
): Promise<RunResult> {
  const result: RunResult = { code: 0, stdout: '', stderr: '', written: {} };
  const answers = options.answers === undefined ? undefined : [...options.answers];
  const context: CliContext = {
    files: memoryFileSystem(files),
    output: {
      async write(file: string, text: string) {
        result.written[file] = text;
      },
      async create(file: string, text: string) {
        if (files[file] !== undefined) throw new AegisError('AEGIS_OUTPUT_EXISTS', `${file} exists already.`);
        result.written[file] = text;
      },
      createSecret: () => Promise.reject(new Error('nothing is written here')),
      replaceFile: () => Promise.reject(new Error('nothing is written here')),
      replaceFolder: () => Promise.reject(new Error('nothing is written here')),
    } as unknown as CliContext['output'],
    stdin: (async function* () {
      yield new TextEncoder().encode(options.stdin ?? '');
    })(),
    stdout(text) {
      result.stdout += text;
    },
    stderr(text) {
      result.stderr += text;
    },
    isTerminal: false,
    clock: () => NOW,
    randomBytes: (length) => new Uint8Array(length).fill(7),
    crypto: nodeCrypto,
    engine: async () => ENGINE,
    catalogue: async () => catalogue(),
    ...(answers !== undefined && {
      async ask(question: string) {
        result.stderr += question;
        return answers.shift();
      },
    }),
    interrupted: new Promise(() => undefined),
  };
  result.code = await runProgram(argv, context);
  return result;
}
