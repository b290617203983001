/**
 * Changes one place in JSON text and leaves every other character as it is: other numbers keep their spelling, other
 * members their order and white space. For text that a strict parser has read before, and only for that.
 */

interface Entry {
  /** Of the key, or of the value in an array. */
  at: number;
  valueAt: number;
  end: number;
}

interface Container {
  array: boolean;
  entries: Map<string, Entry>;
  list: Entry[];
  /** Of the closing character. */
  close: number;
}

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\]|\\.)*"/y;
const PLAIN = /[^,\]}\s]+/y;

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  const found = pattern.exec(text);
  if (found === null) throw new SyntaxError('The text is not the JSON that was read before.');
  return pattern.lastIndex;
}

function skipSpace(text: string, at: number): number {
  return match(SPACE, text, at);
}

/** Where the value that starts at `at` ends; its depth is bounded by the parser that read it first. */
function valueEnd(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return match(STRING, text, at);
  if (first === '{' || first === '[') return open(text, at).close + 1;
  return match(PLAIN, text, at);
}

/** The entries of the object or array that starts at `at`. */
function open(text: string, start: number): Container {
  const array = text[start] === '[';
  const container: Container = { array, entries: new Map(), list: [], close: 0 };
  let at = skipSpace(text, start + 1);
  while (text[at] !== ']' && text[at] !== '}') {
    const keyEnd = array ? at : match(STRING, text, at);
    const key = array ? String(container.list.length) : (JSON.parse(text.slice(at, keyEnd)) as string);
    const valueAt = array ? at : skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = valueEnd(text, valueAt);
    const entry = { at, valueAt, end };
    container.entries.set(key, entry);
    container.list.push(entry);
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return { ...container, close: at };
}

function cut(text: string, from: number, to: number, instead = ''): string {
  return text.slice(0, from) + instead + text.slice(to);
}

/** Without the entry, and without the comma that parted it from its neighbour. */
function without(text: string, { list }: Container, entry: Entry): string {
  const index = list.indexOf(entry);
  const next = list[index + 1];
  if (next !== undefined) return cut(text, entry.at, next.at);
  const before = list[index - 1];
  return before === undefined ? cut(text, entry.at, entry.end) : cut(text, before.end, entry.end);
}

function member(tokens: readonly string[], value: string): string {
  return tokens.reduceRight((inner, token, index) => {
    const pair = `${JSON.stringify(token)}:${inner}`;
    return index === 0 ? pair : `{${pair}}`;
  }, value);
}

/** With the member that is missing in the object at `at`; nothing is added to an array or a plain value. */
function withMember(text: string, at: number, tokens: readonly string[], value: string): string | undefined {
  if (text[at] !== '{') return undefined;
  const last = open(text, at).list.at(-1);
  const added = member(tokens, value);
  return last === undefined ? cut(text, at + 1, at + 1, added) : cut(text, last.end, last.end, `,${added}`);
}

/**
 * `text` with the JSON text `value` at the reference tokens (RFC 6901), or without what stands there if `value` is
 * undefined. A missing member is added with the objects around it. `undefined` where that cannot be done: the document
 * itself cannot be left out.
 */
export function spliceJson(text: string, tokens: readonly string[], value: string | undefined): string | undefined {
  let at = skipSpace(text, 0);
  let place: { container: Container; entry: Entry } | undefined;
  for (const [depth, token] of tokens.entries()) {
    const container = text[at] === '{' || text[at] === '[' ? open(text, at) : undefined;
    const entry = container?.entries.get(token);
    if (container === undefined || entry === undefined) {
      return value === undefined ? text : withMember(text, at, tokens.slice(depth), value);
    }
    place = { container, entry };
    at = entry.valueAt;
  }
  if (value !== undefined) return cut(text, at, valueEnd(text, at), value);
  return place === undefined ? undefined : without(text, place.container, place.entry);
}
