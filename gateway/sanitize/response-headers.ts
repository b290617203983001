import type { TextRules } from './text-rules.ts';

/** The head and trailer fields of a response whose content is changed. */

export type Fields = Record<string, string | string[]>;
export type LooseFields = Record<string, string | string[] | undefined>;

/** Fields that state something about the exact bytes of the tool's answer. */
const UNTRUE: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'content-md5',
  'content-range',
  'accept-ranges',
  'digest',
  'content-digest',
  'repr-digest',
  'unencoded-digest',
  'signature',
  'signature-input',
  'x-goog-hash',
  'x-ms-blob-content-md5',
  'x-ms-content-crc64',
  'x-content-signature',
]);
const UNTRUE_PREFIXES = ['x-amz-checksum-', 'x-content-hash'] as const;
/** Fields of which every value is a date, number or token of the protocol. */
const PLAIN: ReadonlySet<string> = new Set([
  'age',
  'cache-control',
  'connection',
  'content-type',
  'date',
  'expires',
  'keep-alive',
  'last-modified',
  'retry-after',
  'strict-transport-security',
  'transfer-encoding',
  'vary',
]);
/** Fields that hold URIs, in which brackets and spaces may not stand (RFC 3986 section 2). */
const URIS: ReadonlySet<string> = new Set(['location', 'content-location', 'link', 'refresh', 'referrer', 'sourcemap']);

function isUntrue(name: string): boolean {
  return UNTRUE.has(name) || UNTRUE_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** RFC 9110 section 8.8.3: the changed content is not byte for byte what the tool tagged. */
function weak(etag: string): string {
  return etag.startsWith('W/') ? etag : `W/${etag}`;
}

/** What detectors find in a field is changed; what is no longer true is left out. Names in lower case. */
export function changedFields(fields: LooseFields, rules: TextRules): Fields {
  const result: Fields = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || isUntrue(name)) continue;
    const change = (text: string): string => changedValue(name, text, rules);
    result[name] = Array.isArray(value) ? value.map(change) : change(value);
  }
  return result;
}

function changedValue(name: string, text: string, rules: TextRules): string {
  if (PLAIN.has(name)) return text;
  const owned = rules.owned(name);
  const context = rules.context(name);
  const edits =
    owned === undefined
      ? rules.edits(text, 'text', context)
      : [{ start: 0, end: text.length, op: owned, text: rules.replacement(text, 0, text.length, owned, 'text') }];
  const encode = URIS.has(name) ? encodeURIComponent : printable;
  let result = '';
  let copied = 0;
  for (const edit of edits) {
    result += text.slice(copied, edit.start) + encode(edit.text.toWellFormed());
    copied = edit.end;
  }
  const changed = result + text.slice(copied);
  return name === 'etag' ? weak(changed) : changed;
}

/** RFC 9110 section 5.5: no control characters, and nothing that a header cannot carry. */
function printable(text: string): string {
  return text.replaceAll(/[^\x20-\x7e\x80-\xff]/g, '?');
}
