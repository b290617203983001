import { createServer, type Server } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import { AegisError } from '../policy/errors.ts';
import { type BoundAddress, listen } from '../runtime/listen.ts';
import type { Callers } from './capture/attribution.ts';
import type { LeafContexts } from './capture/ca/leaf-contexts.ts';
import { createCallHandler } from './capture/call-handler.ts';
import { BodyMemory } from './capture/http/body-memory.ts';
import { type CaptureOptions, capture, type PassOptions } from './capture/http/capture-server.ts';
import type { Terminated } from './capture/http/connection.ts';
import { type ConnectionSet, trackConnections } from './capture/http/connection-set.ts';
import { DEFAULT_HTTP_LIMITS, type HttpLimits, serverOptions } from './capture/http/http-limits.ts';
import { isOwnAddress, type Peers } from './capture/http/peers.ts';
import { shouldUpgrade } from './capture/http/upgrade.ts';
import { createToolDirectory } from './capture/tool-directory.ts';
import { createConnect } from './capture/ways/connect.ts';
import { passRequest } from './capture/ways/pass-request.ts';
import { createProxyAttribution } from './capture/ways/proxy-port.ts';
import { createProxyTokenCheck } from './capture/ways/proxy-token.ts';
import { attributeByHost } from './capture/ways/redirected-http.ts';
import { attributeByServerName } from './capture/ways/terminated-tls.ts';
import { attributeByPort } from './capture/ways/tool-port.ts';
import type { Coming, UnknownHosts } from './capture/ways/unknown-hosts.ts';
import type { ActivationSource } from './enforcement/activation.ts';
import type { DecideDeps } from './enforcement/decide-call.ts';
import { openOtherLoopback } from './listeners/both-loopbacks.ts';
import { createDecisionServer } from './listeners/decision-server.ts';
import { createRecentDecisions } from './listeners/recent-decisions.ts';
import { DEFAULT_MAPPING_LIMITS } from './mapping/map-request.ts';
import type { ExtAuthzServer } from './protocols/ext-authz/server.ts';
import { createResponseSanitizer } from './sanitize/response-sanitizer.ts';
import type { CallHooks, RefusedRequest } from './telemetry/call-hooks.ts';
import type { Upstreams } from './upstream/types.ts';

/** Where a listener listens, and who may connect to it. */
export interface ListenAddress {
  /** Default 127.0.0.1. */
  host?: string;
  /** 0 for a free one. */
  port: number;
  /** Default `machine`: loopback and the machine's own addresses. */
  peers?: Peers;
}

export interface GatewayListeners {
  /** Decision API. `agent`: the only agent that is answered for. */
  decisions?: ListenAddress & { agent?: string };
  /** Path prefix and forward proxy. `token`: what the forward proxy asks for; default none. */
  proxy?: ListenAddress & { token?: string };
  /** One address per tool. */
  tools?: Readonly<Record<string, ListenAddress>>;
  /** Redirected plain HTTP: tools by Host. At 127.0.0.1 it is at ::1 as well. */
  http?: ListenAddress;
  /** Redirected TLS: tools by its server name. At 127.0.0.1 it is at ::1 as well. Needs `ca`. */
  tls?: ListenAddress;
  /** Envoy's ext_authz (gRPC). `namedAgents`: Envoy's configuration may say who calls. */
  extAuthz?: ListenAddress & { namedAgents?: boolean };
}

export interface GatewayOptions {
  listeners: GatewayListeners;
  source: ActivationSource;
  deps: DecideDeps;
  upstreams: Upstreams;
  callers: Callers;
  /** Milliseconds, monotonic, with fractions. */
  ticks(): number;
  hooks?: CallHooks;
  /** Names that `Host` may have on prefix, tool ports and decision API beside loopback ones; lower case, no port. */
  hosts?: readonly string[];
  /** Certificates for the hosts of tools; without it CONNECT to them is refused. From `openLeafContexts`. */
  ca?: LeafContexts;
  /** The way to hosts of no tool; absent: refused. From `createUnknownHosts`. */
  unknownHosts?: UnknownHosts;
  /** Largest body that is read before the decision, bytes; default 1 MiB. */
  maxBody?: number;
  limits?: Partial<HttpLimits>;
}

