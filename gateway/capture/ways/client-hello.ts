/** The server name in the first flight of TLS (RFC 8446 section 4.1.2, RFC 6066 section 3). */
export type ServerName = { host: string | undefined } | 'incomplete' | 'malformed';

const HANDSHAKE = 0x16;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const NAME = /^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/;

class Malformed extends Error {}
class Incomplete extends Error {}

/** Reads lengths and parts in order; never beyond the end. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  number(size: number): number {
    let value = 0;
    for (const byte of this.take(size)) value = value * 256 + byte;
    return value;
  }

  take(size: number): Uint8Array {
    if (size > this.left) throw new Malformed();
    this.#at += size;
    return this.#bytes.subarray(this.#at - size, this.#at);
  }

  /** A part that says how long it is. */
  vector(lengthSize: number): Reader {
    return new Reader(this.take(this.number(lengthSize)));
  }
}

/** The handshake bytes of the records that are there (a ClientHello may be split over several records). */
function handshakeBytes(bytes: Uint8Array): Uint8Array {
  const reader = new Reader(bytes);
  const parts: Uint8Array[] = [];
  while (reader.left >= 5) {
    if (reader.number(1) !== HANDSHAKE || reader.number(1) !== 3) throw new Malformed();
    reader.take(1);
    const size = reader.number(2);
    if (size === 0 || size > 16_384) throw new Malformed();
    parts.push(reader.take(Math.min(size, reader.left)));
  }
  return Buffer.concat(parts);
}

function clientHello(handshake: Uint8Array): Reader {
  if (handshake.length < 4) throw new Incomplete();
  const reader = new Reader(handshake);
  if (reader.number(1) !== CLIENT_HELLO) throw new Malformed();
  const size = reader.number(3);
  if (size > reader.left) throw new Incomplete();
  return new Reader(reader.take(size));
}

function hostOf(extension: Reader): string {
  const list = extension.vector(2);
  if (list.number(1) !== HOST_NAME) throw new Malformed();
  const size = list.number(2);
  const name = Buffer.from(list.take(size)).toString('latin1');
  if (list.left > 0 || extension.left > 0 || !NAME.test(name)) throw new Malformed();
  return name;
}

/** @param bytes everything that came on the connection so far. */
export function readServerName(bytes: Uint8Array): ServerName {
  try {
    const hello = clientHello(handshakeBytes(bytes));
    hello.take(2 + 32);
    hello.vector(1);
    hello.vector(2);
    hello.vector(1);
    if (hello.left === 0) return { host: undefined };
    const extensions = hello.vector(2);
    let host: string | undefined;
    while (extensions.left > 0) {
      const type = extensions.number(2);
      const extension = extensions.vector(2);
      if (type !== SERVER_NAME) continue;
      if (host !== undefined) return 'malformed';
      host = hostOf(extension);
    }
    return { host };
  } catch (error) {
    if (error instanceof Incomplete) return 'incomplete';
    if (error instanceof Malformed) return 'malformed';
    throw error;
  }
}
