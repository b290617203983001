import { lookup } from 'node:dns';
import { readFileSync, statSync } from 'node:fs';
import { type Duplex, Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { AegisError } from '../../policy/errors.ts';
import { WITHHELD_REQUEST_HEADERS } from '../sanitize/response-sanitizer.ts';
import { createAddressGuard } from './address-guard.ts';
import type { ResolveName } from './connector.ts';
import { Exchange, type ExchangeLimits, type PreparedCall } from './exchange.ts';
import { failureOf } from './failures.ts';
import { requestHeaders } from './forward-headers.ts';
import { createPools } from './pools.ts';
import { withQueryCredential } from './query-credential.ts';
import { RequestBody } from './request-body.ts';
import { createTargetResolver } from './resolve-target.ts';
import type { ResolvedTarget } from './resolved-target.ts';
import { type Credential, createSecrets } from './secrets.ts';
import { TunnelExchange } from './tunnel.ts';
import type { ForwardEvents, ForwardRequest, Upstreams, UpstreamTarget, UpstreamTimeouts } from './types.ts';
import type { FileReader } from './watched-file.ts';

export interface UpstreamsOptions {
  /** Base URL per tool instead of the contract's, for local stand-ins, which may be private; read at each call. */
  overrides?: Readonly<Record<string, string>>;
  /** Folder of `<toolId>/credential/<key>` and `<toolId>/ca/<key>`; absent: calls that need one of them fail. */
  secretsDir?: string | undefined;
  /** Blocks (CIDR) whose private addresses may be connected to; default none. */
  allowPrivate?: readonly string[];
  timeouts?: Partial<UpstreamTimeouts>;
  /** Connections per origin; default 128. */
  connections?: number;
  /** Calls per origin that may wait for a connection; default 1,024. */
  maxWaiting?: number;
  /** Default: `dns.lookup`, all addresses in the order of the resolver. */
  resolveName?: ResolveName;
  /** Default: the disk. */
  files?: FileReader;
  /** Milliseconds, monotonic; default `performance.now`. */
  now?(): number;
}

const TIMEOUTS: UpstreamTimeouts = { connect: 10_000, headers: 120_000, body: 300_000, total: 0 };
const NO_TRACES: readonly string[] = [];

const systemNames: ResolveName = (name, done) => lookup(name, { all: true, order: 'verbatim' }, done);

const disk: FileReader = {
  stat(path) {
    const { ino, mtimeMs, ctimeMs, size } = statSync(path);
    return { mark: `${ino} ${mtimeMs} ${ctimeMs} ${size}`, size };
  },
  read: (path) => readFileSync(path),
};

function bodyOf({ body }: ForwardRequest): Buffer | Uint8Array | RequestBody | null {
  if (body instanceof Readable) return new RequestBody(body);
  return body === undefined || body.length === 0 ? null : body;
}

/** RFC 6455 section 4.1: what makes a request a WebSocket handshake. */
function isHandshake({ method, rawHeaders, body }: ForwardRequest): boolean {
  if (method !== 'GET' || body !== undefined) return false;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if ((rawHeaders[index] as string).toLowerCase() !== 'upgrade') continue;
    return (rawHeaders[index + 1] as string).trim().toLowerCase() === 'websocket';
  }
  return false;
}

/**
 * The gateway's only way out: connections to the tools, checked addresses, verified TLS, credentials, and the exchange
 * of requests and responses on them. Redirects are never followed, and no call is sent twice unless it only reads.
 * @throws TypeError where `allowPrivate` has an entry that is no block.
 */
