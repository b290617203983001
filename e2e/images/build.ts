import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { type ImageConfig, writeArchive } from './archive.ts';
import { baseImage } from './base-image.ts';
import { BuildContext } from './context.ts';
import {
  expand,
  type Instruction,
  parseArg,
  parseCommand,
  parseDockerfile,
  parsePairs,
  type Stage,
} from './dockerfile.ts';
import { imageFolder } from './folders.ts';
import { type Layer, layer, runIn, withOverlay, writeLayerTar, writeMergedTar } from './layers.ts';

export interface BuildOptions {
  /** With tag. */
  name: string;
  dockerfile: string;
  /** The folder that COPY takes from. */
  context: string;
  args?: Readonly<Record<string, string>>;
  /** Further folders that `COPY --from` may name. */
  contexts?: Readonly<Record<string, string>>;
}

interface State {
  layers: Layer[];
  /** Of everything that led here. */
  key: string;
  config: ImageConfig;
  env: Record<string, string>;
  args: Record<string, string | undefined>;
  folder: string;
  /** Nothing was run in it: no file of a lower layer is missing in a higher one. */
  plain: boolean;
}

const digestOf = (...parts: readonly string[]) => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/**
 * Builds an image of a Dockerfile without a container engine: RUN in a chroot of the layers so far, with caches by what
 * went into each step. @returns a docker-archive
 */
export async function buildImage(options: BuildOptions): Promise<string> {
  const build = new Build(options);
  const { layers, key, config, plain, env } = build.run();
  const label = options.name.replace(/[/:]/g, '_');
  const file = join(
    imageFolder(),
    `${label}-${digestOf(key, JSON.stringify(config), JSON.stringify(env)).slice(0, 16)}.tar`,
  );
  if (!existsSync(file)) {
    forgetOld(label);
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    await writeArchive(file, options.name, tarsOf(layers, plain), { ...config, Env: variables });
  }
  utimesSync(file, new Date(), new Date());
  return file;
}

/** What writes each layer's tar. Where something was run, a file may be gone again: then all is one layer. */
function tarsOf(layers: readonly Layer[], plain: boolean): ((file: string) => void)[] {
  if (!plain) return [(file) => writeMergedTar(layers, file)];
  return layers.map((layer) => (file: string) => writeLayerTar(layer, file));
}

/** The newest few stay: another checkout may be about to use one. */
function forgetOld(label: string): void {
  const files = readdirSync(imageFolder()).filter((name) => name.startsWith(`${label}-`) && name.endsWith('.tar'));
  const aged = files.map((name) => join(imageFolder(), name)).map((file) => ({ file, at: statSync(file).mtimeMs }));
  for (const { file } of aged.sort((a, b) => b.at - a.at).slice(3)) rmSync(file, { force: true });
}

class Build {
  readonly #options: BuildOptions;
  readonly #context: BuildContext;
  readonly #stages = new Map<string, State>();

  constructor(options: BuildOptions) {
    this.#options = options;
    const own = `${options.dockerfile}.dockerignore`;
    const ignore = [own, join(options.context, '.dockerignore')].find((file) => existsSync(file));
    this.#context = new BuildContext(options.context, ignore === undefined ? '' : readFileSync(ignore, 'utf8'));
  }

