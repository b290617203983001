import { AegisError } from '../../policy/errors.ts';
import type { BundleHttpClient } from './http-client.ts';
import { retryAfter } from './retry-after.ts';

export interface PostFailure {
  message: string;
  cause?: unknown;
  /** ms that the server asks to be left alone. */
  rest: number;
}

const MAX_BYTES = 64 * 1024;

/** Posts to the operator; undefined: it was taken (2xx). What the answer says does not matter. Never rejects. */
export async function postJson(
  client: BundleHttpClient,
  body: unknown,
  { timeout, signal, now }: { timeout: number; signal: AbortSignal; now: number },
): Promise<PostFailure | undefined> {
  try {
    const { status, headers } = await client.send({
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(body),
      headersTimeout: timeout,
      bodyTimeout: timeout,
      maxBytes: MAX_BYTES,
      signal,
    });
    if (status >= 200 && status < 300) return undefined;
    return { message: `${client.place} answered with status ${status}`, rest: retryAfter(headers['retry-after'], now) };
  } catch (cause) {
    return { message: cause instanceof AegisError ? cause.message : 'unknown error', cause, rest: 0 };
  }
}
