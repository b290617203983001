import { createHmac } from 'node:crypto';
import type { Writable } from 'node:stream';
import { AegisError } from '../../policy/errors.ts';
import { nodeCrypto } from '../../runtime/crypto/node-crypto.ts';
import { type BoundAddress, listen } from '../../runtime/listen.ts';
import type { Address } from '../../runtime/settings/value-types.ts';
import type { Logger } from '../../runtime/telemetry/logger.ts';
import { Activations } from '../activation/activations.ts';
import type { BundleEvent } from '../bundles/bundle-status.ts';
import { type RunningBundles, startBundles } from '../bundles/start-bundles.ts';
import type { Settings } from '../config/settings.ts';
import type { DecideDeps } from '../enforcement/decide-call.ts';
import { createDecisionIds } from '../enforcement/decision-id.ts';
import { type BoundAddresses, createGateway, type GatewayListeners } from '../gateway.ts';
import type { LimitStore } from '../limits/limit-store.ts';
import { startReports } from '../reports/start-reports.ts';
import { createAdminServer } from '../telemetry/admin-server.ts';
import { createErrorLog } from '../telemetry/error-log.ts';
import { addGatewayMetrics } from '../telemetry/gateway-metrics.ts';
import { type HealthParts, health } from '../telemetry/health.ts';
import { createUpstreams } from '../upstream/upstreams.ts';
import { bundleSettings, reportSettings } from './bundle-settings.ts';
import { openCa, openUnknownHosts } from './capture.ts';
import { defined } from './defined.ts';
import { openEgressObserver } from './egress.ts';
import { fixedAgent } from './fixed-agent.ts';
import { limitsHealth, openLimits } from './limits.ts';
import { readSettingFile } from './setting-file.ts';
import { openTelemetry, type Telemetry } from './telemetry.ts';

/** All that the program touches outside itself. */
export interface ProgramEnvironment {
  stdout: Writable;
  logger: Logger;
  /** Milliseconds since the epoch. */
  now(): number;
  /** Milliseconds, monotonic, with fractions. */
  ticks(): number;
  random(): number;
  randomBytes(size: number): Uint8Array;
  hostName: string;
  version: string;
  /** ms since the epoch, when the process started. */
  started: number;
}

export interface RunningProgram {
  /** Stops accepting, lets calls in flight end within drain.grace, delivers log and spans. */
  drain(): Promise<void>;
  /** After a defect: what must not be lost is on disk when this returns. */
  crash(): void;
}

/** Time that the log and the spans have to be delivered at the end, ms. */
const FLUSH = 3000;
/** Time for the last report to the operator, ms. */
const LAST_REPORT = 1000;

function listenersOf(settings: Settings): GatewayListeners {
  const { agent } = settings;
  const peers = settings['listen.peers'] === 'Any' ? ('any' as const) : ('machine' as const);
  const at = (address: Address | 'off') => (address === 'off' ? undefined : { ...address, peers });
  const decisions = at(settings['listen.decisions']);
  const proxy = at(settings['listen.proxy']);
  const extAuthz = at(settings['listen.extAuthz']);
  const token = readSettingFile(settings, 'listen.proxyTokenFile')?.replace(/\r?\n$/, '');
  return defined({
    decisions: decisions && { ...decisions, ...defined({ agent }) },
    proxy: proxy && { ...proxy, ...defined({ token }) },
    http: at(settings['listen.http']),
    tls: at(settings['listen.tls']),
    extAuthz: extAuthz && { ...extAuthz, namedAgents: settings['listen.extAuthzNamedAgents'] },
    tools: Object.fromEntries([...settings['listen.tools']].map(([tool, address]) => [tool, { ...address, peers }])),
  });
}

