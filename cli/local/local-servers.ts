import type { Server } from 'node:http';
import { Agent, type Dispatcher } from 'undici';
import { createProxyServer } from '../../gateway/capture/proxy-server.ts';
import type { ActivationSource } from '../../gateway/enforcement/activation.ts';
import type { DecideDeps } from '../../gateway/enforcement/decide-call.ts';
import type { Decision } from '../../gateway/enforcement/decision.ts';
import { createDecisionServer } from '../../gateway/listeners/decision-server.ts';
import { createRecentDecisions } from '../../gateway/listeners/recent-decisions.ts';
import { AegisError } from '../../policy/errors.ts';
import type { LocalCaller } from './agent-of-tool.ts';

/** Everything listens on loopback only: whoever can reach it acts as this user. */
const HOST = '127.0.0.1';
const DRAIN_MS = 2000;

export interface LocalServersOptions {
  source: ActivationSource;
  deps: DecideDeps;
  agentFor(tool: string): LocalCaller | undefined;
  upstreams: Readonly<Record<string, string>>;
  decisionsPort: number;
  proxyPort: number;
  ticks(): number;
  onDecision?(decision: Decision, micros: number): void;
}

export interface LocalServers {
  decisionsPort: number;
  proxyPort: number;
  close(): Promise<void>;
}

/** Opens the decision endpoint and the reverse proxy. @throws AegisError `AEGIS_PORT_IN_USE`. */
export async function openLocalServers(options: LocalServersOptions): Promise<LocalServers> {
  const { source, deps, upstreams, ticks } = options;
  const told = options.onDecision === undefined ? {} : { onDecision: options.onDecision };
  const recent = createRecentDecisions();
  const dispatcher: Dispatcher = new Agent({ connections: 64 });
  const decisions = createDecisionServer({ source, deps, recent, ticks, ...told });
  const proxy = createProxyServer({
    source,
    deps,
    recent,
    dispatcher,
    upstreams,
    ticks,
    ...told,
    agentFor: options.agentFor,
  });
  const open: Server[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(open.map(closeServer));
    await dispatcher.close();
  };
  try {
    const decisionsPort = await listen(decisions, options.decisionsPort);
    open.push(decisions);
    const proxyPort = await listen(proxy, options.proxyPort);
    open.push(proxy);
    return { decisionsPort, proxyPort, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const message = `${HOST}:${port} cannot be opened (${error.code ?? error.message}).`;
      reject(new AegisError('AEGIS_PORT_IN_USE', message, { cause: error }));
    });
    server.listen(port, HOST, () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** Calls in flight may end; after a while the rest is cut. */
function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
