import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/**
 * A second opinion on where requests begin and end (RFC 9112 sections 3, 6 and 7.1), read from the bytes before the
 * HTTP parser sees them. The parser takes, and hides, what a stricter one would refuse: chunk extensions, trailers, a
 * lone LF before a request, several spaces in its first line, other protocols that look like HTTP. Another proxy may
 * have read these in another way, so none of them is passed on.
 */
export class WireGuard {
  #state: 'head' | 'length' | 'size' | 'size-end' | 'data' | 'data-cr' | 'data-lf' | 'last-cr' | 'last-lf' | 'off' =
    'head';
  #bytes: Buffer = EMPTY;
  #at = 0;
  /** Bytes that the part still has, or the size of the chunk so far. */
  #left = 0;
  #digits = 0;
  #violation: string | undefined;
  readonly #violated: (reason: string) => void;

  /** `violated` is told once, before the parser sees the bytes. */
  constructor(violated: (reason: string) => void) {
    this.#violated = violated;
  }

  get violation(): string | undefined {
    return this.#violation;
  }

  /** Watches a connection, until `stop`. To be called after the server has taken the connection. */
  watch(socket: Duplex): void {
    const see = (bytes: Buffer): void => {
      if (this.#state === 'off') socket.off('data', see);
      else this.push(bytes);
    };
    socket.prependListener('data', see);
  }

  /** The connection is no longer HTTP. */
  stop(): void {
    this.#state = 'off';
    this.#bytes = EMPTY;
  }

  push(bytes: Buffer): void {
    if (this.#state === 'off' || this.#violation !== undefined) return;
    const unread = this.#bytes.length - this.#at;
    this.#bytes = unread === 0 ? bytes : Buffer.concat([this.#bytes.subarray(this.#at), bytes]);
    this.#at = 0;
    if (this.#state === 'head') {
      // The parser refuses a head that is too long, and is asked first.
      if (this.#bytes.length > MAX_UNREAD) this.#refuse('The head of the request is too long.');
    } else this.#readBody();
  }

  /** The parser has read a head. Afterwards `violation` says whether it may be believed. */
  begin(req: IncomingMessage): void {
    if (this.#state === 'off' || this.#violation !== undefined) return;
    if (this.#state !== 'head') {
      this.#refuse('The request begins before the one ahead of it has ended.');
      return;
    }
    const bytes = this.#bytes;
    while (bytes[this.#at] === CR && bytes[this.#at + 1] === LF) this.#at += 2;
    const end = bytes.indexOf('\r\n\r\n', this.#at, 'latin1');
    const line = `${req.method} ${req.url} HTTP/${req.httpVersion}\r\n`;
    if (end < 0 || bytes.toString('latin1', this.#at, this.#at + line.length) !== line) {
      this.#refuse('The request line is not written in the one plain way.');
      return;
    }
    this.#at = end + 4;
    this.#left = Number(req.headers['content-length'] ?? 0);
    if (req.headers['transfer-encoding'] !== undefined) this.#beginSize();
    else if (this.#left > 0) this.#state = 'length';
    this.#readBody();
  }

  #refuse(reason: string): void {
    this.#violation = reason;
    this.#bytes = EMPTY;
    this.#violated(reason);
  }

  #beginSize(): void {
    this.#state = 'size';
    this.#left = 0;
    this.#digits = 0;
  }

  #readBody(): void {
    while (this.#at < this.#bytes.length && this.#state !== 'head' && this.#violation === undefined) {
      if (this.#state === 'length' || this.#state === 'data') this.#skip();
      else this.#readByte(this.#bytes[this.#at++] as number);
    }
    if (this.#at === this.#bytes.length) {
      this.#bytes = EMPTY;
      this.#at = 0;
    }
  }

  #skip(): void {
    const step = Math.min(this.#left, this.#bytes.length - this.#at);
    this.#at += step;
    this.#left -= step;
    if (this.#left === 0) this.#state = this.#state === 'length' ? 'head' : 'data-cr';
  }

  #readByte(byte: number): void {
    const state = this.#state as keyof typeof NEXT | 'size';
    if (state === 'size') {
      this.#readSize(byte);
      return;
    }
    const [expected, next] = NEXT[state];
    if (byte !== expected) this.#refuse(state === 'last-cr' ? TRAILERS : CHUNKS);
    else if (state === 'size-end') this.#state = this.#left === 0 ? 'last-cr' : 'data';
    else if (state === 'data-lf') this.#beginSize();
    else this.#state = next;
  }

  #readSize(byte: number): void {
    const digit = hexDigit(byte);
    if (digit >= 0 && this.#digits < MAX_DIGITS) {
      this.#left = this.#left * 16 + digit;
      this.#digits++;
    } else if (byte === CR && this.#digits > 0) this.#state = 'size-end';
    else this.#refuse(CHUNKS);
  }
}

const EMPTY: Buffer = Buffer.alloc(0);
const CR = 0x0d;
const LF = 0x0a;
const MAX_UNREAD = 256 * 1024;
/** Chunks of up to 4 GiB. */
const MAX_DIGITS = 8;
const CHUNKS = 'The chunks of the body have extensions, or are not written in the one plain way.';
const TRAILERS = 'The body has trailers, which nobody decided on.';
/** What must come, and what follows it. */
const NEXT = {
  'size-end': [LF, 'data'],
  'data-cr': [CR, 'data-lf'],
  'data-lf': [LF, 'size'],
  'last-cr': [CR, 'last-lf'],
  'last-lf': [LF, 'head'],
} as const;

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}
