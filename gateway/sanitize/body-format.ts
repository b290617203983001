/** What a Content-Type (RFC 9110 section 8.3) says about how the body is read. */

export type BodyFormat = 'json' | 'jsonLines' | 'form' | 'text' | 'events';

export interface BodyType {
  format: BodyFormat;
  /** `bytes`: one byte a character, of which only ASCII is understood; the others pass as they are. */
  charset: 'utf8' | 'bytes';
}

const FORMATS: Readonly<Record<string, BodyFormat>> = {
  'application/json': 'json',
  'text/json': 'json',
  'application/x-json': 'json',
  'application/json-seq': 'jsonLines',
  'application/x-ndjson': 'jsonLines',
  'application/ndjson': 'jsonLines',
  'application/jsonl': 'jsonLines',
  'application/jsonlines': 'jsonLines',
  'application/x-jsonlines': 'jsonLines',
  'application/json-lines': 'jsonLines',
  'text/x-ndjson': 'jsonLines',
  'application/x-www-form-urlencoded': 'form',
  'text/event-stream': 'events',
  'application/xml': 'text',
  'application/javascript': 'text',
  'application/ecmascript': 'text',
  'application/yaml': 'text',
  'application/x-yaml': 'text',
  'application/toml': 'text',
  'application/graphql': 'text',
  'application/sql': 'text',
  'application/csv': 'text',
};

const MEDIA_TYPE = /^([!#$%&'*+.^_`|~0-9a-z-]+\/[!#$%&'*+.^_`|~0-9a-z-]+)[ \t]*((?:;[^;]*)*)$/;
const PARAMETER = /^[ \t]*([!#$%&'*+.^_`|~0-9a-z-]+)="?([^"]*)"?[ \t]*$/;
const UTF8: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii', 'ascii']);
/** Charsets of one byte a character in which the first 128 are those of ASCII. */
const ONE_BYTE = /^(?:iso-8859-(?:[1-9]|1[0-6])|latin1|windows-125[0-8]|koi8-[ru]|macintosh)$/;

function formatOf(type: string): BodyFormat | undefined {
  if (Object.hasOwn(FORMATS, type)) return FORMATS[type];
  if (type.endsWith('+json')) return 'json';
  if (type.endsWith('+json-seq')) return 'jsonLines';
  if (type.endsWith('+xml') || type.endsWith('+yaml') || type.startsWith('text/')) return 'text';
  return undefined;
}

function charsetOf(parameters: string): string | undefined {
  const charsets = parameters
    .split(';')
    .map((parameter) => PARAMETER.exec(parameter))
    .filter((match) => match?.[1] === 'charset')
    .map((match) => match?.[2] ?? '');
  return new Set(charsets).size > 1 ? '' : charsets[0];
}

/** Undefined where the body cannot be read: an unknown or malformed type, a charset whose bytes may mean anything. */
export function bodyType(contentType: string): BodyType | undefined {
  const [, type = '', parameters = ''] = MEDIA_TYPE.exec(contentType.trim().toLowerCase()) ?? [];
  const format = formatOf(type);
  if (format === undefined) return undefined;
  const charset = charsetOf(parameters) ?? 'utf-8';
  if (UTF8.has(charset)) return { format, charset: 'utf8' };
  return format === 'text' && ONE_BYTE.test(charset) ? { format, charset: 'bytes' } : undefined;
}
