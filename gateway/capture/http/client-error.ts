import type { Duplex } from 'node:stream';
import type { ErrorCode } from '../../../policy/errors.ts';
import type { WayRefusal } from '../way-refusal.ts';
import type { Exchange } from './exchange.ts';
import { answerRaw, endGently } from './raw-answer.ts';

const KNOWN: Readonly<Record<string, [ErrorCode, number, string]>> = {
  HPE_HEADER_OVERFLOW: ['AEGIS_HTTP_TOO_LARGE', 431, 'The head of the request is too long.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['AEGIS_HTTP_MALFORMED', 413, 'The chunks of the body have extensions.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['AEGIS_HTTP_TIMEOUT', 408, 'The request did not arrive in time.'],
};
const MALFORMED: [ErrorCode, number, string] = ['AEGIS_HTTP_MALFORMED', 400, 'The request is not well-formed.'];

/** What the parser could not read: refused with a short problem, and the end of the connection. */
export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  current: Exchange | undefined,
  onRefused: (why: WayRefusal) => void,
): void {
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [code, status, detail] = KNOWN[error.code ?? ''] ?? MALFORMED;
  if (current === undefined || current.over) {
    onRefused({ code, status });
    answerRaw(socket, code, status, detail);
  }
  // The request that broke is the one being answered, or its answer has gone out.
  else if (!current.req.complete) current.violated(detail);
  // A pipelined request broke while the one ahead of it is still being answered.
  else current.closeAfter(() => endGently(socket));
}