  run(): State {
    const { args, stages } = parseDockerfile(readFileSync(this.#options.dockerfile, 'utf8'));
    const globals = { ...args, ...this.#options.args };
    let state: State | undefined;
    for (const stage of stages) {
      state = this.#stage(stage, globals);
      if (stage.name !== undefined) this.#stages.set(stage.name, state);
    }
    return state as State;
  }

  #stage(stage: Stage, globals: Record<string, string | undefined>): State {
    const base = expand(stage.base, globals);
    const earlier = this.#stages.get(base);
    const layers = earlier?.layers ?? baseImage(base);
    const state: State = {
      layers: [...layers],
      key: earlier?.key ?? digestOf('base', base, ...layers.map(({ key }) => key)),
      config: structuredClone(earlier?.config ?? {}),
      env: { ...(earlier?.env ?? { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }) },
      args: {},
      folder: earlier?.folder ?? '/',
      plain: earlier?.plain ?? layers.length === 0,
    };
    for (const instruction of stage.instructions) this.#step(state, instruction, globals);
    return state;
  }

  #step(state: State, instruction: Instruction, globals: Record<string, string | undefined>): void {
    const { word } = instruction;
    const text = expand(instruction.text, { ...state.args, ...state.env });
    if (word === 'RUN') this.#run(state, instruction);
    else if (word === 'COPY') this.#copy(state, instruction, text);
    else if (word === 'ARG') {
      for (const [name, value] of Object.entries(parseArg(text))) {
        state.args[name] = this.#options.args?.[name] ?? value ?? globals[name];
      }
    } else if (word === 'WORKDIR') {
      state.folder = text.startsWith('/') ? text : join(state.folder, text);
      state.config.WorkingDir = state.folder;
      this.#change(state, digestOf('WORKDIR', state.folder), `mkdir -p "$root${state.folder}"`);
    } else configure(state, word, text);
  }

  #run(state: State, { text }: Instruction): void {
    const env = { ...state.args, ...state.env } as Record<string, string>;
    const key = digestOf(state.key, 'RUN', text, state.folder, JSON.stringify(env));
    this.#add(state, key, (upper) => {
      console.error(`${this.#options.name}: RUN ${text.length > 100 ? `${text.slice(0, 97)}…` : text}`);
      runIn(state.layers, upper, { command: parseCommand(text), folder: state.folder, env });
    });
    state.plain = false;
  }

  #copy(state: State, { flags }: Instruction, text: string): void {
    const words = text.startsWith('[') ? (JSON.parse(text) as string[]) : text.split(/\s+/);
    const target = words.pop() as string;
    const to = target.startsWith('/') ? target : `${join(state.folder, target)}${/[/.]$/.test(target) ? '/' : ''}`;
    const owner = `${flags.chown ? `chown -R ${flags.chown} "$staged"; ` : ''}${flags.chmod ? `chmod -R ${flags.chmod} "$staged"; ` : ''}`;
    const from = flags.from === undefined ? undefined : this.#stages.get(flags.from);
    if (from !== undefined) {
      const key = digestOf(state.key, 'COPY', from.key, ...words, to, owner);
      this.#add(state, key, (upper) => copyFromStage(state, from, upper, { words, to, owner }));
      return;
    }
    const context = this.#contextOf(flags.from);
    const digests = words.map((word) => context.digest(word));
    const key = digestOf(state.key, 'COPY', ...digests, ...words, to, owner);
    this.#add(state, key, (upper) => copyFromContext(state, context, upper, { words, to, owner }));
  }

  #contextOf(name: string | undefined): BuildContext {
    if (name === undefined) return this.#context;
    const folder = this.#options.contexts?.[name];
    if (folder === undefined) throw new Error(`COPY --from=${name}: there is no such stage or context`);
    return new BuildContext(folder);
  }

  #change(state: State, what: string, script: string): void {
    this.#add(state, digestOf(state.key, what), (upper) => withOverlay(state.layers, upper, script));
  }

  #add(state: State, key: string, work: (upper: string) => void): void {
    state.layers.push(layer(key, work));
    state.key = key;
  }
}

function configure(state: State, word: string, text: string): void {
  const { config } = state;
  if (word === 'ENV') Object.assign(state.env, parsePairs(text));
  else if (word === 'LABEL') config.Labels = { ...config.Labels, ...parsePairs(text) };
  else if (word === 'USER') config.User = text;
  else if (word === 'ENTRYPOINT') config.Entrypoint = parseCommand(text);
  else if (word === 'CMD') config.Cmd = parseCommand(text);
  else if (word === 'STOPSIGNAL') config.StopSignal = text;
  else if (word === 'VOLUME') config.Volumes = { ...config.Volumes, ...setOf(text.split(/\s+/)) };
  else if (word === 'EXPOSE')
    config.ExposedPorts = { ...config.ExposedPorts, ...setOf(text.split(/\s+/).map(withProtocol)) };
  else throw new Error(`${word} is not understood here`);
}

const setOf = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, {}]));
const withProtocol = (port: string) => (port.includes('/') ? port : `${port}/tcp`);

interface Copy {
  words: readonly string[];
  to: string;
  /** Shell commands for what was staged at `$staged`. */
  owner: string;
}

/** Into a folder where there are several, or where the name ends in a slash; contents of folders, not the folders. */
function placing({ words, to, owner }: Copy, staged: readonly { path: string; folder: boolean }[]): string {
  const several = words.length > 1 || to.endsWith('/');
  return staged
    .map(({ path, folder }) => {
      const target = folder || several ? `"$root${to}"` : `"$root$(dirname '${to}')"`;
      const copy = folder ? `cp -a '${path}/.' "$root${to}"` : `cp -a '${path}' "$root${to}"`;
      return `mkdir -p ${target}; staged='${path}'; ${owner}${copy}`;
    })
    .join('\n');
}

function copyFromContext(state: State, context: BuildContext, upper: string, copy: Copy): void {
  const scratch = mkdtempSync(join(tmpdir(), 'aegis-copy-'));
  try {
    const staged = copy.words.map((word, index) => {
      const path = join(scratch, String(index), basename(word) || 'all');
      mkdirSync(join(scratch, String(index)));
      context.copy(word, path);
      return { path, folder: context.isFolder(word) };
    });
    withOverlay(state.layers, upper, `chown -R 0:0 '${scratch}'\n${placing(copy, staged)}`);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Links stay links, owners and rights stay. */
function copyFromStage(state: State, from: State, upper: string, copy: Copy): void {
  const scratch = mkdtempSync(join(tmpdir(), 'aegis-copy-'));
  try {
    const paths = copy.words.map((word, index) => join(scratch, String(index), basename(word) || 'all'));
    const fetch = copy.words.map((word, index) => {
      mkdirSync(join(scratch, String(index)));
      return `cp -a "$root${word.replace(/\/$/, '')}" '${paths[index]}'`;
    });
    withOverlay(from.layers, undefined, fetch.join('\n'));
    const staged = paths.map((path) => ({ path, folder: isFolder(path) }));
    withOverlay(state.layers, upper, placing(copy, staged));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function isFolder(path: string): boolean {
  try {
    readdirSync(path);
    return true;
  } catch {
    return false;
  }
}
