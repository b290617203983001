import { decodeUtf8, hasControl } from './percent.ts';
import { refuse } from './refusal.ts';

/**
 * `multipart/form-data` (RFC 7578, RFC 2046 section 5.1), read in the one way that every parser agrees on. Refused is
 * whatever parsers are known to read differently: preamble and epilogue, padding after a boundary, bare line feeds and
 * folded lines in part headers, unquoted, escaped or extended parameters, charsets, transfer encodings, nested bodies.
 */
export interface Part {
  name: string;
  /** Absent where the part is no file. */
  filename: string | undefined;
  /** Lower-case essence of the part's content type; absent where it says none. */
  type: string | undefined;
  /** Offset of the part's delimiter line (`--boundary`) in the body. */
  at: number;
  /** Offsets of the content: `start` inclusive, `end` exclusive. */
  start: number;
  end: number;
}

export interface Multipart {
  parts: Part[];
  /** Offset of the last delimiter (`--boundary--`). */
  close: number;
}

const MAX_PARTS = 1000;
const MAX_HEADERS = 8;
const MAX_HEADER_BYTES = 4096;
/** RFC 2046 `bchars` without the space. */
const BOUNDARY = /^[0-9A-Za-z'()+_,\-./:=?]{1,70}$/;
const HEADER = /^([A-Za-z-]{1,64}):[ \t]*(.*?)[ \t]*$/;
const DISPOSITION = /^form-data;[ \t]*name="([^"\\]*)"(?:;[ \t]*filename="([^"\\]*)")?$/i;
const PART_TYPE = /^([a-z0-9!#$&^_.+-]+\/[a-z0-9!#$&^_.+-]+)(?:;[ \t]*charset="?utf-?8"?)?$/i;
const LENGTH = /^(?:0|[1-9][0-9]{0,15})$/;
/** WHATWG writes quote, CR and LF so; some parsers undo it, and some undo every escape. */
const ESCAPED_NAME = /%[0-9A-Fa-f]{2}/;
const ESCAPED_FILENAME = /%(?:22|0d|0a)/i;
/** RFC 2047; parsers that come from e-mail decode it. */
const ENCODED_WORD = /=\?[^?]*\?[BbQq]\?/;
const DASH = 0x2d;
const CR = 0x0d;
const LF = 0x0a;

function bad(message: string): never {
  return refuse('AEGIS_MAPPING_BODY', message);
}

function endsLine(bytes: Uint8Array, at: number): boolean {
  return bytes[at] === CR && bytes[at + 1] === LF;
}

/** The headers of a part, each on a line of its own; `end` is the offset behind the empty line. */
function partHeaders(body: Buffer, start: number): { headers: Map<string, string>; end: number } {
  const empty = endsLine(body, start) ? start : body.indexOf('\r\n\r\n', start, 'latin1') + 2;
  if (empty < start || empty - start > MAX_HEADER_BYTES) bad('A part has no end of headers.');
  const headers = new Map<string, string>();
  const text = decodeUtf8(body.subarray(start, empty), 'A part header');
  for (const line of text === '' ? [] : text.slice(0, -2).split('\r\n')) {
    const [, name = '', value = ''] = HEADER.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === '' || hasControl(line.replaceAll('\t', ' '))) bad('A part header is malformed.');
    if (headers.has(key)) bad('A part has a header twice.');
    headers.set(key, value);
  }
  if (headers.size > MAX_HEADERS) bad('A part has too many headers.');
  return { headers, end: empty + 2 };
}

/** Name and file name: quoted, without escapes, so that there is nothing to undo. */
function disposition(value: string | undefined): { name: string; filename: string | undefined } {
  const match = DISPOSITION.exec(value ?? '');
  if (match === null) bad('A part has no plain Content-Disposition: form-data with a quoted name.');
  const [, name = '', filename] = match ?? [];
  if (name === '' || name === '_charset_' || ESCAPED_NAME.test(name)) bad('A part has an empty or escaped name.');
  if (filename !== undefined && ESCAPED_FILENAME.test(filename)) bad('A part has an escaped file name.');
  if (ENCODED_WORD.test(name) || ENCODED_WORD.test(filename ?? '')) bad('A part has an encoded name.');
  return { name, filename };
}

function partType(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const type = PART_TYPE.exec(value)?.[1]?.toLowerCase() ?? bad('A part has a content type that is not plain.');
  return type.startsWith('multipart/') || type.startsWith('message/') ? bad('A part holds parts.') : type;
}

const PART_HEADERS: ReadonlySet<string> = new Set(['content-disposition', 'content-type', 'content-length']);

function readPart(body: Buffer, at: number, start: number, end: number): Part {
  const { headers, end: content } = partHeaders(body, start);
  if (content > end) bad('A part ends within its headers.');
  for (const name of headers.keys()) if (!PART_HEADERS.has(name)) bad(`A part has the header ${name}.`);
  const length = headers.get('content-length');
  if (length !== undefined && !(LENGTH.test(length) && Number(length) === end - content)) {
    bad('A part is not as long as it says.');
  }
  const { name, filename } = disposition(headers.get('content-disposition'));
  return { name, filename, type: partType(headers.get('content-type')), at, start: content, end };
}

/**
 * Offsets of all delimiters, the last one's included. Every place where the delimiter's text stands must be a whole
 * delimiter: at the start or after CRLF, followed by CRLF or, as the last, by `--` and the end of the body.
 */
function delimiters(body: Buffer, mark: Buffer): number[] {
  const found: number[] = [];
  if (body.indexOf(mark) !== 0) bad('The multipart body does not start with its boundary.');
  for (let at = 0; at >= 0; at = body.indexOf(mark, at + mark.length)) {
    if (at > 0 && !endsLine(body, at - 2)) bad('The boundary stands within a part.');
    found.push(at);
    if (found.length > MAX_PARTS + 1) refuse('AEGIS_MAPPING_TOO_LARGE', 'The multipart body has too many parts.');
    const after = at + mark.length;
    if (endsLine(body, after)) continue;
    const closes = body[after] === DASH && body[after + 1] === DASH;
    const rest = body.length - after - 2;
    if (closes && (rest === 0 || (rest === 2 && endsLine(body, after + 2)))) return found;
    return bad('A boundary of the multipart body is followed by something else.');
  }
  return bad('The multipart body has no final boundary.');
}

/** @throws MappingError AEGIS_MAPPING_BODY, _CONTENT_TYPE, _ENCODING, _TOO_LARGE */
export function parseMultipart(bytes: Uint8Array, boundary: string | undefined): Multipart {
  if (boundary === undefined || !BOUNDARY.test(boundary)) {
    return refuse('AEGIS_MAPPING_CONTENT_TYPE', 'The boundary of the multipart body is missing or malformed.');
  }
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const mark = Buffer.from(`--${boundary}`, 'latin1');
  const found = delimiters(body, mark);
  const parts = found.slice(0, -1).map((at, index) => {
    // The CRLF before a delimiter belongs to it (RFC 2046 section 5.1.1).
    const end = (found[index + 1] as number) - 2;
    return readPart(body, at, at + mark.length + 2, end);
  });
  return { parts, close: found.at(-1) as number };
}
