/** RFC 6901, as far as a tool contract uses it. */

/** The reference tokens of a pointer, unescaped (`~1` before `~0`, section 4). `''` has none: the whole document. */
export function pointerTokens(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const INDEX = /^(?:0|[1-9][0-9]{0,8})$/;

/** The value that `tokens` point at; `undefined` where there is none. Own members only. */
export function pointed(document: unknown, tokens: readonly string[]): unknown {
  let value = document;
  for (const token of tokens) {
    if (Array.isArray(value)) value = INDEX.test(token) ? value[Number(token)] : undefined;
    else if (isPlainObject(value) && Object.hasOwn(value, token)) value = value[token];
    else return undefined;
  }
  return value;
}

/** A copy of `document` with `value` at `tokens`, or without the member if `value` is `undefined`. */
export function withPointed(document: unknown, tokens: readonly string[], value: unknown): unknown {
  const [token, ...rest] = tokens;
  if (token === undefined) return value;
  if (Array.isArray(document)) {
    if (!INDEX.test(token)) return document;
    const index = Number(token);
    if (rest.length === 0 && value === undefined) return document.filter((_, at) => at !== index);
    return document.map((item, at) => (at === index ? withPointed(item, rest, value) : item));
  }
  const members = isPlainObject(document) ? Object.entries(document) : [];
  const next = withPointed(members.find(([name]) => name === token)?.[1], rest, value);
  const kept = members.filter(([name]) => name !== token || next !== undefined);
  const replaced = kept.map(([name, member]) => [name, name === token ? next : member] as const);
  const present = members.some(([name]) => name === token);
  return Object.fromEntries(present || next === undefined ? replaced : [...replaced, [token, next] as const]);
}
