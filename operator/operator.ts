/** The operator, put together: every replica reads and serves, one of them leads. */

import { AegisError } from '../policy/errors.ts';
import type { OperatorSettings } from './config/settings.ts';
import { createKubeClient } from './kube/client.ts';
import { LeaderElection } from './kube/lease.ts';
import type { OperatorEnvironment } from './program/environment.ts';
import { lead } from './program/leader.ts';
import { openReplica } from './program/replica.ts';
import { openAdmin, openServers } from './program/servers.ts';
import { leaderOf } from './serving/leader.ts';
import { OperatorHealth } from './telemetry/health.ts';
import { measuredClient } from './telemetry/measured-client.ts';
import { OperatorMetrics } from './telemetry/operator-metrics.ts';

export interface RunningOperator {
  /** `lost`: somebody else may lead now; the process must end. */
  done: Promise<'released' | 'lost'>;
  /** Gives the Lease back and ends everything. */
  close(): Promise<void>;
}

const LEASE = 'aegis-operator';

/** @throws AegisError for settings that do not hold (an address), and where the API server refuses what is needed. */
export async function startOperator(settings: OperatorSettings, env: OperatorEnvironment): Promise<RunningOperator> {
  const { logger: log, clock, random, version, started } = env;
  const stopping = new AbortController();
  const { signal } = stopping;
  const { kubeconfig, namespace, identity } = settings;
  const plain = createKubeClient({
    userAgent: `aegis-operator/${version}`,
    ...(kubeconfig !== undefined && { kubeconfig }),
    clock,
    random,
  });
  const health = new OperatorHealth({ version, started, now: () => clock.now() });
  const metrics = new OperatorMetrics({ version, started, monotonic: () => clock.monotonic(), health });
  const client = measuredClient(plain, metrics.kube, clock);
  let annotations: Record<string, string> = {};
  const election = new LeaderElection({
    client,
    namespace,
    name: LEASE,
    identity,
    clock,
    random,
    leaseDuration: settings['leader.leaseDuration'],
    renewDeadline: settings['leader.renewDeadline'],
    retryPeriod: settings['leader.retryPeriod'],
    annotations: () => annotations,
    onError: () => log.warn('lease.failed'),
  });
  health.add({
    name: 'leader',
    details: () => ({ leads: election.leading, holder: election.holder()?.identity ?? null }),
  });
  const leads = (): boolean => election.leading;
  const closeAdmin = await openAdmin({ settings, health, metrics });
  try {
    const replica = await openReplica({ settings, env, client, health, metrics, leads }, signal);
    const leader = () => leaderOf(election.holder(), identity, settings['listen.bundles'].port);
    const servers = await openServers({ settings, env, client, health, metrics, replica, leads, leader }, signal);
    annotations = servers.annotations;
    const work = async (term: AbortSignal): Promise<void> => {
      log.info('leader.started', { identity });
      metrics.kube.leads(true);
      try {
        await lead({ settings, env, client, metrics, replica }, term);
      } finally {
        metrics.kube.leads(false);
      }
    };
    const done = election.run(work, signal).catch((error: unknown) => {
      if (!(error instanceof AegisError) || error.code !== 'AEGIS_HEAD_CONFLICT') throw error;
      log.error('leader.overtaken', { code: error.code });
      return 'lost' as const;
    });
    // told by whoever waits for it; until then it is no defect of its own
    done.catch(() => undefined);
    return {
      done,
      async close() {
        health.end();
        stopping.abort();
        await done.catch(() => undefined);
        await servers.close();
        await replica.ended();
        await closeAdmin();
        await client.close();
        log.info('ended');
      },
    };
  } catch (error) {
    stopping.abort();
    await closeAdmin();
    await client.close();
    throw error;
  }
}
