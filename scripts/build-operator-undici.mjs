/** What the operator uses of undici, for its bundle; see `build-undici.mjs`. Every request names its dispatcher. */
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js';

export { Agent, buildConnector, Pool, request } from './build-undici.mjs';
export { ProxyAgent };
