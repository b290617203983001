import { isIPv6 } from 'node:net';

/** The forms that values of settings have: how they are read from text and from a file, and how they are described. */

export type JsonSchema = Record<string, unknown>;

export interface ValueType<T> {
  /** In tables and help, e.g. `duration`. */
  readonly name: string;
  /** What is allowed, to follow "takes ". */
  readonly allowed: string;
  /** For editors. */
  readonly schema: JsonSchema;
  /** Of a flag or an environment variable. `undefined`: not allowed. */
  fromText(text: string): T | undefined;
  /** Of the settings file. `undefined`: not allowed. */
  fromValue(value: unknown): T | undefined;
  /** As it would be written on the command line. */
  toText(value: T): string;
}

export interface Address {
  host: string;
  /** 0: any free one. */
  port: number;
}

const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE_UNITS = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;
const MAX_TEXT = 4096;
const CONTROL = /\p{Cc}/u;

function textType<T>(
  type: Pick<ValueType<T>, 'name' | 'allowed' | 'fromText'> & { pattern?: string; toText?(value: T): string },
): ValueType<T> {
  const { name, allowed, fromText, pattern } = type;
  return {
    name,
    allowed,
    schema: pattern === undefined ? { type: 'string' } : { type: 'string', pattern },
    fromText,
    fromValue: (value) => (typeof value === 'string' ? fromText(value) : undefined),
    toText: type.toText ?? String,
  };
}

function line(text: string): string | undefined {
  return text !== '' && text.length <= MAX_TEXT && !CONTROL.test(text) ? text : undefined;
}

export const TEXT = textType({ name: 'text', allowed: 'one line of text', fromText: line });

export const PATH = textType({ name: 'path', allowed: 'the path of a file or folder', fromText: line });

const NAME_PATTERN = '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$';
const NAME_FORM = new RegExp(NAME_PATTERN);

export const NAME = textType({
  name: 'name',
  allowed: 'a name of lower-case letters, digits, dots and dashes',
  pattern: NAME_PATTERN,
  fromText: (text) => (NAME_FORM.test(text) ? text : undefined),
});

const HOST_FORM = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f]*:[0-9a-f:.]*)$/;

/** As it stands in certificates and in the status of pods: IPv6 without brackets. */
export const HOST = textType({
  name: 'host',
  allowed: 'a host name in lower case, or an IP address (IPv6 without brackets)',
  fromText: (text) => (HOST_FORM.test(text) && (!text.includes(':') || isIPv6(text)) ? text : undefined),
});

const ADDRESS_FORM = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+):([0-9]{1,5})$/i;

function address(text: string): Address | undefined {
  const [, host, digits] = ADDRESS_FORM.exec(text) ?? [];
  const port = Number(digits);
  if (host === undefined || port > 65_535) return undefined;
  return { host: host.replace(/^\[|\]$/g, ''), port };
}

function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

export const ADDRESS = textType<Address>({
  name: 'address',
  allowed: 'HOST:PORT, for example 127.0.0.1:8181 or [::1]:8181',
  fromText: address,
  toText: addressText,
});

/** `undefined` cannot stand for "off", because it stands for "not allowed". */
export const LISTENER = textType<Address | 'off'>({
  name: 'address or off',
  allowed: 'HOST:PORT, for example 127.0.0.1:8181 or [::1]:8181, or off',
  fromText: (text) => (text === 'off' ? 'off' : address(text)),
  toText: (value) => (value === 'off' ? value : addressText(value)),
});

/** A URL of one of the schemes. A password in it would be shown wherever settings are, so it is refused. */
export function url(...schemes: string[]): ValueType<URL> {
  return textType<URL>({
    name: 'URL',
    allowed: `a URL that begins with ${schemes.map((scheme) => `${scheme}://`).join(' or ')} and holds no credentials`,
    fromText: (text) => {
      const parsed = URL.canParse(text) ? new URL(text) : undefined;
      if (parsed === undefined || !schemes.includes(parsed.protocol.slice(0, -1))) return undefined;
      if (parsed.host === '' && parsed.protocol !== 'unix:') return undefined;
      return parsed.username === '' && parsed.password === '' ? parsed : undefined;
    },
    toText: (value) => value.href,
  });
}

/** A number and its unit, as the product; the largest unit that divides it, on the way back. */
function quantity(units: Readonly<Record<string, number>>) {
  const pattern = `^(0|[1-9][0-9]{0,11}(${Object.keys(units).join('|')}))$`;
  const form = new RegExp(pattern);
  return {
    pattern,
    fromText: (text: string): number | undefined => {
      const [, whole, unit] = form.exec(text) ?? [];
      if (whole === undefined) return undefined;
      const value = Number.parseInt(whole, 10) * (units[unit ?? ''] ?? 1);
      return Number.isSafeInteger(value) ? value : undefined;
    },
    toText: (value: number): string => {
      if (value === 0) return '0';
      const [unit, factor] = Object.entries(units).findLast(([, size]) => value % size === 0) ?? ['', 1];
      return `${value / factor}${unit}`;
    },
  };
}

/** Milliseconds. */
export const DURATION = textType<number>({
  name: 'duration',
  allowed: 'a duration such as 500ms, 10s, 5m, 1h or 7d, or 0',
  ...quantity(DURATION_UNITS),
});

