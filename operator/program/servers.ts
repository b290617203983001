/** The listeners of a replica: bundle API, webhook, health and metrics. */
import { toHex, utf8 } from '../../policy/bundle/encoding.ts';
import { listen } from '../../runtime/listen.ts';
import { errorName } from '../../runtime/telemetry/logger.ts';
import { openHttps } from '../certificates/https-server.ts';
import { injectionSettings } from '../config/injection-settings.ts';
import type { OperatorSettings } from '../config/settings.ts';
import { ignoredGatewaySettings } from '../injection/gateway-environment.ts';
import type { KubeClient, KubeObject } from '../kube/types.ts';
import { NAMESPACE } from '../model/resource-types.ts';
import { Authenticator } from '../serving/authenticate.ts';
import { BUNDLE_API_LIMITS, createBundleApi } from '../serving/bundle-api.ts';
import { ADDRESS_ANNOTATION, type Leader } from '../serving/leader.ts';
import { Relay } from '../serving/relay.ts';
import { RelayClient } from '../serving/relay-client.ts';
import { RelayReceiver } from '../serving/relay-receiver.ts';
import { type ServingMetrics, servingMetrics } from '../serving/serving-metrics.ts';
import { createOperatorAdmin } from '../telemetry/admin-server.ts';
import type { OperatorHealth } from '../telemetry/health.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';
import { admissionApp, type Review } from '../webhook/admission-app.ts';
import { KINDS } from '../webhook/admit.ts';
import { CHECK_PATH, INJECT_PATH, PodAdmission } from '../webhook/pod-admission.ts';
import { unreadRegistrations } from '../webhook/unread-registrations.ts';
import { VALIDATE_PATH, validation } from '../webhook/validating-webhook.ts';
import { namespaceFacts } from '../workloads/namespace-facts.ts';
import type { OperatorEnvironment } from './environment.ts';
import type { Replica } from './replica.ts';

/** ms; the API server gives up after 5 s. */
const FETCH_TIMEOUT = 2_000;

export interface ServersOptions {
  settings: OperatorSettings;
  env: OperatorEnvironment;
  client: KubeClient;
  health: OperatorHealth;
  metrics: OperatorMetrics;
  replica: Replica;
  leads(): boolean;
  leader(): Leader | undefined;
}

export interface Servers {
  /** Of the Lease: where the other replicas find the bundle API of this one. */
  annotations: Record<string, string>;
  close(): Promise<void>;
}

export async function openAdmin({ settings, health, metrics }: ServersOptionsForAdmin): Promise<() => Promise<void>> {
  const address = settings['listen.admin'];
  if (address === 'off') return async () => undefined;
  const server = createOperatorAdmin({ health, metrics: () => metrics.text(), hosts: settings.hosts });
  await listen('listen.admin', server, address);
  return async () => {
    server.close();
    server.closeAllConnections();
  };
}

type ServersOptionsForAdmin = Pick<ServersOptions, 'settings' | 'health' | 'metrics'>;

export async function openServers(options: ServersOptions, signal: AbortSignal): Promise<Servers> {
  const { settings, env, client, metrics, replica, leads } = options;
  const { clock, random, logger: log } = env;
  const { bundles, gateways, evidence, pods, directory, certificate } = replica;
  const serving: ServingMetrics = servingMetrics(metrics.registry, {
    waiting: () => api.waiting,
    gateways: () => gateways.size,
  });
  const authenticator = new Authenticator({
    client,
    clock,
    pods,
    directory,
    onReview: (result) => serving.reviewed(result),
  });
  const receiver = new RelayReceiver({
    client,
    clock,
    username: settings['relay.serviceAccount'],
    gateways,
    reports: evidence,
    leads,
  });
  const api = createBundleApi({
    bundles,
    authenticator,
    gateways,
    reports: evidence,
    relay: receiver,
    clock,
    log,
    metrics: serving,
  });
  const bundleServer = await openHttps({
    name: 'listen.bundles',
    address: settings['listen.bundles'],
    certificate,
    handler: api.app,
    limits: BUNDLE_API_LIMITS,
    clock,
  });
  const webhook = await openWebhook(options);
  const relayClient = new RelayClient({
    tokenFile: settings['relay.tokenFile'],
    ca: () => certificate.current().caBundle,
    serverName: `${settings['services.bundles']}.${settings.namespace}.svc`,
  });
  const relay = new Relay({
    gateways,
    reports: evidence,
    leader: options.leader,
    send: (address, batch, aborted) => relayClient.send(address, batch, aborted),
    clock,
    random,
    onResult: (result, items, error) => {
      serving.relayed(result, items);
      if (error !== undefined) log.warn('relay.failed', { items, error: errorName(error) });
    },
  });
  const relaying = relay.run(signal);
  const host = settings['pod.address'];
  const address = `${host.includes(':') ? `[${host}]` : host}:${bundleServer.address.port}`;
  log.info('listening', { bundles: address });
  return {
    annotations: { [ADDRESS_ANNOTATION]: address },
    async close() {
      api.close();
      await Promise.all([bundleServer.close(), webhook?.close()]);
      await relaying;
      await relayClient.close();
    },
  };
}

async function openWebhook(options: ServersOptions) {
  const { settings, env, metrics, replica } = options;
  const address = settings['listen.webhook'];
  if (address === 'off') return undefined;
  const handler = admissionApp({
    routes: routesOf(options),
    kinds: new Set([...KINDS, 'Pod']),
    monotonic: () => env.clock.monotonic(),
    onAnswer: ({ kind, allowed, duration }) =>
      metrics.webhook.admitted(kind, allowed ? 'allowed' : 'refused', duration),
    onDefect: (error) => env.logger.error('webhook.defect', { error: errorName(error) }),
  });
  const { certificate } = replica;
  return openHttps({ name: 'listen.webhook', address, certificate, handler, clock: env.clock });
}

function routesOf({ settings, env, client, replica }: ServersOptions): Record<string, Review> {
  const digest = (text: string): string => toHex(env.crypto.sha256(utf8(text)));
  const injection = injectionSettings(settings);
  for (const key of injection === undefined ? [] : ignoredGatewaySettings(injection)) {
    env.logger.warn('injection.setting-ignored', { code: 'AEGIS_SETTING_CONFLICT', key });
  }
  const pods = new PodAdmission({
    knowledge: replica.podFacts,
    settings: injection,
    digest,
    fetchNamespace: async (name) => {
      const namespace = await client.get<KubeObject>(NAMESPACE, { name }, { timeout: FETCH_TIMEOUT });
      return namespace && namespaceFacts(namespace);
    },
    unreadRegistrations: (name) => unreadRegistrations(client, replica.intake, name, FETCH_TIMEOUT),
    record: (event) => {
      if (settings.events) replica.recorder.record(event);
    },
  });
  const routes = { [INJECT_PATH]: pods.inject, [CHECK_PATH]: pods.check };
  if (!settings['webhook.validation']) return routes;
  const check = {
    platformNamespace: settings.namespace,
    digest,
    curable: settings['webhook.crossObject'] === 'Warn' ? ('warning' as const) : ('error' as const),
  };
  return { ...routes, [VALIDATE_PATH]: validation({ resources: replica.directory, check }) };
}
