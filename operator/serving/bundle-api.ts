import type { ServerResponse } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import { AegisError } from '../../policy/errors.ts';
import { errorName, type Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { AgentAuthenticator, AuthenticatedAgent } from './authenticate.ts';
import { entityTags, isKnown, LONG_POLL_TYPE, pollPreference } from './conditional-request.ts';
import type { EvidenceTable } from './evidence-table.ts';
import type { GatewayTable } from './gateway-table.ts';
import { LongPolls } from './long-polls.ts';
import { RateLimit } from './rate-limit.ts';
import { parseBody, readAcknowledgement, readReport } from './read-gateway-bodies.ts';
import { sendRefusal } from './refusals.ts';
import type { RelayReceiver } from './relay-receiver.ts';
import { jsonBody } from './request-body.ts';
import type { ServedBundles, ServedTenant } from './served-bundles.ts';
import type { ServingMetrics } from './serving-metrics.ts';

export interface BundleApiOptions {
  bundles: ServedBundles;
  authenticator: AgentAuthenticator;
  gateways: Pick<GatewayTable, 'record'>;
  reports: Pick<EvidenceTable, 'record'>;
  /** Takes in what other replicas pass on; without it nothing is. */
  relay?: RelayReceiver;
  clock: Clock;
  log: Logger;
  metrics?: ServingMetrics;
  /** Requests that may wait at once; 20,000 when absent. */
  maxWaiting?: number;
}

export interface BundleApi {
  app: Express;
  /** Requests that wait for something new. */
  readonly waiting: number;
  /** Ends all waits, so that gateways go to another replica; the server can be closed then. */
  close(): void;
}

/**
 * For `openHttps`: what a client may cost before anybody knows who it is. Idle is longer than the longest wait, and a
 * request with its body is soon over.
 */
export const BUNDLE_API_LIMITS = { head: 10_000, request: 15_000, idle: 90_000, connections: 20_000 } as const;

const BODY = { bytes: 64 * 1024, ms: 10_000 };
const RELAY_BODY = { bytes: 2 * 1024 * 1024, ms: 10_000 };
/** Requests of one pod. */
const REQUESTS = { burst: 40, perSecond: 10, maxKeys: 50_000 };
/** ms without progress after which a reader is given up. */
const STALLED = 30_000;

type Handler = (req: Request, res: ServerResponse) => Promise<number>;

interface Route {
  name: string;
  path: string;
  methods: readonly string[];
  handle: Handler;
}

/** The API that gateways use; express, to be put behind a TLS server. */
export function createBundleApi(options: BundleApiOptions): BundleApi {
  const { bundles, clock, log, metrics } = options;
  const polls = new LongPolls({
    clock,
    ...(options.maxWaiting !== undefined && { maxWaiting: options.maxWaiting }),
  });
  const unsubscribe = bundles.subscribe(({ uid }) => polls.wake(uid));
  const app = express();
  app.disable('x-powered-by').disable('etag').disable('query parser');
  app.enable('case sensitive routing').enable('strict routing');
  for (const { name, path, methods, handle } of routes(options, polls)) {
    app.all(path, async (req, res) => {
      let status: number;
      try {
        if (methods.includes(req.method)) status = await handle(req, res);
        else status = refuseMethod(res, methods);
      } catch (error) {
        status = sendRefusal(res, error);
        if (status === 500) log.error('bundle-api-defect', { route: name, error: errorName(error) });
        else log.debug('bundle-api-refused', { route: name, status, code: errorName(error) });
      }
      metrics?.answered(name, status);
    });
  }
  app.use((_, res) => {
    metrics?.answered('other', sendRefusal(res, new AegisError('AEGIS_SERVING_NOT_FOUND', 'there is no such path')));
  });
  // a path that cannot be decoded
  const onError: ErrorRequestHandler = (_error, _req, res, _next) => {
    metrics?.answered('other', sendRefusal(res, new AegisError('AEGIS_SERVING_NOT_FOUND', 'there is no such path')));
  };
  app.use(onError);
  return {
    app,
    get waiting() {
      return polls.waiting;
    },
    close() {
      unsubscribe();
      polls.close();
    },
  };
}

function routes(options: BundleApiOptions, polls: LongPolls): Route[] {
  const { authenticator, clock, gateways, reports, relay } = options;
  const requests = new RateLimit({ clock, ...REQUESTS });

  async function asker(req: Request): Promise<AuthenticatedAgent> {
    const address = req.socket.remoteAddress ?? '';
    const agent = await authenticator.authenticate({ authorization: req.headers.authorization, address });
    if (!requests.take(agent.podUid)) throw new AegisError('AEGIS_SERVING_BUSY', 'too many requests of this pod');
    return agent;
  }

  async function acknowledge(req: Request, res: ServerResponse): Promise<number> {
    const agent = await asker(req);
    const acknowledgement = readAcknowledgement(parseBody(await jsonBody(req, BODY)));
    const { tenant, agent: agentId } = acknowledgement;
    if (
      tenant.name !== agent.tenant.name ||
      (tenant.uid ?? agent.tenant.uid) !== agent.tenant.uid ||
      (agentId ?? agent.agentId) !== agent.agentId
    ) {
      throw new AegisError('AEGIS_SERVING_BODY_IDENTITY', 'the body names another tenant or agent than the token');
    }
    if (!gateways.record(agent, acknowledgement)) throw new AegisError('AEGIS_SERVING_BUSY', 'too many gateways');
    return accepted(res);
  }

  async function report(req: Request, res: ServerResponse): Promise<number> {
    const agent = await asker(req);
    reports.record(agent, readReport(parseBody(await jsonBody(req, BODY))));
    return accepted(res);
  }

  const list: Route[] = [
    {
      name: 'bundle',
      path: '/v1/bundles/:tenant/:file',
      methods: ['GET', 'HEAD'],
      handle: async (req, res) => serveSlice(req, res, await asker(req), { ...options, polls }),
    },
    { name: 'acknowledgement', path: '/v1/acknowledgements', methods: ['POST'], handle: acknowledge },
    { name: 'report', path: '/v1/reports', methods: ['POST'], handle: report },
  ];
  if (relay !== undefined) {
    list.push({
      name: 'relay',
      path: '/internal/v1/relay',
      methods: ['POST'],
      handle: async (req, res) => {
        await relay.authorize(req.headers.authorization);
        relay.receive(parseBody(await jsonBody(req, RELAY_BODY)));
        return accepted(res);
      },
    });
  }
  return list;
}

interface SliceDeps {
  bundles: ServedBundles;
  authenticator: AgentAuthenticator;
  polls: LongPolls;
  clock: Clock;
}

async function serveSlice(
  req: Request,
  res: ServerResponse,
  first: AuthenticatedAgent,
  { bundles, authenticator, polls, clock }: SliceDeps,
): Promise<number> {
  const { longPoll, waitSeconds } = pollPreference(header(req, 'prefer'));
  const known = entityTags(header(req, 'if-none-match'));
  const deadline = clock.monotonic() + (req.method === 'GET' ? waitSeconds * 1000 : 0);
  let agent = first;
  let type = longPoll ? LONG_POLL_TYPE : 'application/gzip';
  let found = sliceTenant(req, agent, bundles);
  let signal: AbortSignal | undefined;
  while (isKnown(known, found.etag) && clock.monotonic() < deadline) {
    signal ??= closing(res);
    const ms = deadline - clock.monotonic();
    const wait = polls.wait({ tenant: agent.tenant.uid, pod: agent.podUid, ms }, signal);
    // no room: the client is told that nobody waits here, and comes back now and then
    if (wait === undefined) type = 'application/gzip';
    const outcome = await (wait ?? 'over');
    if (outcome === 'gone') return 499;
    if (outcome === 'over') break;
    // pod, registration and tenant may be others by now
    agent = await authenticator.again(agent);
    found = sliceTenant(req, agent, bundles);
  }
  const headers = { 'Content-Type': type, ETag: `"${found.etag}"`, 'Cache-Control': 'no-store' };
  if (isKnown(known, found.etag)) {
    res.writeHead(304, headers).end();
    return 304;
  }
  const archive = found.archive(agent.agentId);
  if (archive === undefined) throw nothingThere();
  res.setTimeout(STALLED, () => res.destroy());
  res.writeHead(200, { ...headers, 'Content-Length': String(archive.length) });
  res.end(req.method === 'HEAD' ? undefined : archive);
  return 200;
}

/**
 * The tenant of the path, if it is the asker's own slice that it names. Any other path is refused alike, whether there
 * is something or not.
 */
function sliceTenant(req: Request, { tenant, agentId }: AuthenticatedAgent, bundles: ServedBundles): ServedTenant {
  const { tenant: name, file } = req.params;
  if (name !== tenant.name || file !== `${agentId}.tar.gz`) {
    throw new AegisError('AEGIS_SERVING_FORBIDDEN', 'the path is not the one of the agent of this token');
  }
  if (!bundles.ready) throw new AegisError('AEGIS_SERVING_NOT_READY', 'bundles are still being read');
  const found = bundles.tenant(tenant.name, tenant.uid);
  if (found === undefined) throw nothingThere();
  return found;
}

function nothingThere(): AegisError {
  return new AegisError('AEGIS_SERVING_NOT_FOUND', 'nothing has been published for the agent yet');
}

function header(req: Request, name: string): string | undefined {
  const value = req.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function closing(res: ServerResponse): AbortSignal {
  const gone = new AbortController();
  res.once('close', () => gone.abort());
  return gone.signal;
}

function accepted(res: ServerResponse): number {
  res.writeHead(204, { 'Cache-Control': 'no-store' }).end();
  return 204;
}

function refuseMethod(res: ServerResponse, methods: readonly string[]): number {
  const error = new AegisError('AEGIS_SERVING_METHOD', 'the path does not know this method');
  return sendRefusal(res, error, { Allow: methods.join(', ') });
}