export interface BoundAddresses {
  decisions?: BoundAddress;
  proxy?: BoundAddress;
  tools: Record<string, BoundAddress>;
  http?: BoundAddress;
  tls?: BoundAddress;
  extAuthz?: BoundAddress;
}

export interface Gateway {
  /** Opens all listeners or none. @throws AegisError AEGIS_LISTEN */
  start(): Promise<BoundAddresses>;
  /** Takes nothing new, lets what is in flight end for at most `graceMs`, and cuts the rest. May be called twice. */
  drain(graceMs: number): Promise<void>;
}

interface Listener {
  name: string;
  server: Server;
  address: ListenAddress;
  connections: ConnectionSet;
  /** Traffic of either family is redirected here. */
  redirected: boolean;
}

const DRAIN_LOOK = 100;

/** The data plane: every way in, over one source of activations and one way out. Closes neither. */
export function createGateway(options: GatewayOptions): Gateway {
  const { source, deps, upstreams, callers, ticks, hooks = {}, ca, unknownHosts } = options;
  const limits: HttpLimits = { ...DEFAULT_HTTP_LIMITS, ...options.limits };
  const hosts = new Set(options.hosts ?? []);
  const recent = createRecentDecisions();
  const directory = createToolDirectory({ source, callers, upstreams });
  const handler = createCallHandler({
    deps,
    recent,
    upstreams,
    ticks,
    hooks,
    limits: { maxBody: options.maxBody ?? DEFAULT_MAPPING_LIMITS.maxBody },
    sanitizerOf: ({ obligations }) => createResponseSanitizer(obligations.redact, { hash: deps.hash }),
  });
  const maxBody = options.maxBody ?? DEFAULT_MAPPING_LIMITS.maxBody;
  const bodies = new BodyMemory(Math.max(limits.maxBodies, 4 * maxBody));
  let draining = false;
  const listeners: Listener[] = [];
  const twins: NetServer[] = [];
  let extAuthz: ExtAuthzServer | undefined;

  function add(
    name: string,
    server: Server,
    address: ListenAddress,
    { secure = false, redirected = false } = {},
  ): void {
    server.on('connection', (socket: Socket) => {
      if (address.peers !== 'any' && !isOwnAddress(socket.remoteAddress)) socket.destroy();
    });
    listeners.push({ name, server, address, redirected, connections: trackConnections(server, secure) });
  }

  /** The way to hosts of no tool, for those who came so. */
  function passing(coming: Coming): { pass?: PassOptions } {
    if (unknownHosts === undefined) return {};
    const pass: PassOptions['pass'] = (exchange, { path, ...authority }) => {
      passRequest(exchange, authority, path, unknownHosts, coming).catch((error: unknown) => deps.onError?.(error));
    };
    return { pass: { admits: (authority) => unknownHosts.admits(authority), pass } };
  }

  function common(via: CaptureOptions['via']): Omit<CaptureOptions, 'attribute'> {
    return {
      via,
      handler,
      limits,
      newId: deps.newId,
      bodies,
      onRefused,
      draining: () => draining,
      ...(deps.onError !== undefined && { onError: deps.onError }),
    };
  }

  function onRefused(refused: RefusedRequest): void {
    hooks.onRefused?.(refused);
  }

  function plainServer(): Server {
    return createServer({ ...serverOptions(limits), shouldUpgradeCallback: shouldUpgrade });
  }

  function addProxy(address: ListenAddress & { token?: string }): void {
    const server = plainServer();
    const token = createProxyTokenCheck(address.token);
    const connect = createConnect({
      server,
      directory,
      token,
      contexts: ca,
      unknown: unknownHosts,
      limits,
      onRefused,
      ...(deps.onError !== undefined && { onError: deps.onError }),
    });
    capture(server, {
      ...common('proxy'),
      attribute: createProxyAttribution({ directory, hosts, token }),
      connect,
      ...passing('proxy'),
    });
    add('proxy', server, address);
  }

  function addTool(tool: string, address: ListenAddress): void {
    const server = plainServer();
    capture(server, { ...common('port'), attribute: (req) => attributeByPort(req, tool, directory, hosts) });
    add(`tools.${tool}`, server, address);
  }

  function addHttp(address: ListenAddress): void {
    const server = plainServer();
    capture(server, {
      ...common('http'),
      attribute: (req) => attributeByHost(req, directory),
      ...passing('redirected'),
    });
    add('http', server, address, { redirected: true });
  }

  async function addTls(address: ListenAddress): Promise<void> {
    if (ca === undefined) throw new AegisError('AEGIS_CA', 'The TLS listener needs the CA of the gateway.');
    const { createTlsServer } = await import('./capture/ways/tls-listener.ts');
    const { onError } = deps;
    const server = createTlsServer({
      directory,
      contexts: ca,
      limits,
      onRefused,
      ...(unknownHosts !== undefined && { unknown: unknownHosts }),
      ...(onError !== undefined && { onError }),
    });
    capture(server, {
      ...common('tls'),
      secure: true,
      attribute: (req, { terminated }) => attributeByServerName(req, terminated as Terminated, directory),
    });
    add('tls', server, address, { secure: true, redirected: true });
  }

  async function addAll({ decisions, proxy, tools = {}, http, tls }: GatewayListeners): Promise<void> {
    if (decisions !== undefined) {
      const { agent } = decisions;
      const server = createDecisionServer({
        source,
        deps,
        recent,
        ticks,
        hosts: [...hosts],
        ...(agent !== undefined && { agent }),
        onDecision: (decision, info) => hooks.onDecision?.(decision, info),
        onRefused,
      });
      server.maxConnections = limits.maxConnections;
      server.prependListener('request', (_, res) => {
        if (draining) res.shouldKeepAlive = false;
      });
      add('decisions', server, decisions);
    }
    if (proxy !== undefined) addProxy(proxy);
    for (const [tool, address] of Object.entries(tools)) addTool(tool, address);
    if (http !== undefined) addHttp(http);
    if (tls !== undefined) await addTls(tls);
  }

  async function startExtAuthz(address: ListenAddress & { namedAgents?: boolean }): Promise<BoundAddress> {
    const { startExtAuthzListener } = await import('./protocols/ext-authz/listener.ts');
    const mapping = { maxBody: options.maxBody ?? DEFAULT_MAPPING_LIMITS.maxBody };
    const parts = { source, directory, callers, deps, ticks, hooks, limits: mapping };
    const { host = '127.0.0.1', port, namedAgents = false } = address;
    const opened = await startExtAuthzListener(`${host}:${port}`, { ...parts, namedAgents });
    extAuthz = opened.server;
    return { host, port: opened.port };
  }

  async function open({ name, server, address, redirected }: Listener): Promise<BoundAddress> {
    const at = await listen(name, server, { host: '127.0.0.1', ...address });
    const other = redirected && (await openOtherLoopback(name, server, at, address.port === 0));
    if (other) twins.push(other);
    return at;
  }

  async function start(): Promise<BoundAddresses> {
    await addAll(options.listeners);
    const bound: BoundAddresses = { tools: {} };
    try {
      for (const listener of listeners) {
        const { name } = listener;
        const at = await open(listener);
        if (name === 'decisions' || name === 'proxy' || name === 'http' || name === 'tls') bound[name] = at;
        else bound.tools[name.slice('tools.'.length)] = at;
      }
      if (options.listeners.extAuthz !== undefined) bound.extAuthz = await startExtAuthz(options.listeners.extAuthz);
      return bound;
    } catch (error) {
      await drain(0);
      throw error;
    }
  }

  async function drain(graceMs: number): Promise<void> {
    draining = true;
    const closed = Promise.all([...listeners.map(({ server }) => server), ...twins].map(close));
    const closeIdle = (): void => {
      for (const { connections } of listeners) connections.closeIdle();
    };
    const cut = (): void => {
      for (const { connections } of listeners) connections.cut();
    };
    closeIdle();
    // What becomes idle meanwhile ends with its `Connection: close`, unless its answer had begun before.
    const looking = setInterval(closeIdle, DRAIN_LOOK);
    const timer = setTimeout(cut, graceMs);
    await Promise.all([closed, extAuthz?.close(graceMs)]);
    clearTimeout(timer);
    clearInterval(looking);
  }

  return { start, drain };
}

function close(server: NetServer): Promise<void> {
  return new Promise((resolve) => {
    if (server.listening) server.close(() => resolve());
    else resolve();
  });
}
