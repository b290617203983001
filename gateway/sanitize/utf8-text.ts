import { isUtf8 } from 'node:buffer';
import { AegisError } from '../../policy/errors.ts';

/** Bytes ↔ text without a loss: what is not UTF-8 is refused, because readers disagree about what it means. */
export class Utf8Text {
  #rest: Buffer = Buffer.alloc(0);

  /** All complete characters so far. */
  decode(chunk: Buffer): string {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const end = bytes.length - unfinished(bytes);
    const whole = bytes.subarray(0, end);
    if (!isUtf8(whole)) throw new AegisError('AEGIS_RESPONSE_MALFORMED', 'The response is not UTF-8.');
    this.#rest = end === bytes.length ? bytes.subarray(end) : Buffer.from(bytes.subarray(end));
    return whole.toString('utf8');
  }

  end(): void {
    if (this.#rest.length > 0)
      throw new AegisError('AEGIS_RESPONSE_MALFORMED', 'The response ends inside a character.');
  }
}

/** Bytes at the end that begin a character which they do not complete. */
function unfinished(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number;
    if (byte < 0x80) return 0;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? back : 0;
  }
  return 0;
}
