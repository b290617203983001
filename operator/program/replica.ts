/** What every replica does: read the cluster, hold what is committed, serve gateways and the API server. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AegisError } from '../../policy/errors.ts';
import { CommittedBundles } from '../bundles/committed-bundles.ts';
import { openSigningKeys, type SigningKeys } from '../bundles/signing-keys.ts';
import { FileCertificate } from '../certificates/file-certificate.ts';
import { ServingCertificate } from '../certificates/serving-certificate.ts';
import { servingNames } from '../certificates/serving-names.ts';
import type { OperatorSettings } from '../config/settings.ts';
import { AcceptedRegistrations } from '../controllers/accepted-registrations.ts';
import { AcceptedTools } from '../controllers/accepted-tools.ts';
import { Directory } from '../controllers/directory.ts';
import { Documents } from '../controllers/documents.ts';
import { Intake } from '../controllers/intake.ts';
import { PodFacts } from '../controllers/pod-facts.ts';
import { RememberedAgents } from '../controllers/remembered-agents.ts';
import { Tenants } from '../controllers/tenants.ts';
import { TombstoneBook } from '../controllers/tombstone-book.ts';
import { EventRecorder } from '../kube/events.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeClient } from '../kube/types.ts';
import { EvidenceTable } from '../serving/evidence-table.ts';
import { GatewayTable } from '../serving/gateway-table.ts';
import { ViolationEvents } from '../serving/violation-events.ts';
import { healthOf, type OperatorHealth } from '../telemetry/health.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';
import { PodIndex } from '../workloads/pod-index.ts';
import { runsNow } from '../workloads/runs-now.ts';
import type { OperatorEnvironment } from './environment.ts';
import { Watches } from './watches.ts';

export interface ReplicaOptions {
  settings: OperatorSettings;
  env: OperatorEnvironment;
  client: KubeClient;
  health: OperatorHealth;
  metrics: OperatorMetrics;
  /** This replica leads at this moment. */
  leads(): boolean;
}

/** How often an API server that cannot be reached is asked again at the start, ms. */
const RETRY = 1_000;

export async function openReplica(options: ReplicaOptions, signal: AbortSignal) {
  const { settings, env, client, health, metrics, leads } = options;
  const { clock, random, crypto, randomBytes, logger: log } = env;
  const { namespace } = settings;

  const watches = new Watches({ client, clock, random, log, metrics: metrics.kube, health }, signal);
  const intake = new Intake(watches.kinds);
  const documents = new Documents((of, name) => watches.follow(of, name));
  const tenants = new Tenants({ intake, namespaces: watches.namespaces, documents, platformNamespace: namespace });
  const registrations = new AcceptedRegistrations(intake);
  const tools = new AcceptedTools(intake);
  const tombstones = new TombstoneBook();
  const directory = new Directory({ tenants, registrations, tombstones: (of) => tombstones.of(of) });
  watches.start();

  const keys = await untilReached(
    () => openSigningKeys({ client, namespace, clock, crypto, randomBytes, log }),
    options,
    signal,
  );
  const folder = settings['certificates.directory'] ?? '';
  const certificate =
    settings['certificates.mode'] === 'Files'
      ? await FileCertificate.open({ read: (name) => readFile(join(folder, name), 'utf8'), clock, log })
      : new ServingCertificate({
          client,
          namespace,
          clock,
          random,
          randomBytes,
          log,
          names: servingNames({
            services: [settings['services.webhook'], settings['services.bundles']],
            namespace,
            extra: settings['certificates.names'],
          }),
        });
  const bundles = new CommittedBundles({ client, namespace, clock, random, crypto, keys, log });
  const remembered = new RememberedAgents({
    ...{
      client,
      namespace,
      clock,
      random,
      crypto,
      keys,
      bundles,
      intake,
      tenants,
      registrations,
      tools,
      tombstones,
      log,
    },
  });
  const pods = new PodIndex({ client, clock, random, registrations });
  const podFacts = new PodFacts({
    ...{ intake, tenants, registrations, tools, directory, namespaces: watches.namespaces },
    ...{ pods, bundles, keys, certificate, clock },
  });
  const recorder = new EventRecorder({
    client,
    reportingController: 'aegis.dev/operator',
    reportingInstance: settings['pod.name'],
    clock,
    random,
  });
  const violations = new ViolationEvents({
    events: recorder,
    clock,
    registration: (key) => registrations.get(key),
  });
  const gateways = new GatewayTable({
    clock,
    isGone: ({ namespace: of, podName, podUid }) => pods.knows(of) && pods.podByUid(of, podName, podUid) === undefined,
  });
  const evidence = new EvidenceTable({
    clock,
    // followers pass reports on, and the leader tells once
    onViolations: (key, increments) => {
      if (leads() && settings.events) violations.add(key, increments);
    },
    runs: ({ namespace: of, podName, podUid, registration }) =>
      runsNow(pods.podByUid(of, podName, podUid), intake.get(`AgentRegistration ${registration}`)?.object),
  });
  health.add({ name: 'bundles', ready: () => healthOf(bundles.ready, 'committed bundles have not been read yet') });
  health.add({ name: 'keys', details: () => ({ problem: keys.problem?.code ?? null, pinned: keys.pinned() }) });

  const parts = [keys, bundles, remembered, pods, gateways, recorder, violations, certificate];
  const running = parts.map((part) => part.run(signal));
  metrics.webhook.addCertificate('serving', () => certificate.expiresAt);
  if (certificate instanceof ServingCertificate) await certificate.whenReady(signal);
  return {
    watches,
    intake,
    documents,
    tenants,
    registrations,
    tombstones,
    directory,
    keys,
    certificate,
    bundles,
    pods,
    podFacts,
    recorder,
    gateways,
    evidence,
    /** Resolves when everything has ended, after the signal was aborted. */
    ended: async () => {
      await Promise.all([...running, watches.ended()]);
    },
  };
}

export type Replica = Awaited<ReturnType<typeof openReplica>>;

/** The API server may start later than we do; what it refuses is another matter. */
async function untilReached(
  open: () => Promise<SigningKeys>,
  { env: { clock, logger } }: ReplicaOptions,
  signal: AbortSignal,
): Promise<SigningKeys> {
  for (;;) {
    try {
      return await open();
    } catch (error) {
      const passing = error instanceof KubeError && (error.status === 0 || error.status === 429 || error.status >= 500);
      if (!passing || signal.aborted) throw asAegis(error);
      logger.warn('api.unreachable', { status: error.status, reason: error.reason });
      await clock.sleep(RETRY, signal);
    }
  }
}

function asAegis(error: unknown): unknown {
  if (!(error instanceof KubeError)) return error;
  const message = `The API server refuses what the operator needs at its start: ${error.status} ${error.reason}.`;
  return new AegisError('AEGIS_API_REFUSED', message, { cause: error });
}
