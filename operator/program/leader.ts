/** What one replica alone does: commit, keep in order what is stored, and say what there is to say. */
import { toBase64Url, toHex, utf8 } from '../../policy/bundle/encoding.ts';
import { AegisError } from '../../policy/errors.ts';
import { ContentFiles } from '../../policy/publication/bundle-content.ts';
import { errorName } from '../../runtime/telemetry/logger.ts';
import { Publisher } from '../bundles/publisher.ts';
import { publishTrustedKeys, trustedKeysConfigMap } from '../bundles/trusted-keys.ts';
import { CaBundle, WEBHOOK_CONFIGURATIONS } from '../certificates/ca-bundle.ts';
import { bundleHolds } from '../certificates/pem-bundle.ts';
import { ServingCertificate } from '../certificates/serving-certificate.ts';
import { injectionSettings } from '../config/injection-settings.ts';
import type { OperatorSettings } from '../config/settings.ts';
import type { RegistrationObject } from '../controllers/accepted-registrations.ts';
import { BootstrapCopies } from '../controllers/bootstrap-copies.ts';
import { PodTemplates } from '../controllers/pod-templates.ts';
import { ScopedPods } from '../controllers/scoped-pods.ts';
import { StatusMarks } from '../controllers/status-marks.ts';
import { StatusViews } from '../controllers/status-views.ts';
import { TenantController } from '../controllers/tenant-controller.ts';
import type { KubeClient } from '../kube/types.ts';
import { KINDS } from '../model/intaken.ts';
import { StatusWriter } from '../status/status-writer.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';
import type { OperatorEnvironment } from './environment.ts';
import { evidenceFacts, resourceCounts } from './facts.ts';
import { HeadClaims } from './head-claims.ts';
import { keepHouse } from './housekeeping.ts';
import { readAnew } from './read-anew.ts';
import type { Replica } from './replica.ts';

export interface LeadOptions {
  settings: OperatorSettings;
  env: OperatorEnvironment;
  client: KubeClient;
  metrics: OperatorMetrics;
  replica: Replica;
}

const HOUR = 3_600_000;
/** Where no AgentTenant says otherwise (its schema's own defaults). */
const DEFAULTS = { maxStaleness: 72 * HOUR, retention: 10 };
const STATUS_WORKERS = 16;
/** Every gateway speaks at least every five minutes. */
const SETTLING = 6 * 60_000;
/** A pod with a gateway counts without a word of it after a minute; status details are written once a minute. */
const STARTING = 75_000;

