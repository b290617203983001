import { types } from 'node:util';
import { KubeError } from './kube-error.ts';

/** What of a Status object (metav1) matters here. */
interface StatusObject {
  code?: unknown;
  reason?: unknown;
  message?: unknown;
  details?: { retryAfterSeconds?: unknown };
}

/** A server may not send us to sleep for longer, ms. */
const MAX_RETRY_AFTER = 10 * 60_000;
const MAX_MESSAGE = 1024;

/** What an answer that is no success says: a Status object, or the page of some proxy, of which nothing is kept. */
export function errorAnswer(
  status: number,
  body: string,
  retryAfterHeader: string | undefined,
  now: number,
): KubeError {
  let parsed: StatusObject = {};
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null) parsed = value;
  } catch {
    // not by the API server
  }
  return fromStatus(parsed, status, retryAfterMs(retryAfterHeader, now));
}

/** The Status object of an `ERROR` event of a watch. */
export function errorEvent(object: unknown): KubeError {
  return fromStatus(typeof object === 'object' && object !== null ? object : {}, 500, undefined);
}

function fromStatus(status: StatusObject, fallbackCode: number, headerDelay: number | undefined): KubeError {
  const code = typeof status.code === 'number' && status.code > 0 ? status.code : fallbackCode;
  const reason = typeof status.reason === 'string' && status.reason !== '' ? status.reason : `HTTP${code}`;
  const message = typeof status.message === 'string' ? status.message.slice(0, MAX_MESSAGE) : `status ${code}`;
  const seconds = status.details?.retryAfterSeconds;
  const delay = headerDelay ?? (typeof seconds === 'number' && seconds > 0 ? seconds * 1000 : undefined);
  return new KubeError(code, reason, message, {
    ...(delay !== undefined && { retryAfter: Math.min(delay, MAX_RETRY_AFTER) }),
  });
}

/** ms; undefined where the header is absent or says nothing readable (RFC 9110 section 10.2.3). */
export function retryAfterMs(value: string | undefined, now: number): number | undefined {
  if (value === undefined) return undefined;
  const text = value.trim();
  const ms = /^[0-9]{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(MAX_RETRY_AFTER, Math.max(0, ms));
}

/** For what failed before or after an answer: refused, reset, too slow, too large, not JSON, credentials. */
export function networkError(error: unknown): KubeError {
  if (error instanceof KubeError) return error;
  const { code, message } = innermost(error);
  return new KubeError(0, code, message, { cause: error });
}

function innermost(error: unknown): { code: string; message: string } {
  if (!types.isNativeError(error)) return { code: 'Unknown', message: 'unknown error' };
  const { code, errors } = error as NodeJS.ErrnoException & { errors?: unknown };
  // several addresses were tried
  if (Array.isArray(errors) && errors.length > 0) return innermost(errors[0]);
  if (typeof code !== 'string' && types.isNativeError(error.cause)) return innermost(error.cause);
  return { code: typeof code === 'string' ? code : error.name, message: error.message.slice(0, MAX_MESSAGE) };
}