function openUpstreams(settings: Settings) {
  try {
    return createUpstreams({
      overrides: Object.fromEntries([...settings['upstream.overrides']].map(([tool, url]) => [tool, url.href])),
      secretsDir: settings['upstream.secretsDirectory'],
      allowPrivate: settings['upstream.allowPrivate'],
      connections: settings['upstream.connections'],
      timeouts: {
        connect: settings['upstream.connectTimeout'],
        headers: settings['upstream.headersTimeout'],
        body: settings['upstream.bodyTimeout'],
        total: settings['upstream.totalTimeout'],
      },
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new AegisError('AEGIS_SETTING_VALUE', 'upstream.allowPrivate takes blocks such as 10.0.0.0/8 or fd00::/8.');
  }
}

function tellBundles(logger: Logger, event: BundleEvent): void {
  const { type, ...fields } = event;
  const bad = type === 'refused' || type === 'failed' || type === 'stale' || type === 'withdrawn' || 'code' in event;
  logger[bad ? 'warn' : 'info'](`bundle.${type}`, fields);
}

function tellListeners(logger: Logger, bound: BoundAddresses, admin: BoundAddress | undefined): void {
  const text = (address: BoundAddress | undefined): string | undefined =>
    address && `${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
  const { tools, ...others } = bound;
  logger.info('listening', {
    ...Object.fromEntries(Object.entries(others).map(([name, address]) => [name, text(address)])),
    ...Object.fromEntries(Object.entries(tools).map(([tool, address]) => [`tools.${tool}`, text(address)])),
    ...defined({ admin: text(admin) }),
  });
}

/** The parts that are there so far, closed in the opposite order. */
class Opened {
  readonly #closers: (() => Promise<unknown> | undefined)[] = [];

  add(close: () => Promise<unknown> | undefined): void {
    this.#closers.unshift(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }
}

/**
 * Puts the gateway together and opens it. Health answers before anything else; the other listeners open once all parts
 * are there, whether or not there is a bundle yet: without one every call is refused.
 * @throws AegisError for settings that do not hold (a file, an address, a block); then everything is closed again.
 */
export async function startProgram(settings: Settings, env: ProgramEnvironment): Promise<RunningProgram> {
  const opened = new Opened();
  try {
    return await assemble(settings, env, opened);
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function assemble(settings: Settings, env: ProgramEnvironment, opened: Opened): Promise<RunningProgram> {
  const { logger, now, ticks, random, randomBytes } = env;
  const source = new Activations();
  let phase: 'starting' | 'running' | 'draining' = 'starting';
  let bundles: RunningBundles | undefined;
  let limits: LimitStore | undefined;

  // First, because it takes longest, and goes on by itself.
  bundles = await startBundles({
    ...bundleSettings(settings, env.hostName),
    activations: source,
    crypto: nodeCrypto,
    random,
  });
  opened.add(() => bundles?.close());
  bundles.subscribe((event) => tellBundles(logger, event));

  const telemetry: Telemetry = await openTelemetry(settings, { ...env, source });
  opened.add(async () => {
    const lost = await telemetry.close(FLUSH);
    if (lost > 0) logger.error('log.lost', { lines: lost });
  });
  const parts: HealthParts = {
    version: env.version,
    started: env.started,
    now,
    phase: () => phase,
    activations: source,
    bundle: () => bundles?.status(),
    ...(settings['bundle.acknowledge.url'] !== undefined && { acknowledge: () => bundles?.acknowledgeError() }),
    limits: () =>
      limits === undefined ? { store: settings['limits.store'], available: false } : limitsHealth(limits, settings),
    inFlight: () => telemetry.journal.inFlight,
    ...defined({
      log: telemetry.log && (() => (telemetry.log as NonNullable<Telemetry['log']>).state),
      traces: telemetry.traces && (() => (telemetry.traces as NonNullable<Telemetry['traces']>).state),
    }),
  };
  addGatewayMetrics(telemetry.registry, parts);
  openReports(settings, env, telemetry, opened);
  const admin = await openAdmin(settings, parts, telemetry, opened);

  const onError = createErrorLog(logger, ticks);
  const instance = Buffer.from(randomBytes(12)).toString('hex');
  limits = await openLimits(settings, {
    now,
    random,
    instance,
    onError,
    onStatus: ({ state, reason }) => logger[state === 'ready' ? 'info' : 'warn'](`limits.${state}`, { reason }),
  });
  opened.add(() => limits?.close?.());
  const upstreams = openUpstreams(settings);
  opened.add(() => upstreams.close());
  const captureDeps = { logger, now, randomBytes, egress: telemetry.egress };
  const ca = await openCa(settings, captureDeps);
  const unknownHosts = await openUnknownHosts(settings, captureDeps);
  const observer = await openEgressObserver(settings, captureDeps);
  opened.add(async () => observer?.stop());

  const hashKey = randomBytes(32);
  const deps: DecideDeps = {
    now,
    newId: createDecisionIds(now, randomBytes),
    limits,
    limitRules: { onUnavailable: settings['limits.onUnavailable'], replicas: settings['limits.replicas'] },
    hash: (text) => createHmac('sha256', hashKey).update(text).digest('hex'),
    mustDenyWrites: telemetry.mustDenyWrites,
    onError,
  };
  const gateway = createGateway({
    listeners: listenersOf(settings),
    source,
    deps,
    upstreams,
    callers: fixedAgent(settings.agent, settings.tenant as string, source),
    ticks,
    hooks: telemetry.journal,
    hosts: settings.hosts,
    maxBody: settings['request.maxBody'],
    ...defined({ ca, unknownHosts }),
  });
  const bound = await gateway.start();
  opened.add(() => gateway.drain(settings['drain.grace']));
  phase = 'running';
  tellListeners(logger, bound, admin);

  return {
    async drain() {
      phase = 'draining';
      logger.info('draining', { calls_in_flight: telemetry.journal.inFlight });
      await opened.close();
      logger.info('ended');
    },
    crash: () => telemetry.saveNow(),
  };
}

/** Counts go to the operator beside everything else; that they do not is told once, and once that they do again. */
function openReports(settings: Settings, env: ProgramEnvironment, telemetry: Telemetry, opened: Opened): void {
  const { logger, random, hostName } = env;
  const report = reportSettings(settings, hostName);
  if (report === undefined) return;
  let failing = false;
  const onResult = (error?: AegisError): void => {
    if (failing === (error !== undefined)) return;
    failing = error !== undefined;
    if (error !== undefined) logger.warn('report.failed', { code: error.code, reason: error.message });
    else logger.info('report.delivered');
  };
  telemetry.registry.reading(
    'gauge',
    'aegis_gateway_report_failing',
    'Whether the operator could not be told last what was counted.',
    () => Number(failing),
  );
  const reports = startReports(telemetry.counts, { ...report, random, onResult });
  opened.add(() => reports.close(LAST_REPORT));
}

async function openAdmin(
  settings: Settings,
  parts: HealthParts,
  telemetry: Telemetry,
  opened: Opened,
): Promise<BoundAddress | undefined> {
  const address = settings['listen.admin'];
  if (address === 'off') return undefined;
  const server = createAdminServer({
    health: () => health(parts),
    metrics: () => telemetry.registry.text(),
    hosts: settings.hosts,
  });
  const bound = await listen('listen.admin', server, address);
  opened.add(async () => {
    server.close();
    server.closeAllConnections();
  });
  return bound;
}