/** Until the signal is aborted. @throws AegisError `AEGIS_HEAD_CONFLICT` where somebody else commits. */
export async function lead(options: LeadOptions, signal: AbortSignal): Promise<void> {
  const { settings, env, client, metrics, replica } = options;
  const { clock, random, crypto, logger: log } = env;
  const { namespace } = settings;
  const { tenants, intake, registrations, directory, keys, certificate, bundles, pods, gateways } = replica;
  const files = new ContentFiles(crypto);
  const publisher = new Publisher({
    files,
    client,
    namespace,
    clock,
    crypto,
    keys,
    engine: env.engine,
    log,
    onCommitting: (digest) => bundles.announce(digest),
    onCommitted: (identity, bundle) => bundles.adopt(identity, bundle),
  });
  if (!(await readAnew({ watches: replica.watches, keys, clock, log }, signal))) return;
  while (!tenants.synced && !signal.aborted) await clock.sleep(50, signal);
  if (signal.aborted) return;

  const controller: TenantController = new TenantController({
    tenants,
    publisher,
    crypto,
    files,
    platformNamespace: namespace,
    clock,
    random,
    log,
    workers: settings.workers,
    debounce: settings['publish.debounce'],
    maxDelay: settings['publish.maxDelay'],
    headLifetime: settings['publish.headLifetime'],
    ...DEFAULTS,
    evidence: (identity, question) => replica.evidence.evidence(identity, question),
    served: ({ name, uid }) => bundles.tenant(name, uid)?.head,
    onLoaded: (entries) => {
      for (const [key, { accepted, tombstone }] of entries) {
        if (key.startsWith('AgentRegistration ') && tombstone === undefined) {
          registrations.seed(accepted as RegistrationObject);
        }
      }
    },
    onStarted: () => {
      // no tenant's pass tells of one that was never valid
      for (const { key, valid } of intake.tenants()) if (!valid) status.mark(key);
    },
    onPass: (record, changed) => {
      const { committed } = record.outcome;
      if (committed !== undefined) replica.tombstones.update(committed.identity, committed.entries);
      for (const key of changed) status.mark(key);
      status.mark(`AgentTenant ${record.scope.identity.name}`);
      // what gateways showed before this replica led has told nobody
      claims.consider(record.scope.identity);
    },
    onDuration: ({ ms, sinceChange, outcome }) => {
      const { action, failure } = outcome;
      metrics.reconcile.reconciled('tenant', failure === undefined ? 'done' : 'failed', ms);
      if (action === 'published') metrics.publish.committed('content', sinceChange);
      if (action === 'renewed') metrics.publish.committed('renewal');
      if (failure instanceof AegisError && failure.code === 'AEGIS_HEAD_CONFLICT') metrics.publish.conflict();
    },
  });
  const scoped = new ScopedPods({ pods, gateways, monotonic: () => clock.monotonic() });
  const templates = new PodTemplates({
    knowledge: replica.podFacts,
    settings: injectionSettings(settings),
    digest: (text) => toHex(crypto.sha256(utf8(text))),
  });
  const began = clock.monotonic();
  const views = new StatusViews({
    intake,
    tenants,
    recordOf: (of) => {
      const scope = tenants.scopeOf(of);
      return scope && controller.record(scope.identity);
    },
    tenantRecord: (name) => {
      const scope = tenants.tenancy.scopes.get(name);
      return scope && controller.record(scope.identity);
    },
    scoped,
    tenantsKnown: () => controller.started,
    settling: () => clock.monotonic() - began < SETTLING,
    starting: () => clock.monotonic() - began < STARTING,
    platformNamespace: namespace,
    namespaceLabels: (name) => {
      const found = replica.watches.namespaces.get(name);
      return found && (found.metadata.labels ?? {});
    },
    podTemplate: (of, name) => templates.of(of, name),
    egressOf: (key) => replica.evidence.egressOf(key),
    now: () => clock.now(),
  });
  const status = new StatusWriter({
    client,
    clock,
    random,
    desired: (key) => views.desired(key),
    ...(settings.events && { recorder: replica.recorder }),
    onError: (key, error) => log.warn('status.failed', { resource: key, error: errorName(error) }),
  });
  const marks = new StatusMarks({
    scoped,
    record: (identity) => controller.record(identity),
    mark: (key) => status.mark(key),
  });
  const bootstrap = new BootstrapCopies({
    client,
    clock,
    random,
    crypto,
    bundles,
    registrations,
    directory,
    trust: () => ({ ring: keys.ring(), caPem: certificate.current().caBundle }),
    seal: (text) => toBase64Url(crypto.sign(keys.active().seed, utf8(`aegis-bootstrap-copy-v1\n${text}`))),
    log,
  });
  metrics.publish.readTenants(function* () {
    for (const { outcome } of controller.records()) {
      if (outcome.committed === undefined) continue;
      const { identity, manifest } = outcome.committed;
      const { agents, policies } = outcome.plan;
      const expiresAt = Date.parse(manifest.expiresAt);
      yield { tenant: identity.name, sequence: manifest.sequence, expiresAt, agents, policies };
    }
  });
  metrics.reconcile.readResources(() => resourceCounts(intake));
  metrics.evidence.readEvidence(() => evidenceFacts(controller.records(), replica.evidence));
  metrics.kube.addQueue('tenant', () => controller.stats());
  metrics.kube.addQueue('status', () => status.stats());
  metrics.kube.addQueue('bootstrap', () => bootstrap.stats());

  let publishedCa = '';
  const publishTrust = (): void => {
    const ca = certificate.current().caBundle;
    publishTrustedKeys(client, trustedKeysConfigMap(keys, ca, namespace)).then(
      () => {
        publishedCa = ca;
      },
      (error: unknown) => log.warn('trusted-keys.failed', { error: errorName(error) }),
    );
  };
  publishTrust();
  const claims = new HeadClaims({ claims: (of) => gateways.claims(of), controller, publisher, clock, log });
  const ends = [
    keys.subscribe(() => {
      publishTrust();
      bootstrap.refresh();
      controller.renewAll();
    }),
    certificate.subscribe(() => {
      publishTrust();
      bootstrap.refresh();
    }),
    gateways.subscribe(({ tenant, agentId, registration }) => {
      marks.agent(tenant, agentId, registration);
      claims.consider(tenant);
    }),
    pods.subscribe((key) => {
      const agent = directory.registration(key);
      if (agent !== undefined) marks.agent(agent.tenant, agent.agentId, key);
    }),
    replica.evidence.observe((boot) => {
      for (const { by, report } of replica.evidence.reports(boot)) {
        if (report.egress !== undefined) status.mark(`AgentRegistration ${by.registration}`);
      }
    }),
    // whether pods of the namespace get a gateway may be otherwise
    replica.watches.namespaces.subscribe((name) => {
      for (const { key, kind } of intake.inNamespace(name)) if (kind === 'AgentRegistration') status.mark(key);
    }),
    intake.subscribe((_now, before) => {
      const item = _now ?? before;
      if (item !== undefined) status.mark(item.key);
    }),
    bundles.subscribe((identity) => {
      if (bundles.tenant(identity.name, identity.uid) !== undefined) controller.found(identity);
    }),
    // whatever somebody else writes into a status is undone
    ...KINDS.map((kind) =>
      replica.watches.kinds[kind].subscribe((key, object) => {
        if (object !== undefined) status.seen(`${kind} ${key}`, object);
      }),
    ),
  ];

  const stop = new AbortController();
  const together = AbortSignal.any([signal, stop.signal]);
  const work: Promise<void>[] = [
    controller.run(together),
    status.run({ workers: STATUS_WORKERS }, together),
    bootstrap.run(together),
    keepHouse(
      {
        metrics: metrics.publish,
        evidence: replica.evidence,
        controller,
        claims,
        publisher,
        keys,
        publishTrust,
        onLeap: () => {
          for (const { key } of intake.values()) status.mark(key);
        },
        clock,
        random,
        log,
        retention: DEFAULTS.retention,
      },
      together,
    ),
  ];
  if (certificate instanceof ServingCertificate) {
    for (const { type, name } of WEBHOOK_CONFIGURATIONS) {
      const caBundle = new CaBundle({ client, type, name, certificate, clock, random, log });
      ends.push(certificate.addConsumer(caBundle));
      work.push(caBundle.run(together));
    }
    ends.push(certificate.addConsumer({ holds: (ca) => bundleHolds(publishedCa, ca) && bootstrap.settled }));
    work.push(certificate.rotate(together));
  }
  try {
    // whichever ends first ends the others: half a leader is none
    await Promise.race(work);
    stop.abort();
    await Promise.all(work);
  } catch (error) {
    stop.abort();
    await Promise.allSettled(work);
    throw error;
  } finally {
    for (const end of ends) end();
  }
}
