/** RFC 6901, as far as a tool contract uses it. */

/** The reference tokens of a pointer, unescaped (`~1` before `~0`, section 4). `''` has none: the whole document. */
export function pointerTokens(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** A name as a reference token (RFC 6901 section 3). */
export function escapeToken(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

const INDEX = /^(?:0|[1-9][0-9]{0,8})$/;

/** A reference token that may stand for an element of a list (RFC 6901 section 4). */
export function isIndex(token: string): boolean {
  return INDEX.test(token);
}

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
