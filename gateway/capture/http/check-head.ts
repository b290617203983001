import type { IncomingMessage } from 'node:http';
import { refusal, type WayRefusal } from '../way-refusal.ts';
import type { HttpLimits } from './http-limits.ts';

/**
 * What must hold of every request before anything else is looked at, whichever way it came (RFC 9110, RFC 9112). The
 * parser refuses most broken framing by itself; here is what it lets through.
 */

const LENGTH = /^(?:0|[1-9][0-9]{0,15})$/;
const EXPECT = /^100-continue$/i;
/** No content has a meaning in these (RFC 9110 sections 9.3.1, 9.3.2), so tool and gateway could disagree on it. */
const BODILESS: ReadonlySet<string> = new Set(['GET', 'HEAD']);

interface Framing {
  host: string[];
  'content-length': string[];
  'transfer-encoding': string[];
  expect: string[];
  trailer: string[];
}

function malformed(detail: string, status = 400): WayRefusal {
  return refusal('AEGIS_HTTP_MALFORMED', status, detail);
}

function framingOf(rawHeaders: readonly string[]): Framing {
  const framing: Framing = { host: [], 'content-length': [], 'transfer-encoding': [], expect: [], trailer: [] };
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (Object.hasOwn(framing, name)) framing[name as keyof Framing].push(rawHeaders[index + 1] as string);
  }
  return framing;
}

function checkLength({ method, httpVersion }: IncomingMessage, framing: Framing): WayRefusal | undefined {
  const [length, ...lengths] = framing['content-length'];
  const [coding, ...codings] = framing['transfer-encoding'];
  if (lengths.length > 0 || codings.length > 0) return malformed('The length of the body is given twice.');
  if (length !== undefined && coding !== undefined) {
    return malformed('The request has Content-Length and Transfer-Encoding.');
  }
  if (length !== undefined && !LENGTH.test(length)) return malformed('Content-Length is not a plain number.');
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return malformed('Transfer-Encoding is not chunked alone.', 501);
  }
  if (coding !== undefined && httpVersion !== '1.1') return malformed('HTTP/1.0 has no Transfer-Encoding.');
  if (BODILESS.has(method ?? '') && (coding !== undefined || (length !== undefined && length !== '0'))) {
    return malformed(`A ${method} request has no body.`);
  }
  return undefined;
}

/** @returns why the request is refused, or undefined. `needsHost`: false for CONNECT, whose target is the host. */
export function checkHead(req: IncomingMessage, limits: HttpLimits, needsHost = true): WayRefusal | undefined {
  const { rawHeaders, httpVersion, method } = req;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return malformed('Only HTTP/1.1 is spoken here.', 505);
  if (rawHeaders.length > limits.maxHeaders * 2) {
    return refusal('AEGIS_HTTP_TOO_LARGE', 431, `The request has more than ${limits.maxHeaders} headers.`);
  }
  const framing = framingOf(rawHeaders);
  const hosts = framing.host.length;
  if (hosts > 1 || (hosts === 0 && needsHost)) return malformed('The request must have exactly one Host.');
  const wrong = checkLength(req, framing);
  if (wrong !== undefined) return wrong;
  if (framing.trailer.length > 0) return malformed('Trailers are not taken, because nobody could decide on them.');
  if (framing.expect.some((value) => !EXPECT.test(value)) || framing.expect.length > 1) {
    return malformed('Expect is not 100-continue.', 417);
  }
  // RFC 9110 section 9.3.8: it would give headers back that the gateway adds.
  return method === 'TRACE' ? malformed('TRACE is not passed on.', 405) : undefined;
}
