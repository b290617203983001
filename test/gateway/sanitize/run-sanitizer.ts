import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  createResponseSanitizer,
  type ResponseHead,
  type ResponseSanitizing,
} from '../../../gateway/sanitize/response-sanitizer.ts';
import type { RedactObligation } from '../../../policy/decision/types.ts';

export const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12);

export function start(redactions: readonly RedactObligation[], head: Partial<ResponseHead> = {}): ResponseSanitizing {
  const { method = 'GET', status = 200, headers = {} } = head;
  return createResponseSanitizer(redactions, { hash, pause: 20 }).start({ method, status, headers });
}

export interface Answer {
  /** What had left before the end or the error. */
  body: string;
  code?: string;
}

/** Sends the pieces through; one after the other, each when the one before was taken. */
export async function send(sanitizing: ResponseSanitizing, pieces: readonly (Buffer | string)[]): Promise<Answer> {
  if (sanitizing.kind !== 'stream') throw new Error(`${sanitizing.kind} is no stream`);
  const { stream } = sanitizing;
  const chunks: Buffer[] = [];
  let code: string | undefined;
  await new Promise<void>((resolve) => {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', (error: Error & { code?: string }) => {
      code = error.code ?? 'none';
    });
    stream.on('close', resolve);
    Readable.from(
      pieces.map((piece) => Buffer.from(piece as string)),
      { objectMode: true },
    ).pipe(stream);
  });
  const body = Buffer.concat(chunks).toString('utf8');
  return code === undefined ? { body } : { body, code };
}

export async function sanitize(
  redactions: readonly RedactObligation[],
  type: string,
  body: string | Buffer | readonly (string | Buffer)[],
): Promise<Answer> {
  const pieces = typeof body === 'string' || Buffer.isBuffer(body) ? [body] : body;
  return send(start(redactions, { headers: { 'content-type': type } }), pieces);
}

export const detect = (...names: string[]): RedactObligation[] => names.map((detector) => ({ detector, op: 'redact' }));
