import { hasControlBesidesTab } from './percent.ts';
import { refuse } from './refusal.ts';

/** Headers by lower-case name, in received order; built from `rawHeaders` so that repetitions are not lost. */
export type HeaderMap = Map<string, string[]>;

/** Some frameworks let these replace method, path or host, so what was decided would not be what is done. */
const OVERRIDES: ReadonlySet<string> = new Set([
  'x-envoy-original-path',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-http-path-override',
  'x-original-method',
  'x-original-path',
  'x-original-url',
  'x-original-uri',
  'x-override-url',
  'x-replaced-path',
  'x-rewrite-url',
  'x-forwarded-prefix',
  'x-forwarded-uri',
]);
const ONCE: ReadonlySet<string> = new Set([
  'content-type',
  'content-length',
  'content-encoding',
  'host',
  'transfer-encoding',
]);

/** @throws MappingError AEGIS_MAPPING_HEADER, AEGIS_MAPPING_CONTENT_TYPE, AEGIS_MAPPING_ENCODING */
export function readHeaders(rawHeaders: readonly string[]): HeaderMap {
  const headers: HeaderMap = new Map();
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    const value = rawHeaders[index + 1] as string;
    // CGI and WSGI read `_` as `-` in header names.
    const folded = name.includes('_') ? name.replaceAll('_', '-') : name;
    if (OVERRIDES.has(folded)) refuse('AEGIS_MAPPING_HEADER', `The header ${folded} is not accepted.`);
    if (folded !== name && ONCE.has(folded)) refuse('AEGIS_MAPPING_HEADER', `The header ${name} imitates ${folded}.`);
    if (hasControlBesidesTab(value)) {
      refuse('AEGIS_MAPPING_ENCODING', `The header ${name} holds a control character.`);
    }
    const values = headers.get(name);
    if (values === undefined) headers.set(name, [value]);
    else if (name === 'content-type') refuse('AEGIS_MAPPING_CONTENT_TYPE', 'The request has two content types.');
    else if (ONCE.has(name)) refuse('AEGIS_MAPPING_HEADER', `The header ${name} occurs twice.`);
    else values.push(value);
  }
  return headers;
}

export type BodyKind = 'none' | 'form' | 'json' | 'multipart' | 'other';

/** What the headers say of the body (RFC 9110 section 8.3). */
export interface BodyType {
  kind: BodyKind;
  /** A content type is given at all. */
  typed: boolean;
  /** Of a multipart body. */
  boundary: string | undefined;
  /** Why the gateway could not read it, where it would have to. */
  unreadable: string | undefined;
}

const ESSENCE = /^[a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+$/;
const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.-]+\+)?json$/;
const PARAMETER = /^([a-z0-9!#$&^_.+-]+)=(?:"([^"\\]*)"|([!#-+\-./0-:<>-~]+))$/i;
/** Optional white space (RFC 9110 section 5.6.3); `trim` would take other kinds as well. */
const OUTER_SPACE = /^[ \t]+|[ \t]+$/g;
const NO_BODY: BodyType = { kind: 'none', typed: false, boundary: undefined, unreadable: undefined };
const PLAIN_FORM: BodyType = { kind: 'form', typed: true, boundary: undefined, unreadable: undefined };
const FORM = 'application/x-www-form-urlencoded';

function trimmed(text: string): string {
  return text.replace(OUTER_SPACE, '');
}

function malformed(): never {
  return refuse('AEGIS_MAPPING_CONTENT_TYPE', 'The content type is malformed.');
}

/**
 * One content type, whose grammar leaves no doubt where it ends (RFC 9110 section 8.3.1).
 * @throws MappingError AEGIS_MAPPING_CONTENT_TYPE
 */
export function bodyType(headers: HeaderMap, hasBody: boolean): BodyType {
  if (!hasBody) return NO_BODY;
  const encoding = headers.get('content-encoding')?.[0];
  const type = headers.get('content-type')?.[0];
  if (type === FORM && encoding === undefined) return PLAIN_FORM;
  const encoded = encoding !== undefined && trimmed(encoding).toLowerCase() !== 'identity';
  let unreadable = encoded ? 'The body has a Content-Encoding, so it cannot be read.' : undefined;
  if (type === undefined || trimmed(type) === '') {
    return { kind: 'other', typed: false, boundary: undefined, unreadable };
  }
  const [first = '', ...rest] = splitType(type);
  const essence = trimmed(first).toLowerCase();
  if (!ESSENCE.test(essence)) malformed();
  const parameters = typeParameters(rest);
  const charset = parameters.get('charset')?.toLowerCase();
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    unreadable = 'The charset of the body is not UTF-8.';
  }
  return { kind: kindOf(essence), typed: true, boundary: parameters.get('boundary'), unreadable };
}

function kindOf(essence: string): BodyKind {
  if (essence === FORM) return 'form';
  if (essence === 'multipart/form-data') return 'multipart';
  return JSON_TYPE.test(essence) ? 'json' : 'other';
}

/** At every semicolon that is not inside quotes. */
function splitType(text: string): string[] {
  if (!text.includes('"')) return text.split(';');
  const parts: string[] = [];
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '"') quoted = !quoted;
    if (text[at] !== ';' || quoted) continue;
    parts.push(text.slice(start, at));
    start = at + 1;
  }
  return [...parts, text.slice(start)];
}

/** Parameters by lower-case name. A trailing semicolon is what some clients send. */
function typeParameters(texts: readonly string[]): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const text of texts.map(trimmed)) {
    if (text === '') continue;
    const match = PARAMETER.exec(text);
    const name = match?.[1]?.toLowerCase();
    if (match === null || name === undefined || parameters.has(name)) return malformed();
    parameters.set(name, match[2] ?? match[3] ?? '');
  }
  return parameters;
}
