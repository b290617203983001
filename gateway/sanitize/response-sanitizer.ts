import { type Duplex, Transform } from 'node:stream';
import type { RedactObligation } from '../../policy/decision/types.ts';
import { AegisError, type ErrorCode } from '../../policy/errors.ts';
import { responseTargetProblem } from '../../policy/sanitize/detectors.ts';
import { type BodyType, bodyType } from './body-format.ts';
import type { BodyRewriter } from './body-rewriter.ts';
import { BodyStream } from './body-stream.ts';
import { contentDecoder, isKnownEncoding } from './content-decoder.ts';
import { FormRewriter } from './form-rewriter.ts';
import { JsonBody } from './json/json-body.ts';
import { jsonChanges } from './json/json-changes.ts';
import { PointerTree } from './json/pointer-tree.ts';
import { changedFields, type Fields, type LooseFields } from './response-headers.ts';
import { EventRewriter } from './sse/event-rewriter.ts';
import { StreamChain } from './stream-chain.ts';
import { TextRewriter } from './text-rewriter.ts';
import { TextRules } from './text-rules.ts';

/** What the tool answered, before a byte of the body was read. Header names in lower case. */
export interface ResponseHead {
  /** Of the request; the answer to HEAD has no body. */
  method: string;
  status: number;
  headers: LooseFields;
}

interface Refusal {
  /** The response must not reach the agent. `detail` holds nothing of it. */
  kind: 'refused';
  code: ErrorCode;
  detail: string;
}

export type ResponseSanitizing =
  /** Nothing is to be changed: head, body and trailers pass as they are. */
  | { kind: 'unchanged' }
  /**
   * The head to send instead, and what the body must flow through (decoded, so `content-encoding` is gone, as is
   * `content-length`). The stream is destroyed with an `AegisError` where it cannot go on: the answer to the agent must
   * then break off. `trailers` cleans the trailer fields; a host that does not use it must drop them.
   */
  | { kind: 'stream'; headers: Fields; stream: Duplex; trailers(fields: LooseFields): Fields }
  | Refusal;

export interface ResponseSanitizer {
  start(head: ResponseHead): ResponseSanitizing;
}

export interface ResponseSanitizerOptions {
  /** Keyed digest of a text, for the op `hash`. */
  hash(text: string): string;
  /** Characters of one value that may be held until it is known whether they may leave; 65,536 by default. */
  maxHeld?: number;
  /** Characters of one server-sent event, and of all that are held; 1,048,576 by default. */
  maxEvent?: number;
  /** Milliseconds of silence after which an event stream holds nothing back; 500 by default. */
  pause?: number;
}

/** Request headers that must not reach the tool when its response will be changed: each asks for what cannot be. */
export const WITHHELD_REQUEST_HEADERS: ReadonlySet<string> = new Set([
  'accept-encoding',
  'range',
  'if-range',
  'a-im',
  'want-digest',
  'want-content-digest',
  'want-repr-digest',
]);

const UNCHANGED: ResponseSanitizing = { kind: 'unchanged' };

/** Changes responses as `redactions` ask: entries with `pointer` or `detector`; those with `param` are the request's. */
export function createResponseSanitizer(
  redactions: readonly RedactObligation[],
  options: ResponseSanitizerOptions,
): ResponseSanitizer {
  const changes = redactions.filter(({ param }) => param === undefined);
  if (changes.length === 0) return { start: () => UNCHANGED };
  for (const change of changes) {
    const problem = responseTargetProblem(change);
    if (problem !== undefined) return { start: () => refused('AEGIS_UNKNOWN_DETECTOR', problem) };
  }
  const sanitizer = new Sanitizer(changes, options);
  return { start: (head) => sanitizer.start(head) };
}

function refused(code: ErrorCode, detail: string): Refusal {
  return { kind: 'refused', code, detail };
}

/** The only value of a field; '' where it is missing, undefined where it was sent several times. */
function single(value: string | string[] | undefined): string | undefined {
  if (value === undefined) return '';
  if (typeof value === 'string') return value.trim();
  return value.length === 1 ? value[0]?.trim() : undefined;
}