/** Bytes. */
export const SIZE = textType<number>({
  name: 'size',
  allowed: 'a size such as 512B, 64KiB, 1MiB or 2GiB, or 0',
  ...quantity(SIZE_UNITS),
});

export function integer(from: number, to = Number.MAX_SAFE_INTEGER): ValueType<number> {
  const within = (value: number): number | undefined => (value >= from && value <= to ? value : undefined);
  return {
    name: 'integer',
    allowed: `a whole number ${to === Number.MAX_SAFE_INTEGER ? `from ${from}` : `from ${from} to ${to}`}`,
    schema: { type: 'integer', minimum: from, ...(to !== Number.MAX_SAFE_INTEGER && { maximum: to }) },
    fromText: (text) => (/^(0|[1-9][0-9]{0,15})$/.test(text) ? within(Number(text)) : undefined),
    fromValue: (value) => (typeof value === 'number' && Number.isSafeInteger(value) ? within(value) : undefined),
    toText: String,
  };
}

export const BOOLEAN: ValueType<boolean> = {
  name: 'boolean',
  allowed: 'true or false',
  schema: { type: 'boolean' },
  fromText: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  fromValue: (value) => (typeof value === 'boolean' ? value : undefined),
  toText: String,
};

export function oneOf<const T extends string>(...values: T[]): ValueType<T> {
  const find = (value: unknown): T | undefined => values.find((each) => each === value);
  return {
    name: values.join(' | '),
    allowed: values.length === 2 ? values.join(' or ') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`,
    schema: { enum: values },
    fromText: find,
    fromValue: find,
    toText: String,
  };
}

/** `undefined` as soon as one is. */
function allOf<T>(values: readonly (T | undefined)[]): T[] | undefined {
  return values.some((value) => value === undefined) ? undefined : (values as T[]);
}

const texts = (text: string): string[] => (text === '' ? [] : text.split(',').map((piece) => piece.trim()));

/** Texts with commas between them; a list in a file. */
export function listOf<T>(item: ValueType<T>): ValueType<readonly T[]> {
  return {
    name: `list of ${item.name}`,
    allowed: `${item.allowed}; several with commas between them`,
    schema: { type: 'array', items: item.schema },
    fromText: (text) => allOf(texts(text).map(item.fromText)),
    fromValue: (value) => (Array.isArray(value) ? allOf(value.map(item.fromValue)) : undefined),
    toText: (values) => values.map(item.toText).join(','),
  };
}

function mapFrom<T>(
  entries: readonly (readonly [string, unknown])[],
  read: (value: never) => T | undefined,
): ReadonlyMap<string, T> | undefined {
  const map = new Map<string, T>();
  for (const [key, value] of entries) {
    const parsed = read(value as never);
    if (!NAME_FORM.test(key) || parsed === undefined || map.has(key)) return undefined;
    map.set(key, parsed);
  }
  return map;
}

/** `NAME=VALUE` with commas between them; an object in a file. */
export function mapOf<T>(item: ValueType<T>, key: string): ValueType<ReadonlyMap<string, T>> {
  return {
    name: `map of ${key} to ${item.name}`,
    allowed: `${key.toUpperCase()}=VALUE, where VALUE is ${item.allowed}; several with commas between them`,
    schema: { type: 'object', propertyNames: { pattern: NAME_PATTERN }, additionalProperties: item.schema },
    fromText: (text) => {
      const entries = texts(text).map((piece) => {
        const at = piece.indexOf('=');
        return [piece.slice(0, Math.max(0, at)), piece.slice(at + 1)] as const;
      });
      return mapFrom(entries, item.fromText);
    },
    fromValue: (value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      return mapFrom(Object.entries(value), item.fromValue);
    },
    toText: (map) => [...map].map(([name, value]) => `${name}=${item.toText(value)}`).join(','),
  };
}

/** `KEY=VALUE` with semicolons between them, so that values may hold commas; an object of texts in a file. */
export const PAIRS: ValueType<ReadonlyMap<string, string>> = {
  name: 'pairs',
  allowed: 'KEY=VALUE; several with semicolons between them',
  schema: { type: 'object', additionalProperties: { type: 'string' } },
  fromText: (text) => {
    const pieces = text.split(';').map((piece) => piece.trim());
    return pairsFrom(pieces.filter((piece) => piece !== '').map((piece) => splitPair(piece)));
  },
  fromValue: (value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return pairsFrom(Object.entries(value));
  },
  toText: (map) => [...map].map(([key, value]) => `${key}=${value}`).join('; '),
};

const KEY_FORM = /^[A-Za-z0-9][A-Za-z0-9._/-]{0,251}$/;

function splitPair(piece: string): readonly [string, string] {
  const at = piece.indexOf('=');
  return [piece.slice(0, Math.max(0, at)).trim(), piece.slice(at + 1).trim()];
}

function pairsFrom(entries: readonly (readonly [string, unknown])[]): ReadonlyMap<string, string> | undefined {
  const map = new Map<string, string>();
  for (const [key, value] of entries) {
    const text = typeof value === 'string' ? line(value) : undefined;
    if (!KEY_FORM.test(key) || text === undefined || text.includes(';') || map.has(key)) return undefined;
    map.set(key, text);
  }
  return map;
}
