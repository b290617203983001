import type { ServerResponse } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type Request } from 'express';
import { AegisError } from '../../policy/errors.ts';
import { errorName, type Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { AgentAuthenticator, AskedTenant, AuthenticatedAgent } from './authenticate.ts';
import type { EvidenceTable } from './evidence-table.ts';
import type { GatewayTable } from './gateway-table.ts';
import { LongPolls } from './long-polls.ts';
import { RateLimit } from './rate-limit.ts';
import { parseBody, readAcknowledgement, readReport } from './read-gateway-bodies.ts';
import { sendRefusal } from './refusals.ts';
import type { RelayReceiver } from './relay-receiver.ts';
import { jsonBody } from './request-body.ts';
import { serveSlice } from './serve-slice.ts';
import type { ServedBundles } from './served-bundles.ts';
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
/** As many counts as a report may have, with the longest names. */
const REPORT_BODY = { bytes: 512 * 1024, ms: 10_000 };
const RELAY_BODY = { bytes: 2 * 1024 * 1024, ms: 10_000 };
/** Requests of one pod. */
const REQUESTS = { burst: 40, perSecond: 10, maxKeys: 50_000 };

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
  /** Not answered yet. */
  const open = new Set<ServerResponse>();
  const unsubscribe = bundles.subscribe(({ uid }) => polls.wake(uid));
  const app = express();
  app.disable('x-powered-by').disable('etag').disable('query parser');
  app.enable('case sensitive routing').enable('strict routing');
  let closed = false;
  app.use((_req, res, next) => {
    if (closed) isLast(res);
    open.add(res);
    res.once('close', () => open.delete(res));
    next();
  });
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
  const noSuchPath = (res: ServerResponse): void => {
    const status = sendRefusal(res, new AegisError('AEGIS_SERVING_NOT_FOUND', 'there is no such path'));
    metrics?.answered('other', status);
  };
  app.use((_, res) => noSuchPath(res));
  // a path that cannot be decoded
  const onError: ErrorRequestHandler = (_error, _req, res, _next) => noSuchPath(res);
  app.use(onError);
  return {
    app,
    get waiting() {
      return polls.waiting;
    },
    close() {
      closed = true;
      for (const res of open) isLast(res);
      unsubscribe();
      polls.close();
    },
  };
}

function askedTenant({ params, headers }: Request): AskedTenant {
  const uid = headers['aegis-tenant-uid'];
  return { name: String(params.tenant), ...(typeof uid === 'string' && { uid }) };
}

/** The next request has to find another replica, not this connection. */
function isLast(res: ServerResponse): void {
  if (!res.headersSent) res.setHeader('Connection', 'close');
}

function routes(options: BundleApiOptions, polls: LongPolls): Route[] {
  const { authenticator, clock, gateways, reports, relay } = options;
  const requests = new RateLimit({ clock, ...REQUESTS });

  async function asker(req: Request, asked?: AskedTenant): Promise<AuthenticatedAgent> {
    const credentials = { authorization: req.headers.authorization, address: req.socket.remoteAddress ?? '' };
    const agent = await authenticator.authenticate({ ...credentials, ...(asked !== undefined && { asked }) });
    if (!requests.take(agent.podUid)) throw new AegisError('AEGIS_SERVING_BUSY', 'too many requests of this pod');
    return agent;
  }

  async function acknowledge(req: Request, res: ServerResponse): Promise<number> {
    const first = await asker(req);
    const acknowledgement = readAcknowledgement(parseBody(await jsonBody(req, BODY)));
    const { tenant, agent: agentId } = acknowledgement;
    const agent = await authenticator.again({ ...first, asked: tenant });
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
    reports.record(agent, readReport(parseBody(await jsonBody(req, REPORT_BODY))));
    return accepted(res);
  }

  const list: Route[] = [
    {
      name: 'bundle',
      path: '/v1/bundles/:tenant/:file',
      methods: ['GET', 'HEAD'],
      handle: async (req, res) => serveSlice(req, res, await asker(req, askedTenant(req)), { ...options, polls }),
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
        await relay.authorize(req.headers.authorization, req.socket.remoteAddress);
        relay.receive(parseBody(await jsonBody(req, RELAY_BODY)));
        return accepted(res);
      },
    });
  }
  return list;
}

function accepted(res: ServerResponse): number {
  res.writeHead(204, { 'Cache-Control': 'no-store' }).end();
  return 204;
}

function refuseMethod(res: ServerResponse, methods: readonly string[]): number {
  const error = new AegisError('AEGIS_SERVING_METHOD', 'the path does not know this method');
  return sendRefusal(res, error, { Allow: methods.join(', ') });
}
