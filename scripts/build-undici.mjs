/**
 * What the gateway uses of undici, for its bundle: the package's own entry also loads fetch, WebSocket, caches and
 * mocks, and through them another undici inside of Node, which is 8 MB of memory beside every agent.
 */
import apiRequest from 'undici/lib/api/api-request.js';
import buildConnector from 'undici/lib/core/connect.js';
import Agent from 'undici/lib/dispatcher/agent.js';
import Pool from 'undici/lib/dispatcher/pool.js';

export { Agent, buildConnector, Pool };

/** As undici's own, for an absolute URL and a given dispatcher. */
export function request(url, { dispatcher, ...options }) {
  const { origin, pathname, search } = new URL(url);
  return apiRequest.call(dispatcher, { ...options, origin, path: pathname + search });
}
