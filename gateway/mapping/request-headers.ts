import { hasControlBesidesTab } from './percent.ts';
import { refuse } from './refusal.ts';

/** Headers by lower-case name, in received order; built from `rawHeaders` so that repetitions are not lost. */
export type HeaderMap = Map<string, string[]>;

/** Some frameworks let these replace method, path or host, so what was decided would not be what is done. */
const OVERRIDES: ReadonlySet<string> = new Set([
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-method',
  'x-original-url',
  'x-original-uri',
  'x-override-url',
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

export type BodyKind = 'none' | 'form' | 'json' | 'other';

const JSON_TYPE = /^application\/(?:[a-z0-9!#$&^_.-]+\+)?json$/;
const PARAMETER = /^\s*([a-z0-9-]+)\s*=\s*(?:"([^"\\]*)"|([^\s",;]+))\s*$/i;

/**
 * What the body is (RFC 9110 section 8.3). One content type, UTF-8 or no charset, no Content-Encoding: bytes that
 * the gateway cannot read are bytes that it cannot decide on.
 */
export function bodyKind(headers: HeaderMap, bodyLength: number): BodyKind {
  const encoding = headers.get('content-encoding')?.[0];
  if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
    refuse('AEGIS_MAPPING_CONTENT_TYPE', 'The body has a Content-Encoding, so it cannot be read.');
  }
  if (bodyLength === 0) return 'none';
  const [essence = '', ...parameters] = (headers.get('content-type')?.[0] ?? '').split(';');
  for (const parameter of parameters) checkParameter(parameter);
  const type = essence.trim().toLowerCase();
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return JSON_TYPE.test(type) ? 'json' : 'other';
}

function checkParameter(text: string): void {
  if (text.trim() === '') return;
  const match = PARAMETER.exec(text);
  if (match === null) refuse('AEGIS_MAPPING_CONTENT_TYPE', 'The content type is malformed.');
  const value = match?.[2] ?? match?.[3] ?? '';
  if (match?.[1]?.toLowerCase() === 'charset' && value.toLowerCase() !== 'utf-8' && value.toLowerCase() !== 'utf8') {
    refuse('AEGIS_MAPPING_CONTENT_TYPE', 'The charset of the body is not UTF-8.');
  }
}
