import type { ServerResponse } from 'node:http';
import { AegisError, ERRORS, type ErrorCode } from '../../policy/errors.ts';

interface Meaning {
  status: number;
  /** Seconds. */
  retryAfter?: number;
}

const MEANINGS: Partial<Record<ErrorCode, Meaning>> = {
  AEGIS_SERVING_UNAUTHENTICATED: { status: 401 },
  AEGIS_SERVING_TOKEN: { status: 401 },
  AEGIS_SERVING_TOKEN_UNBOUND: { status: 401 },
  AEGIS_SERVING_POD: { status: 403 },
  AEGIS_SERVING_UNREGISTERED: { status: 403 },
  AEGIS_SERVING_AMBIGUOUS: { status: 403 },
  AEGIS_SERVING_FORBIDDEN: { status: 403 },
  AEGIS_SERVING_BODY_IDENTITY: { status: 403 },
  AEGIS_SERVING_NOT_FOUND: { status: 404 },
  AEGIS_SERVING_METHOD: { status: 405 },
  AEGIS_SERVING_BODY: { status: 400 },
  AEGIS_SERVING_COUNTERS: { status: 409 },
  AEGIS_SERVING_BUSY: { status: 429, retryAfter: 2 },
  AEGIS_SERVING_UNAVAILABLE: { status: 503, retryAfter: 5 },
  AEGIS_SERVING_NOT_READY: { status: 503, retryAfter: 1 },
  AEGIS_SERVING_NOT_LEADER: { status: 503, retryAfter: 1 },
};
const DEFECT: Meaning = { status: 500, retryAfter: 5 };

/** Answers with a problem (RFC 9457). @returns the status; what has no code is a defect, and nothing of it is told. */
export function sendRefusal(res: ServerResponse, error: unknown, headers: Record<string, string> = {}): number {
  const known = error instanceof AegisError && MEANINGS[error.code] !== undefined;
  const code: ErrorCode = known ? error.code : 'AEGIS_INTERNAL';
  const { status, retryAfter } = MEANINGS[code] ?? DEFECT;
  const detail = known ? error.message : 'the operator failed';
  const body = JSON.stringify({ title: ERRORS[code].summary, status, detail, code });
  if (res.headersSent) {
    res.destroy();
    return status;
  }
  res.writeHead(status, {
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    'Cache-Control': 'no-store',
    ...(status === 401 && { 'WWW-Authenticate': 'Bearer realm="aegis"' }),
    ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
    // what is unread of the request is not worth reading
    ...(!res.req.complete && { Connection: 'close' }),
    ...headers,
  });
  res.end(res.req.method === 'HEAD' ? undefined : body);
  return status;
}