export function createUpstreams(options: UpstreamsOptions = {}): Upstreams {
  const timeouts: UpstreamTimeouts = { ...TIMEOUTS, ...options.timeouts };
  const now = options.now ?? (() => performance.now());
  const secrets = createSecrets({ dir: options.secretsDir, files: options.files ?? disk, now });
  const limits: ExchangeLimits = { timeouts, maxWaiting: options.maxWaiting ?? 1024, now };
  const pools = createPools({
    guard: createAddressGuard(options.allowPrivate),
    secrets,
    resolveName: options.resolveName ?? systemNames,
    connections: options.connections ?? 128,
    connectTimeout: timeouts.connect,
  });
  const tunnels = new Set<Duplex>();

  function credentialOf({ tool, credential }: ResolvedTarget): Credential | undefined {
    if (credential === undefined) return undefined;
    const found = secrets.credential(tool, credential);
    if (found !== undefined) return found;
    const message = `The credential ${tool}/credential/${credential.key} is missing or unusable.`;
    throw new AegisError('AEGIS_UPSTREAM_CREDENTIAL', message);
  }

  /** @throws AegisError AEGIS_UPSTREAM_CREDENTIAL */
  function prepare(target: ResolvedTarget, request: ForwardRequest, upgrade: boolean): PreparedCall {
    const { method, decisionId, sanitizer } = request;
    const credential = credentialOf(target);
    const place = target.credential;
    const inHeader = credential !== undefined && place?.in === 'header';
    const body = bodyOf(request);
    const { list, trailers } = requestHeaders(request.rawHeaders, {
      kept: request.keptHeaders,
      withheld: sanitizer === undefined ? undefined : WITHHELD_REQUEST_HEADERS,
      replaced: inHeader ? place.field.toLowerCase().replaceAll('_', '-') : undefined,
      keepLength: body instanceof RequestBody,
    });
    if (inHeader) list.push(place.field, credential.text);
    if (sanitizer !== undefined) list.push('Accept-Encoding', 'identity');
    let path = `${target.basePath}${request.target}`;
    if (credential !== undefined && place?.in === 'query')
      path = withQueryCredential(path, place.field, credential.text);
    return {
      options: {
        path,
        method: method as Dispatcher.HttpMethod,
        headers: list,
        body,
        // undici sends nothing again by itself; this keeps it from pipelining as well.
        idempotent: false,
        headersTimeout: timeouts.headers,
        bodyTimeout: timeouts.body,
        ...(upgrade && { upgrade: 'websocket' }),
      },
      repeatable: request.repeatable === true && body === null && (method === 'GET' || method === 'HEAD') && !upgrade,
      decisionId,
      trailers,
      traces: credential?.traces ?? NO_TRACES,
      sanitize: sanitizer && ((status, headers) => sanitizer.start({ method, status, headers })),
    };
  }

  function unsent(error: unknown, events: ForwardEvents): void {
    const cause = error instanceof Error ? error : new Error(String(error));
    const failure =
      cause instanceof AegisError ? failureOf(cause, false) : { code: 'AEGIS_INTERNAL' as const, status: 503 as const };
    events.failed(failure, cause, { sent: false });
    events.closed({ bytes: 0 });
  }

  return {
    resolve: createTargetResolver(options.overrides),
    forward(target: UpstreamTarget, request, res, events) {
      let exchange: Exchange;
      try {
        const resolved = target as ResolvedTarget;
        const pool = pools.acquire(resolved);
        exchange = new Exchange(pool, prepare(resolved, request, false), limits, res, events);
      } catch (error) {
        unsent(error, events);
        return;
      }
      exchange.start();
    },
    tunnel(target: UpstreamTarget, request, client, events) {
      let exchange: TunnelExchange;
      try {
        if (!isHandshake(request)) throw new AegisError('AEGIS_UPSTREAM_UPGRADE', 'This is no WebSocket handshake.');
        if (request.sanitizer !== undefined) {
          throw new AegisError('AEGIS_UPSTREAM_UPGRADE', 'The messages of a WebSocket cannot be redacted.');
        }
        const resolved = target as ResolvedTarget;
        const pool = pools.acquire(resolved);
        exchange = new TunnelExchange(pool, prepare(resolved, request, true), limits, client, events, tunnels);
      } catch (error) {
        unsent(error, events);
        return;
      }
      exchange.start();
    },
    async close() {
      for (const socket of tunnels) socket.destroy();
      await pools.close();
    },
  };
}
