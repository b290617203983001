import type { BundleProblem, BundleStatus } from '../bundles/bundle-status.ts';
import type { ActivationSource } from '../enforcement/activation.ts';
import type { LogState } from './log-queue.ts';
import type { OtlpState } from './otlp-exporter.ts';

/** What the gateway says of itself at `/health`. No names of parameters, no values, no secrets. */
export interface HealthParts {
  version: string;
  /** ms since the epoch, when the process started. */
  started: number;
  now(): number;
  /** starting: listeners are not open yet. draining: on the way out. */
  phase(): 'starting' | 'running' | 'draining';
  activations: ActivationSource;
  bundle?(): BundleStatus | undefined;
  /** Why the operator could not be told last what is in force; absent where it is not told at all. */
  acknowledge?(): BundleProblem | undefined;
  limits(): LimitsHealth;
  log?(): LogState;
  traces?(): OtlpState;
  inFlight(): number;
}

export interface LimitsHealth {
  store: 'memory' | 'redis';
  /** False: the shared store cannot be reached, and calls with limits go by risk. */
  available: boolean;
}

export interface Health {
  live: true;
  /** Calls can be decided here. */
  ready: boolean;
  /** Why not. */
  reason?: string;
  body: Record<string, unknown>;
}

const seconds = (ms: number): number => Math.max(0, Math.round(ms / 1000));
const time = (ms: number): string => new Date(ms).toISOString();

/** Why calls cannot be decided here; undefined where they can. */
export function notReady({ phase, activations, bundle }: HealthParts): string | undefined {
  const now = phase();
  if (now !== 'running') return now;
  if (activations.list().length === 0) return 'no bundle';
  const status = bundle?.();
  if (status?.state === 'none') return 'no bundle';
  return status?.state === 'stale' && status.failMode !== 'StaleReadOnly' ? 'bundle is stale' : undefined;
}

function bundleHealth(status: BundleStatus): Record<string, unknown> {
  const { active, age, lastError, sources } = status;
  return {
    state: status.state,
    ...(active !== undefined && {
      sequence: active.sequence,
      digest: active.digest,
      issued_at: time(active.issuedAt),
      key_id: active.keyId,
      source: active.source,
      freeze: active.freeze.mode,
    }),
    ...(age !== undefined && { age_seconds: seconds(age) }),
    stale: status.state === 'stale',
    ...(status.maxStaleness !== undefined && { max_staleness_seconds: seconds(status.maxStaleness) }),
    ...(status.failMode !== undefined && { fail_mode: status.failMode }),
    ...(status.stored !== undefined && { stored: status.stored }),
    behind: status.behind,
    refusals: status.refusals,
    failures: status.failures,
    ...(lastError !== undefined && {
      last_error: { code: lastError.code, source: lastError.source, at: time(lastError.at) },
    }),
    ...(status.storeError !== undefined && { store_error: status.storeError.code }),
    ...(status.keysError !== undefined && { keys_error: status.keysError.code }),
    sources: sources.map(({ kind, place, lastSuccess, lastError: error }) => ({
      kind,
      place,
      ...(lastSuccess !== undefined && { last_success: time(lastSuccess) }),
      ...(error !== undefined && { error: error.code }),
    })),
  };
}

function acknowledgeHealth({ acknowledge }: HealthParts): Record<string, unknown> {
  const error = acknowledge?.();
  return error === undefined ? {} : { acknowledge_error: error.code };
}

function logHealth({ memoryBytes, spillBytes, ...counts }: LogState): Record<string, unknown> {
  return { ...counts, memory_bytes: memoryBytes, spill_bytes: spillBytes };
}

export function health(parts: HealthParts): Health {
  const now = parts.now();
  const reason = notReady(parts);
  const status = parts.bundle?.();
  const bundles = parts.activations.list().map(({ tenant, sequence, activatedAt, freeze }) => ({
    tenant,
    sequence,
    activated_at: time(activatedAt),
    age_seconds: seconds(now - activatedAt),
    ...(freeze !== undefined && { freeze }),
  }));
  const ready = reason === undefined;
  const log = parts.log?.();
  const traces = parts.traces?.();
  const body = {
    live: true,
    ready,
    ...(reason !== undefined && { reason }),
    version: parts.version,
    uptime_seconds: seconds(now - parts.started),
    calls_in_flight: parts.inFlight(),
    bundles,
    ...(status !== undefined && { bundle: { ...bundleHealth(status), ...acknowledgeHealth(parts) } }),
    limits: parts.limits(),
    ...(log !== undefined && { decision_log: logHealth(log) }),
    ...(traces !== undefined && { traces }),
  };
  return { live: true, ready, ...(reason !== undefined && { reason }), body };
}
