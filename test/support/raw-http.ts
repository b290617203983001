/** Requests byte for byte, over whatever way a connection was opened. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

export interface RawResponse {
  /** 0 where the connection was closed without an answer. */
  status: number;
  body: string;
}

export async function openPlain(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** TLS with the name of a host in the client hello, over a new connection or the one given. */
export async function openTls(over: number | Socket, servername: string, ca: Buffer): Promise<TLSSocket> {
  const socket = typeof over === 'number' ? await openPlain(over) : over;
  const secure = connectTls({ socket, servername, ca });
  await once(secure, 'secureConnect');
  return secure;
}

/** CONNECT through a forward proxy. @throws where it is refused. */
export async function openTunnel(proxy: number, authority: string): Promise<Socket> {
  const socket = await openPlain(proxy);
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  if (!answer.toString('latin1').startsWith('HTTP/1.1 200')) throw new Error(answer.toString('latin1'));
  return socket;
}

/** Sends the bytes (Latin-1) and gives the first answer, once it is there in full or the connection has ended. */
export async function exchange(socket: Socket, request: string): Promise<RawResponse> {
  let text = '';
  const complete = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer to ${request.slice(0, 60)}`)), 10_000);
    const finish = (): void => {
      clearTimeout(timer);
      resolve();
    };
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      if (isComplete(text)) finish();
    });
    socket.on('error', () => undefined);
    socket.on('close', finish);
  });
  socket.write(Buffer.from(request, 'latin1'));
  try {
    await complete;
  } finally {
    socket.destroy();
  }
  const [, status = '0'] = /^HTTP\/1\.1 ([0-9]{3})/.exec(text) ?? [];
  return { status: Number(status), body: text.slice(text.indexOf('\r\n\r\n') + 4) };
}

function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const length = /\r\ncontent-length: *([0-9]+)/i.exec(text.slice(0, end))?.[1];
  return length === undefined ? text.endsWith('\r\n0\r\n\r\n') : text.length >= end + 4 + Number(length);
}
