import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { BundleLimits } from '../../policy/bundle/limits.ts';
import { type Clock, systemClock } from '../../runtime/time/clock.ts';
import type { ModuleCache } from '../activation/activate.ts';
import type { Activations } from '../activation/activations.ts';
import type { EvaluatorLimits } from '../evaluator/wasm-evaluator.ts';
import { Acknowledger } from './acknowledger.ts';
import type { BundleSource } from './bundle-source.ts';
import type { BundleListener, BundleProblem, BundleStatus } from './bundle-status.ts';
import { problemAt } from './bundle-status.ts';
import { folderStore } from './bundle-store.ts';
import { BundleUpdater, GATEWAY_LIMITS } from './bundle-updater.ts';
import { configMapSource } from './config-map-source.ts';
import { directorySource } from './directory-source.ts';
import type { HttpTarget } from './http-client.ts';
import { type HttpSourceOptions, httpSource } from './http-source.ts';
import { keyFiles } from './trusted-keys.ts';

/** Durations in ms. */
export type SourceSettings =
  | { kind: 'directory' | 'configMap'; path: string; pollInterval?: number }
  | ({ kind: 'http' } & HttpTarget & Pick<HttpSourceOptions, 'waitSeconds' | 'pollInterval' | 'backoff'>);

export interface BundleSettings {
  tenant: string;
  tenantUid?: string;
  /** Absent: all agents of a whole bundle. */
  agentId?: string;
  minSequence?: number;
  /** Files with PEM public keys or a key ring each. */
  keyFiles: readonly string[];
  /** The only key ids that count, whatever the file says. */
  pinnedKeys?: readonly string[];
  /** Where the last known good is kept; without it nothing survives a restart. */
  stateDir?: string;
  /** ms; can only tighten what the tenant says. */
  maxStaleness?: number;
  /** Low-risk reads by a stale bundle take this and the tenant's own word; `StaleReadOnly` when absent. */
  failMode?: 'Closed' | 'StaleReadOnly';
  sources: readonly SourceSettings[];
  acknowledge?: HttpTarget & { instance: string; interval?: number };
}

export interface BundleEnvironment {
  activations: Activations;
  crypto: CryptoProvider;
  clock?: Clock;
  /** From 0 up to 1. */
  random?: () => number;
  modules?: ModuleCache;
  limits?: BundleLimits;
  evaluatorLimits?: EvaluatorLimits;
}

export interface RunningBundles {
  status(): BundleStatus;
  subscribe(listener: BundleListener): () => void;
  /** Why the operator could not be told last, as long as that lasts. */
  acknowledgeError(): BundleProblem | undefined;
  /** Ends sources and acknowledgement; what is in force stays so. */
  close(): Promise<void>;
}

/**
 * Brings the last known good into force, then follows the sources in the background. Resolves once the disk has been
 * looked at, whether or not it had anything: without a bundle the gateway is closed, not down.
 * @throws AegisError `AEGIS_BUNDLE_INSECURE`.
 */
export async function startBundles(options: BundleSettings & BundleEnvironment): Promise<RunningBundles> {
  const { crypto, clock = systemClock, random = Math.random, limits = GATEWAY_LIMITS, stateDir } = options;
  const env = { crypto, clock, random, limits };
  const stopping = new AbortController();
  const sources = options.sources.map((settings) => openSource(settings, env, options.tenantUid));
  const updater = new BundleUpdater({
    ...picked(options),
    ...env,
    trustedKeys: keyFiles(options.keyFiles, {
      crypto,
      ...(options.pinnedKeys !== undefined && { pinned: new Set(options.pinnedKeys) }),
    }),
    ...(stateDir !== undefined && { store: folderStore(stateDir, { limits, crypto }) }),
  });
  let acknowledgeError: BundleProblem | undefined;
  const acknowledger =
    options.acknowledge &&
    new Acknowledger({
      ...options.acknowledge,
      updater,
      clock,
      random,
      onResult: (error) => {
        acknowledgeError = error && problemAt(error, clock.now());
      },
    });
  await updater.restore();
  const running = sources.map((source) => {
    const sink = updater.connect(source);
    return untilAborted(
      (signal) => source.run(sink, signal),
      (error) => sink.failed(error),
      clock,
      stopping.signal,
    );
  });
  if (acknowledger !== undefined) {
    running.push(
      untilAborted(
        (signal) => acknowledger.run(signal),
        () => undefined,
        clock,
        stopping.signal,
      ),
    );
  }
  return {
    status: () => updater.status(),
    subscribe: (listener) => updater.subscribe(listener),
    acknowledgeError: () => acknowledgeError,
    async close() {
      stopping.abort();
      await Promise.allSettled(running);
      await updater.stop();
    },
  };
}

const AFTER_DEFECT = 5_000;

/** A defect in one loop is told, and the loop begins anew: a gateway must not go deaf. */
async function untilAborted(
  work: (signal: AbortSignal) => Promise<void>,
  failed: (error: unknown) => void,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work(signal);
    } catch (error) {
      failed(error);
      await clock.sleep(AFTER_DEFECT, signal);
    }
  }
}

interface SourceEnvironment {
  crypto: CryptoProvider;
  clock: Clock;
  random(): number;
  limits: BundleLimits;
}

function openSource(settings: SourceSettings, env: SourceEnvironment, tenantUid: string | undefined): BundleSource {
  if (settings.kind === 'http') {
    const uid = tenantUid === undefined ? {} : { tenantUid };
    return httpSource({ ...settings, ...env, ...uid, maxBytes: env.limits.maxArchiveBytes });
  }
  return settings.kind === 'directory'
    ? directorySource({ ...settings, ...env })
    : configMapSource({ ...settings, ...env });
}

const NAMES = [
  ...(['activations', 'tenant', 'tenantUid', 'agentId', 'minSequence'] as const),
  ...(['maxStaleness', 'failMode', 'modules', 'evaluatorLimits'] as const),
];

/** Absent stays absent. */
function picked<T extends BundleSettings & BundleEnvironment>(options: T): Pick<T, (typeof NAMES)[number]> {
  const given = NAMES.filter((name) => options[name] !== undefined).map((name) => [name, options[name]]);
  return Object.fromEntries(given) as Pick<T, (typeof NAMES)[number]>;
}
