import type { IncomingMessage, ServerResponse } from 'node:http';
import { send } from '../../runtime/http/send.ts';
import type { ProblemResponse } from '../enforcement/problem.ts';

/**
 * Answers with a problem. What is unread of the request is not worth reading, so the connection ends with the answer;
 * but a little of it is read and thrown away first, because closing a socket that holds unread bytes resets it, and
 * the client might never see the answer.
 */
export function sendProblem(req: IncomingMessage, res: ServerResponse, problem: ProblemResponse): void {
  if (req.complete || !mayHaveBody(req)) {
    send(res, problem.status, problem.headers, problem.body);
    return;
  }
  const length = String(Buffer.byteLength(problem.body));
  res.writeHead(problem.status, [...problem.headers, 'Connection', 'close', 'Content-Length', length]);
  res.write(problem.body);
  drain(req, () => res.end());
}

const DRAIN_BYTES = 1024 * 1024;
const DRAIN_MILLIS = 1000;

/** Reads on and forgets it, up to a bound in bytes and time; then calls back once. */
export function drain(req: IncomingMessage, done: () => void): void {
  if (req.socket.readableEnded || req.destroyed) {
    done();
    return;
  }
  let left = DRAIN_BYTES;
  const end = (): void => {
    clearTimeout(timer);
    req.off('data', count).off('end', end).off('close', end);
    done();
  };
  const count = (chunk: Buffer): void => {
    left -= chunk.length;
    if (left < 0) end();
  };
  const timer = setTimeout(end, DRAIN_MILLIS);
  req.on('data', count).once('end', end).once('close', end);
  req.resume();
}

/** RFC 9112 section 6: a request has a body if it says so. */
export function mayHaveBody(req: IncomingMessage): boolean {
  const length = req.headers['content-length'];
  return req.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

const EMPTY: Buffer = Buffer.alloc(0);

/**
 * Reads the whole body and calls back once: with its bytes, or `too-large` at the first byte beyond `max`. A body that
 * ends early (aborted, truncated) calls nothing: there is nobody left to answer. `admit` is asked for every piece; where
 * it says no, it has answered, and the body is forgotten.
 */
export function readBody(
  req: IncomingMessage,
  max: number,
  done: (body: Buffer | 'too-large') => void,
  admit: (bytes: number) => boolean = () => true,
): void {
  if (!mayHaveBody(req)) {
    req.resume();
    done(EMPTY);
    return;
  }
  if (Number(req.headers['content-length'] ?? 0) > max) {
    done('too-large');
    return;
  }
  let first: Buffer | undefined;
  let rest: Buffer[] | undefined;
  let size = 0;
  let over = false;
  req.on('data', (chunk: Buffer) => {
    if (over) return;
    size += chunk.length;
    if (size > max) {
      over = true;
      done('too-large');
    } else if (!admit(chunk.length)) {
      over = true;
      first = undefined;
      rest = undefined;
    } else if (first === undefined) first = chunk;
    else if (rest === undefined) rest = [first, chunk];
    else rest.push(chunk);
  });
  req.on('end', () => {
    if (!over && req.complete) done(rest === undefined ? (first ?? EMPTY) : Buffer.concat(rest, size));
  });
}