/** RFC 9110 section 6.4.1: responses that never have content. */
function hasNoContent({ method, status, headers }: ResponseHead): boolean {
  return (
    method === 'HEAD' || status === 204 || status === 205 || status === 304 || single(headers['content-length']) === '0'
  );
}

function isPartial({ status, headers }: ResponseHead): boolean {
  const range = status !== 416 && headers['content-range'] !== undefined;
  return status === 206 || status === 226 || status < 200 || range;
}

/** Ends at the first byte: what has no type must have no content. */
function nothing(): Transform {
  return new Transform({
    transform: (_chunk, _encoding, done) =>
      done(new AegisError('AEGIS_RESPONSE_TYPE', 'The response has content where it states none, or no type.')),
  });
}

class Sanitizer {
  readonly #rules: TextRules;
  readonly #tree: PointerTree;
  readonly #maxHeld: number;
  readonly #maxEvent: number;
  readonly #pause: number | undefined;

  constructor(redactions: readonly RedactObligation[], options: ResponseSanitizerOptions) {
    this.#rules = new TextRules(redactions, options.hash);
    this.#tree = PointerTree.of(redactions);
    this.#maxHeld = options.maxHeld ?? 64 * 1024;
    this.#maxEvent = options.maxEvent ?? 1024 * 1024;
    this.#pause = options.pause;
  }

  start(head: ResponseHead): ResponseSanitizing {
    if (hasNoContent(head)) return this.#stream(head, nothing());
    if (isPartial(head))
      return refused('AEGIS_RESPONSE_PARTIAL', `The tool answered with status ${head.status} in part.`);
    const contentType = single(head.headers['content-type']);
    const untyped = contentType === '' && head.headers['content-length'] === undefined;
    if (untyped) return this.#stream(head, nothing());
    const type = contentType === undefined ? undefined : bodyType(contentType);
    if (type === undefined) return refused('AEGIS_RESPONSE_TYPE', 'Nothing can be redacted in content of this type.');
    if (type.format === 'text' && !this.#tree.empty) {
      return refused('AEGIS_RESPONSE_TYPE', 'A JSON pointer cannot be followed in text.');
    }
    const encoding = single(head.headers['content-encoding'])?.toLowerCase();
    if (encoding === '' || encoding === 'identity') return this.#stream(head, this.#body(type));
    if (encoding === undefined || !isKnownEncoding(encoding)) {
      return refused('AEGIS_RESPONSE_ENCODING', 'The Content-Encoding is not one of gzip, deflate, br, zstd.');
    }
    return this.#stream(head, this.#decoded(type, encoding));
  }

  #stream({ headers }: ResponseHead, stream: Duplex): ResponseSanitizing {
    const rules = this.#rules;
    return {
      kind: 'stream',
      headers: changedFields(headers, rules),
      stream,
      trailers: (fields) => changedFields(fields, rules),
    };
  }

  #decoded(type: BodyType, encoding: string): Duplex {
    const [decoder, ...more] = contentDecoder(encoding);
    return new StreamChain([decoder as Transform, ...more, this.#body(type)], (error) =>
      error instanceof AegisError
        ? error
        : new AegisError('AEGIS_RESPONSE_ENCODING', 'The response is damaged or ends too early.', { cause: error }),
    );
  }

  #body({ format, charset }: BodyType): BodyStream {
    return new BodyStream({ rewriter: this.#rewriter(format), charset, pause: this.#pause });
  }

  #rewriter(format: BodyType['format']): BodyRewriter {
    const rules = this.#rules;
    const tree = this.#tree;
    const maxHeld = this.#maxHeld;
    switch (format) {
      case 'json':
      case 'jsonLines':
        return new JsonBody({
          tree,
          changes: jsonChanges(rules, maxHeld),
          hash: rules.hash,
          maxHeld,
          lines: format === 'jsonLines',
        });
      case 'form':
        return new FormRewriter(rules, tree, maxHeld);
      case 'events':
        return new EventRewriter({ rules, tree, maxHeld, maxEvent: this.#maxEvent });
      default:
        return new TextRewriter(rules, maxHeld);
    }
  }
}
