import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ErrorCode } from '../../../policy/errors.ts';
import { problemFor } from '../../enforcement/problem.ts';
import { problemTypeOf } from '../way-refusal.ts';

/** Milliseconds that a client has to read an answer after which its connection is closed. */
const LINGER = 1000;

/** Answers where there is no request to answer to, and ends the connection. */
export function answerRaw(socket: Duplex, code: ErrorCode, status: number, detail?: string): void {
  const type = problemTypeOf({ code, status });
  const { headers, body } = problemFor(code, status, { type, ...(detail !== undefined && { detail }) });
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`];
  for (let index = 0; index + 1 < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  lines.push(`Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close', '', body);
  endGently(socket, lines.join('\r\n'));
}

/** Ends the connection after `last`, reading on for a moment: a socket closed with unread bytes loses what it sent. */
export function endGently(socket: Duplex, last?: string): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const timer = setTimeout(() => socket.destroy(), LINGER);
  socket.once('close', () => clearTimeout(timer));
  socket.on('error', () => socket.destroy());
  socket.once('end', () => socket.destroy());
  socket.end(last);
  socket.resume();
}

/** Gives a response the socket that node:http had given away. Ends the connection when it is finished. */
export function takeSocket(res: ServerResponse, socket: Duplex): void {
  res.shouldKeepAlive = false;
  res.assignSocket(socket as Socket);
  res.once('finish', () => {
    res.detachSocket(socket as Socket);
    endGently(socket);
  });
}
