/** What one replica alone does: commit, keep in order what is stored, and say what there is to say. */
import { fromBase64 } from '../../policy/bundle/encoding.ts';
import { formatKeyRing } from '../../policy/bundle/key-ring.ts';
import { AegisError } from '../../policy/errors.ts';
import { errorName } from '../../runtime/telemetry/logger.ts';
import { Publisher } from '../bundles/publisher.ts';
import { publishTrustedKeys, trustedKeysConfigMap } from '../bundles/trusted-keys.ts';
import { CaBundle, VALIDATING_WEBHOOKS, VALIDATION_WEBHOOK } from '../certificates/ca-bundle.ts';
import { ServingCertificate } from '../certificates/serving-certificate.ts';
import type { OperatorSettings } from '../config/settings.ts';
import type { RegistrationObject } from '../controllers/accepted-registrations.ts';
import { BootstrapCopies } from '../controllers/bootstrap-copies.ts';
import { ScopedPods } from '../controllers/scoped-pods.ts';
import { StatusMarks } from '../controllers/status-marks.ts';
import { StatusViews } from '../controllers/status-views.ts';
import { TenantController } from '../controllers/tenant-controller.ts';
import type { KubeClient } from '../kube/types.ts';
import { StatusWriter } from '../status/status-writer.ts';
import type { OperatorMetrics } from '../telemetry/operator-metrics.ts';
import type { OperatorEnvironment } from './environment.ts';
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
const HOUSEKEEPING = 30_000;

/** Until the signal is aborted. @throws AegisError `AEGIS_HEAD_CONFLICT` where somebody else commits. */
export async function lead(options: LeadOptions, signal: AbortSignal): Promise<void> {
  const { settings, env, client, metrics, replica } = options;
  const { clock, random, crypto, logger: log } = env;
  const { namespace } = settings;
  const { tenants, intake, registrations, directory, keys, certificate, bundles, pods, gateways } = replica;
  const publisher = new Publisher({
    client,
    namespace,
    clock,
    crypto,
    keys,
    engine: env.engine,
    log,
    onCommitted: (identity, bundle) => bundles.adopt(identity, bundle),
  });
  await replica.watches.whenSynced(signal);
  while (!tenants.synced && !signal.aborted) await clock.sleep(50, signal);
  if (signal.aborted) return;

  const controller: TenantController = new TenantController({
    tenants,
    publisher,
    crypto,
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
    onLoaded: (entries) => {
      for (const [key, { accepted, tombstone }] of entries) {
        if (key.startsWith('AgentRegistration ') && tombstone === undefined) {
          registrations.seed(accepted as RegistrationObject);
        }
      }
    },
    onPass: (record, changed) => {
      const { committed } = record.outcome;
      if (committed !== undefined) replica.tombstones.update(committed.identity, committed.entries);
      for (const key of changed) status.mark(key);
      status.mark(`AgentTenant ${record.scope.identity.name}`);
    },
    onDuration: (ms, action) => {
      metrics.reconcile.reconciled('tenant', 'done', ms);
      if (action !== 'none') metrics.publish.committed(action === 'published' ? 'content' : 'renewal', ms);
    },
  });
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
    pods,
    gateways,
    platformNamespace: namespace,
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
    scoped: new ScopedPods({ pods, gateways }),
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
    trust: () => ({ keyring: formatKeyRing(keys.ring()), ca: certificate.current().caBundle }),
    log,
  });
  metrics.kube.addQueue('tenant', () => controller.stats());
  metrics.kube.addQueue('status', () => status.stats());
  metrics.kube.addQueue('bootstrap', () => bootstrap.stats());

  const publishTrust = (): void => {
    const configMap = trustedKeysConfigMap(keys, certificate.current().caBundle, namespace);
    publishTrustedKeys(client, configMap).catch((error: unknown) => {
      log.warn('trusted-keys.failed', { error: errorName(error) });
    });
  };
  publishTrust();
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
      for (const claim of gateways.claims(tenant)) considerClaim(claim);
    }),
    pods.subscribe((key) => {
      const agent = directory.registration(key);
      if (agent !== undefined) marks.agent(agent.tenant, agent.agentId, key);
    }),
    intake.subscribe((_now, before) => {
      const item = _now ?? before;
      if (item !== undefined) status.mark(item.key);
    }),
  ];

  /** A signed head of ours above what is committed: the cluster was restored from a backup. */
  function considerClaim(claim: { tenant: { name: string; uid: string }; head: string }): void {
    try {
      const bytes = fromBase64(claim.head);
      const shown = bytes && publisher.acceptHigherHead(bytes, claim.tenant);
      if (shown === undefined) return;
      log.warn('bundle.behind', { tenant: claim.tenant.name, sequence: shown.sequence });
      controller.raise(claim.tenant, shown.sequence);
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      log.warn('bundle.claim-refused', { tenant: claim.tenant.name, code: error.code });
    }
  }

  async function keepHouse(): Promise<void> {
    while (!signal.aborted) {
      await clock.sleep(HOUSEKEEPING * (0.8 + 0.4 * random()), signal);
      if (signal.aborted) return;
      try {
        for (const { outcome } of controller.records()) {
          if (outcome.committed === undefined) continue;
          const repaired = await controller.exclusively(outcome.committed.identity, (committed) =>
            publisher.repair(committed),
          );
          if (repaired !== undefined && repaired.length > 0)
            log.warn('bundle.repaired', { objects: repaired.length, first: repaired[0] ?? '' });
        }
        await publisher.collectGarbage(DEFAULTS.retention);
        await keys.restore();
      } catch (error) {
        if (error instanceof AegisError && error.code === 'AEGIS_HEAD_CONFLICT') throw error;
        log.warn('housekeeping.failed', { error: errorName(error) });
      }
    }
  }

  const stop = new AbortController();
  const together = AbortSignal.any([signal, stop.signal]);
  const work: Promise<void>[] = [
    controller.run(together),
    status.run({ workers: STATUS_WORKERS }, together),
    bootstrap.run(together),
    keepHouse(),
  ];
  if (certificate instanceof ServingCertificate) {
    const options = { client, type: VALIDATING_WEBHOOKS, name: VALIDATION_WEBHOOK, certificate, clock, random, log };
    const caBundle = new CaBundle(options);
    ends.push(certificate.addConsumer(caBundle));
    work.push(caBundle.run(together), certificate.rotate(together));
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
