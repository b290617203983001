import { AegisError, type ErrorCode } from '../../policy/errors.ts';
import type { ForwardFailure } from './types.ts';

/** What an error on the way to the tool means for the agent. */

const TIMEOUTS: ReadonlySet<unknown> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT']);
const BAD_RESPONSES: ReadonlySet<unknown> = new Set([
  'ERR_HTTP_INVALID_STATUS_CODE',
  'ERR_INVALID_CHAR',
  'ERR_INVALID_HTTP_TOKEN',
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
]);
/** A kept-alive or fresh connection that is gone. */
const LOST: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);
const TLS = /^(?:CERT_|ERR_SSL_|ERR_TLS_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|EPROTO|ERR_OSSL_)/;

const STATUS: Partial<Record<ErrorCode, 502 | 503 | 504>> = {
  AEGIS_UPSTREAM_ADDRESS: 502,
  AEGIS_UPSTREAM_RESPONSE: 502,
  AEGIS_UPSTREAM_UPGRADE: 502,
  AEGIS_CALLER_GONE: 502,
  AEGIS_UPSTREAM_TIMEOUT: 504,
};

function codeOf(error: Error): unknown {
  return (error as { code?: unknown }).code;
}

/** A code of our own: before anything was sent it says that this side could not do its part. */
function failureWith(code: ErrorCode, sent: boolean): ForwardFailure {
  return { code, status: STATUS[code] ?? (sent ? 502 : 503) };
}

function isBadResponse(error: Error): boolean {
  const code = codeOf(error);
  if (BAD_RESPONSES.has(code) || error.name === 'HTTPParserError') return true;
  return code === 'UND_ERR_SOCKET' && /^bad (?:response|upgrade)$/.test(error.message);
}

/** The connection was lost for no reason that would hold for another one. */
export function isLost(error: Error): boolean {
  return LOST.has(codeOf(error)) || (codeOf(error) === 'UND_ERR_SOCKET' && !isBadResponse(error));
}

/** @param sent whether anything may have reached the tool. */
export function failureOf(error: Error, sent: boolean): ForwardFailure {
  if (error instanceof AegisError) return failureWith(error.code, sent);
  const code = codeOf(error);
  if (isBadResponse(error)) return failureWith('AEGIS_UPSTREAM_RESPONSE', sent);
  if (sent) return failureWith(TIMEOUTS.has(code) ? 'AEGIS_UPSTREAM_TIMEOUT' : 'AEGIS_UPSTREAM_FAILED', sent);
  if (code === 'UND_ERR_CONNECT_TIMEOUT') return { code: 'AEGIS_UPSTREAM_CONNECT', status: 504 };
  // Not a fault of the tool: the request cannot be written.
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return failureWith('AEGIS_INTERNAL', sent);
  if (typeof code === 'string' && TLS.test(code)) return { code: 'AEGIS_UPSTREAM_TLS', status: 502 };
  return { code: 'AEGIS_UPSTREAM_CONNECT', status: 502 };
}
