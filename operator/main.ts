/** The program `aegis operator`: the real clock, randomness, network and signals. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { nodeCrypto } from '../runtime/crypto/node-crypto.ts';
import { loadEngine } from '../runtime/load-engine.ts';
import { runProgram } from '../runtime/program/run-program.ts';
import { systemClock } from '../runtime/time/clock.ts';
import { completeSettings } from './config/complete-settings.ts';
import { OPERATOR_SETTINGS } from './config/operator-settings.ts';
import { VERSION } from './version.ts';

/** Kubernetes starts it again, as one that follows. */
const LOST_LEASE = 1;
const NAMESPACE_FILE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

await runProgram({
  settings: OPERATOR_SETTINGS,
  version: VERSION,
  defect: 'AEGIS_OPERATOR_DEFECT',
  complete: async (given) =>
    completeSettings(given, {
      serviceAccountNamespace: await namespaceOfPod(),
      hostName: hostname(),
      nonce: randomBytes(8).toString('hex'),
    }),
  level: (settings) => settings['telemetry.level'],
  async start(settings, logger) {
    // Loaded only now: help and checks of settings need nothing of it.
    const { startOperator } = await import('./operator.ts');
    const operator = await startOperator(settings, {
      logger,
      clock: systemClock,
      random: Math.random,
      randomBytes: (size) => randomBytes(size),
      crypto: nodeCrypto,
      engine: await loadEngine(import.meta.url),
      version: VERSION,
      started: performance.timeOrigin,
    });
    return {
      end: () => operator.close(),
      done: operator.done.then((end) => {
        if (end === 'released') return 0;
        logger.error('leader.lost', { code: 'AEGIS_LEADER_LOST' });
        return LOST_LEASE;
      }),
    };
  },
});

async function namespaceOfPod(): Promise<string | undefined> {
  try {
    return (await readFile(NAMESPACE_FILE, 'utf8')).trim() || undefined;
  } catch {
    return undefined;
  }
}
