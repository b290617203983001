/** The part of the Dockerfile language that this repository's files use. What it does not know it refuses. */

export interface Instruction {
  readonly word: string;
  /** `--from=build` as `{ from: 'build' }`. */
  readonly flags: Readonly<Record<string, string>>;
  /** What stands behind word and flags, in one line. */
  readonly text: string;
}

export interface Stage {
  /** As written: it may name build arguments. */
  readonly base: string;
  readonly name?: string;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile {
  /** `ARG` before the first stage: name to default. */
  readonly args: Readonly<Record<string, string | undefined>>;
  readonly stages: readonly Stage[];
}

const KNOWN = 'ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM LABEL RUN STOPSIGNAL USER VOLUME WORKDIR'.split(' ');

export function parseDockerfile(text: string): Dockerfile {
  const args: Record<string, string | undefined> = {};
  const stages: (Stage & { instructions: Instruction[] })[] = [];
  for (const instruction of logicalLines(text).map(parseLine)) {
    const current = stages.at(-1);
    if (instruction.word === 'FROM') stages.push(parseFrom(instruction));
    else if (current !== undefined) current.instructions.push(instruction);
    else if (instruction.word === 'ARG') Object.assign(args, parseArg(instruction.text));
    else throw new Error(`${instruction.word} before FROM`);
  }
  if (stages.length === 0) throw new Error('a Dockerfile needs FROM');
  return { args, stages };
}

/** Comments go, also between the lines of one instruction; a backslash at the end joins. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open = '';
  for (const line of text.split('\n')) {
    if (/^\s*#/.test(line) || line.trim() === '') continue;
    if (line.trimEnd().endsWith('\\')) open += `${line.trimEnd().slice(0, -1).trim()} `;
    else {
      lines.push(open + line.trim());
      open = '';
    }
  }
  if (open !== '') lines.push(open.trim());
  return lines;
}

function parseLine(line: string): Instruction {
  const [, word = '', rest = ''] = /^(\S+)\s*(.*)$/s.exec(line) ?? [];
  const name = word.toUpperCase();
  if (!KNOWN.includes(name)) throw new Error(`${name} is not understood`);
  if (/<<-?\w/.test(rest)) throw new Error('here-documents are not understood');
  const flags: Record<string, string> = {};
  let text = rest;
  for (let match = FLAG.exec(text); match !== null; match = FLAG.exec(text)) {
    flags[match[1] as string] = match[2] ?? '';
    text = text.slice(match[0].length);
  }
  const unknown = Object.keys(flags).filter((flag) => !(FLAGS[name] ?? []).includes(flag));
  if (unknown.length > 0) throw new Error(`${name} --${unknown[0]} is not understood`);
  return { word: name, flags, text: text.trim() };
}

const FLAG = /^--([a-z-]+)(?:=(\S+))?\s+/;
const FLAGS: Record<string, readonly string[]> = { COPY: ['from', 'chown', 'chmod'] };

function parseFrom({ text }: Instruction): Stage & { instructions: Instruction[] } {
  const [, base = '', name] = /^(\S+)(?:\s+AS\s+(\S+))?$/i.exec(text) ?? [];
  if (base === '') throw new Error(`FROM ${text} is not understood`);
  return { base, ...(name !== undefined && { name }), instructions: [] };
}

export function parseArg(text: string): Record<string, string | undefined> {
  const [name = '', ...value] = text.split('=');
  return { [name]: value.length > 0 ? unquote(value.join('=')) : undefined };
}

/** `A=1 B="two words"`. */
export function parsePairs(text: string): Record<string, string> {
  const pairs: Record<string, string> = {};
  for (const [, name, value] of text.matchAll(/([^\s=]+)=("(?:[^"\\]|\\.)*"|'[^']*'|\S*)/g)) {
    pairs[name as string] = unquote(value as string);
  }
  if (Object.keys(pairs).length === 0) throw new Error(`no NAME=VALUE in ${text}`);
  return pairs;
}

function unquote(text: string): string {
  if (/^".*"$/s.test(text)) return text.slice(1, -1).replace(/\\(.)/g, '$1');
  return /^'.*'$/s.test(text) ? text.slice(1, -1) : text;
}

/** The exec form is a list of words; the shell form is given to a shell. */
export function parseCommand(text: string): string[] {
  return text.startsWith('[') ? (JSON.parse(text) as string[]) : ['/bin/sh', '-c', text];
}

/** `$NAME`, `${NAME}` and `${NAME:-default}`; what is not set is empty. */
export function expand(text: string, values: Readonly<Record<string, string | undefined>>): string {
  return text.replace(/\$(?:(\w+)|\{(\w+)(?::-([^}]*))?\})/g, (_, plain?: string, braced?: string, other?: string) => {
    return values[plain ?? braced ?? ''] || (other ?? '');
  });
}
