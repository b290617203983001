import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';

/** Opens a tunnel by CONNECT, with nothing in it yet. */
export async function openPlain(port: number, authority: string, headers = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${headers}\r\n`);
  const answer = await new Promise<string>((done) => socket.once('data', (bytes) => done(bytes.toString())));
  if (!answer.startsWith('HTTP/1.1 200')) throw new Error(answer);
  return socket;
}

/** Opens a tunnel by CONNECT and speaks TLS in it, each name as one likes. */
export async function openTunnel(
  port: number,
  authority: string,
  options: { serverName: string; caFile: string; checkName?: string; headers?: string },
): Promise<TLSSocket> {
  return handshake(await openPlain(port, authority, options.headers), options);
}

export function handshake(
  socket: Socket,
  { serverName, caFile, checkName, alpn }: { serverName: string; caFile: string; checkName?: string; alpn?: string[] },
): Promise<TLSSocket> {
  return new Promise((done, failed) => {
    const secure = connectTls({
      socket,
      servername: serverName,
      ca: readFileSync(caFile),
      ...(checkName !== undefined && { checkServerIdentity: () => undefined }),
      ...(alpn !== undefined && { ALPNProtocols: alpn }),
    });
    secure.once('secureConnect', () => done(secure));
    secure.once('error', failed);
    secure.once('close', () => failed(new Error('closed')));
  });
}

/** Sends a request on an open connection and gives the whole answer, as soon as its Content-Length or end has come. */
export function ask(socket: Socket, text: string): Promise<{ status: number; text: string }> {
  return new Promise((done) => {
    let answer = '';
    const finish = (): void => {
      socket.off('data', look).off('close', finish);
      done({ status: Number(answer.slice(9, 12)), text: answer });
    };
    const look = (chunk: Buffer): void => {
      answer += chunk.toString('latin1');
      const end = answer.indexOf('\r\n\r\n');
      const length = /\r\ncontent-length: *([0-9]+)/i.exec(answer.slice(0, end))?.[1];
      if (end >= 0 && length !== undefined && answer.length >= end + 4 + Number(length)) finish();
      else if (/\r\n0\r\n\r\n$/.test(answer)) finish();
    };
    socket.on('data', look).once('close', finish);
    socket.write(text);
  });
}
