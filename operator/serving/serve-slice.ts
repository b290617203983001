import type { ServerResponse } from 'node:http';
import type { Request } from 'express';
import { AegisError } from '../../policy/errors.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { AgentAuthenticator, AuthenticatedAgent } from './authenticate.ts';
import { entityTags, isKnown, LONG_POLL_TYPE, pollPreference } from './conditional-request.ts';
import type { LongPolls } from './long-polls.ts';
import type { ServedBundles, ServedTenant } from './served-bundles.ts';

/** ms without progress after which a reader is given up. */
const STALLED = 30_000;
/** Nobody was there any more to be answered. */
const CLIENT_GONE = 499;

export interface SliceDeps {
  bundles: ServedBundles;
  authenticator: AgentAuthenticator;
  polls: LongPolls;
  clock: Clock;
}

/**
 * Answers `GET /v1/bundles/:tenant/:file`, at once or when there is something new. @returns the status
 * @throws AegisError of the `AEGIS_SERVING_` codes
 */
export async function serveSlice(
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
    if (outcome === 'gone') return CLIENT_GONE;
    if (outcome === 'over') break;
    // "nothing new" would be believed for as long as a gateway waits between two polls; this sends it to another replica
    if (outcome === 'ended') throw new AegisError('AEGIS_SERVING_NOT_READY', 'this replica of the operator ends');
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
  if (res.closed) gone.abort();
  else res.once('close', () => gone.abort());
  return gone.signal;
}
