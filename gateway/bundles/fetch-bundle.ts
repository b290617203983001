import { AegisError, type ErrorCode } from '../../policy/errors.ts';
import type { BundleHttpClient, HttpAnswer } from './http-client.ts';
import { retryAfter } from './retry-after.ts';

export interface FetchOptions {
  /** What is in force, as an entity tag with its quotes. */
  ifNoneMatch?: string;
  /** Of the tenant whose bundle is wanted: names come back, uids do not. */
  tenantUid?: string;
  /** Whole seconds that the server may wait for something new; 0 asks for no wait. */
  waitSeconds: number;
  /** ms beyond the wait until the answer begins. */
  headersTimeout: number;
  /** ms for the whole body. */
  bodyTimeout: number;
  maxBytes: number;
  /** ms since the epoch. */
  now: number;
  signal: AbortSignal;
}

export type Fetched =
  | { kind: 'bundle'; archive: Uint8Array; etag: string | undefined; longPoll: boolean }
  /** 304. `longPoll` is undefined where the answer does not say. */
  | { kind: 'current'; longPoll: boolean | undefined }
  | { kind: 'failed'; error: AegisError /** ms */; retryAfter: number };

/** A server that waits says so by this type (OPA Bundle Service API, long polling). */
const LONG_POLL_TYPE = 'application/vnd.openpolicyagent.bundles';

/**
 * One request of the OPA Bundle Service API. `Prefer` is written as OPA writes it (`modes=snapshot;wait=30`); a server
 * that knows it (RFC 7240) answers when there is something new or the time is over, any other at once.
 */
export async function fetchBundle(client: BundleHttpClient, options: FetchOptions): Promise<Fetched> {
  const { ifNoneMatch, tenantUid, waitSeconds, headersTimeout, bodyTimeout, maxBytes, now, signal } = options;
  let answer: HttpAnswer;
  try {
    answer = await client.send({
      method: 'GET',
      headers: {
        Accept: `${LONG_POLL_TYPE}, application/gzip, application/octet-stream`,
        'Accept-Encoding': 'identity',
        Prefer: waitSeconds > 0 ? `modes=snapshot;wait=${waitSeconds}` : 'modes=snapshot',
        ...(ifNoneMatch !== undefined && { 'If-None-Match': ifNoneMatch }),
        ...(tenantUid !== undefined && { 'Aegis-Tenant-Uid': tenantUid }),
      },
      headersTimeout: waitSeconds * 1000 + headersTimeout,
      bodyTimeout,
      maxBytes,
      signal,
    });
  } catch (error) {
    return { kind: 'failed', error: error as AegisError, retryAfter: 0 };
  }
  return interpret(answer, client.place, now);
}

function interpret({ status, headers, body }: HttpAnswer, place: string, now: number): Fetched {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (status === 304) return { kind: 'current', longPoll: type === undefined ? undefined : type === LONG_POLL_TYPE };
  const coding = headers['content-encoding'];
  if (status === 200 && (coding === undefined || coding === 'identity')) {
    return { kind: 'bundle', archive: body, etag: headers.etag, longPoll: type === LONG_POLL_TYPE };
  }
  const what = status === 200 ? `a Content-Encoding (${coding?.slice(0, 40)})` : `status ${status}`;
  const error = new AegisError(codeOf(status), `${place} answered with ${what}`);
  return { kind: 'failed', error, retryAfter: retryAfter(headers['retry-after'], now) };
}

function codeOf(status: number): ErrorCode {
  if (status >= 300 && status < 400) return 'AEGIS_BUNDLE_REDIRECT';
  if (status === 401 || status === 403) return 'AEGIS_BUNDLE_UNAUTHORIZED';
  return status === 404 ? 'AEGIS_BUNDLE_NOT_FOUND' : 'AEGIS_BUNDLE_FETCH_STATUS';
}
