import { AegisError } from '../../policy/errors.ts';
import { errorName, type Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { Publisher } from '../bundles/publisher.ts';
import type { SigningKeys } from '../bundles/signing-keys.ts';
import type { TenantController } from '../controllers/tenant-controller.ts';
import type { EvidenceTable } from '../serving/evidence-table.ts';
import type { PublishMetrics } from '../telemetry/metrics/publish-metrics.ts';
import type { HeadClaims } from './head-claims.ts';

export interface HousekeepingOptions {
  metrics: PublishMetrics;
  evidence: EvidenceTable;
  controller: TenantController;
  /** Whose time had not come yet, or whom nothing has made look again. */
  claims: Pick<HeadClaims, 'consider'>;
  publisher: Publisher;
  keys: SigningKeys;
  /** Writes what gateways trust where it is not as it should be. */
  publishTrust(): void;
  /** The wall clock was set, or the machine has slept: what waits for a time waits for the wrong one. */
  onLeap(): void;
  clock: Clock;
  random(): number;
  log: Logger;
  /** Heads that are kept of tenants that do not say otherwise. */
  retention: number;
}

/** ms between two rounds. */
const INTERVAL = 30_000;
/** ms by which the wall clock has left the other one. */
const LEAP = 10_000;
/** That are looked at in one round. */
const TENANTS = 20;

/**
 * Now and then: what is stored is compared with what was committed, what nothing refers to is cleared away, and keys that
 * somebody deleted are written again. @throws AegisError `AEGIS_HEAD_CONFLICT`.
 */
export async function keepHouse(options: HousekeepingOptions, signal: AbortSignal): Promise<void> {
  const { clock, random, log } = options;
  let turn = 0;
  let drift = clock.now() - clock.monotonic();
  while (!signal.aborted) {
    await clock.sleep(INTERVAL * (0.8 + 0.4 * random()), signal);
    if (signal.aborted) return;
    const before = drift;
    drift = clock.now() - clock.monotonic();
    if (Math.abs(drift - before) > LEAP) options.onLeap();
    try {
      await round(options, turn++);
    } catch (error) {
      if (error instanceof AegisError && error.code === 'AEGIS_HEAD_CONFLICT') throw error;
      log.warn('housekeeping.failed', { error: errorName(error) });
    }
  }
}

async function round(options: HousekeepingOptions, turn: number): Promise<void> {
  const { controller, publisher, keys, publishTrust, log, retention, metrics, evidence } = options;
  controller.wakeDue();
  for (const { outcome } of inTurn(controller.records(), turn)) {
    if (outcome.committed === undefined) continue;
    const { identity } = outcome.committed;
    const repaired = (await controller.exclusively(identity, (committed) => publisher.repair(committed))) ?? [];
    for (const name of repaired) metrics.repaired(name.startsWith('aegis-head') ? 'head' : 'shard');
    if (repaired.length > 0) {
      log.warn('bundle.repaired', { tenant: identity.name, objects: repaired.length, first: repaired[0] ?? '' });
    }
  }
  const policies = new Map<string, ReadonlySet<string>>();
  for (const { scope, outcome } of controller.records()) {
    policies.set(scope.identity.uid, new Set(outcome.plan.results.keys()));
  }
  for (const { scope } of controller.records()) options.claims.consider(scope.identity);
  evidence.retain((uid, policy) => {
    const known = policies.get(uid);
    return known !== undefined && (policy === undefined || known.has(`AgentPolicy ${policy}`));
  });
  await publisher.collectGarbage(retention);
  if (await keys.restore()) log.warn('signing-keys.restored');
  publishTrust();
}

/** Some tenants in this round, others in the next: each costs a handful of requests. */
function inTurn<T>(all: Iterable<T>, turn: number): T[] {
  const list = [...all];
  if (list.length <= TENANTS) return list;
  const start = (turn * TENANTS) % list.length;
  return [...list.slice(start), ...list.slice(0, start)].slice(0, TENANTS);
}
