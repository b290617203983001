import { createHash } from 'node:crypto';
import type { IdempotencyContract } from '../../policy/mapping/contract.ts';

/**
 * The identity of one operation, so that retries of the identical call spend its limits once. It covers everything
 * that the tool could tell two calls apart by: who calls, host, method, target, body, and every header that reaches the tool
 * and is not listed below. A call that differs in anything else is another operation, even under the same key.
 */
export interface OperationParts {
  tenant: string;
  agent: string;
  tool: string;
  /** Host that the call goes to: one tool may stand at several, and they need not know each other's keys. */
  host: string;
  method: string;
  /** Canonical, as it is forwarded. */
  target: string;
  /** As they reach the tool: what `Connection` takes away is none of them. */
  rawHeaders: readonly string[];
  body: Uint8Array | undefined;
}

/** Differ from one attempt to the next without another meaning: about the connection, the client or a trace. */
const VOLATILE: ReadonlySet<string> = new Set([
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'b3',
  'baggage',
  'connection',
  'content-length',
  'date',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'request-id',
  'sentry-trace',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'uber-trace-id',
  'user-agent',
  'x-amzn-trace-id',
  'x-client-request-id',
  'x-cloud-trace-context',
  'x-correlation-id',
  'x-request-id',
]);
const VOLATILE_PREFIXES = ['accept', 'x-b3-', 'x-datadog-', 'x-stainless-', 'x-stripe-client-'] as const;

/** A key as tools take them: visible ASCII, 1 to 255 characters; spaces inside are refused by most. */
const KEY = /^[!-~]{1,255}$/;

/** The key that the client sent: the header once, with a plain value; otherwise every attempt is its own operation. */
function idempotencyKey(rawHeaders: readonly string[], header: string): string | undefined {
  let key: string | undefined;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if ((rawHeaders[index] as string).toLowerCase() !== header) continue;
    if (key !== undefined) return undefined;
    key = (rawHeaders[index + 1] as string).trim();
  }
  return key !== undefined && KEY.test(key) ? key : undefined;
}

/** Safe methods (RFC 9110 section 9.2.1): tools carry out every one of them, whatever key it has. */
const UNKEYED: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

function isVolatile(name: string): boolean {
  return VOLATILE.has(name) || VOLATILE_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** `[name, value]` of the headers that count, by name; several of one name in their order. */
function lastingHeaders(rawHeaders: readonly string[], idempotencyHeader: string): [string, string][] {
  const headers: [string, string][] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (name === idempotencyHeader || !isVolatile(name)) headers.push([name, (rawHeaders[index + 1] as string).trim()]);
  }
  return headers.sort(([a], [b]) => (a === b ? 0 : a < b ? -1 : 1));
}

/**
 * Hex SHA-256 that names the operation; `undefined` where the call has no usable key. Plain, not keyed: every replica
 * must find the same one. Only the digest leaves the process.
 */
export function operationId(parts: OperationParts, { header }: IdempotencyContract): string | undefined {
  const { tenant, agent, tool, host, method, target, rawHeaders, body } = parts;
  if (UNKEYED.has(method)) return undefined;
  const key = idempotencyKey(rawHeaders, header);
  if (key === undefined) return undefined;
  const head = JSON.stringify([tenant, agent, tool, host, key, method, target, lastingHeaders(rawHeaders, header)]);
  const digest = createHash('sha256').update(head).update('\n');
  if (body !== undefined) digest.update(body);
  return digest.digest('hex');
}
