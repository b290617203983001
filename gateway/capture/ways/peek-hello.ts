import type { Socket } from 'node:net';
import { readServerName } from './client-hello.ts';

/** What a tunnel begins with. */
export type Hello = { kind: 'plain' } | { kind: 'tls'; serverName: string | undefined };

const HANDSHAKE = 0x16;
/** A ClientHello with post-quantum key shares is about 1.8 kB. */
const MAX_HELLO = 16 * 1024;

/** Looks at the first bytes without taking them. Undefined where nothing usable came in time. */
export function peekHello(socket: Socket, millis: number, done: (hello: Hello | undefined) => void): void {
  let bytes: Buffer = Buffer.alloc(0);
  const timer = setTimeout(() => finish(undefined), millis);
  const finish = (hello: Hello | undefined): void => {
    clearTimeout(timer);
    socket.off('data', look).off('end', ended).off('close', ended);
    socket.pause();
    if (bytes.length > 0) socket.unshift(bytes);
    done(hello);
  };
  const ended = (): void => finish(undefined);
  const look = (chunk: Buffer): void => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk]);
    if (bytes[0] !== HANDSHAKE) {
      finish({ kind: 'plain' });
      return;
    }
    const name = readServerName(bytes);
    if (name !== 'incomplete')
      finish(name === 'malformed' ? { kind: 'plain' } : { kind: 'tls', serverName: name.host });
    else if (bytes.length > MAX_HELLO) finish(undefined);
  };
  socket.on('data', look).once('end', ended).once('close', ended);
  socket.resume();
}
