import type { IncomingMessage } from 'node:http';
import { AegisError } from '../../policy/errors.ts';

const JSON_TYPE = /^application\/json(?:\s*;\s*charset="?utf-?8"?)?\s*$/i;

/** The bytes of a JSON body, bounded in size and time. @throws AegisError `AEGIS_SERVING_BODY` */
export async function jsonBody(req: IncomingMessage, limits: { bytes: number; ms: number }): Promise<Uint8Array> {
  const { 'content-type': type, 'content-encoding': coding, 'content-length': length } = req.headers;
  if (type === undefined || !JSON_TYPE.test(type) || (coding !== undefined && coding !== 'identity')) {
    throw new AegisError('AEGIS_SERVING_BODY', 'the body must be application/json without a content coding');
  }
  if (Number(length ?? 0) > limits.bytes) throw tooLarge(limits.bytes);
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const timer = setTimeout(() => fail(new AegisError('AEGIS_SERVING_BODY', 'the body came too slowly')), limits.ms);
    const fail = (error: AegisError): void => {
      clearTimeout(timer);
      req.off('data', take).pause();
      reject(error);
    };
    const take = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limits.bytes) fail(tooLarge(limits.bytes));
      else chunks.push(chunk);
    };
    req.on('data', take);
    req.once('end', () => {
      clearTimeout(timer);
      resolve(new Uint8Array(Buffer.concat(chunks, size)));
    });
    req.once('close', () => {
      if (!req.complete) fail(new AegisError('AEGIS_SERVING_BODY', 'the body ended early'));
    });
  });
}

function tooLarge(bytes: number): AegisError {
  return new AegisError('AEGIS_SERVING_BODY', `the body is larger than ${bytes} bytes`);
}
