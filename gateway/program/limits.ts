import type { Settings } from '../config/settings.ts';
import type { LimitStore, LimitStoreStatus } from '../limits/limit-store.ts';
import { createMemoryLimitStore } from '../limits/memory-limit-store.ts';
import type { LimitsHealth } from '../telemetry/health.ts';
import { defined } from './defined.ts';
import { readSecret, readSettingFile } from './setting-file.ts';

export interface LimitDeps {
  now(): number;
  random(): number;
  /** Names this process's holds. */
  instance: string;
  onStatus(status: LimitStoreStatus): void;
  onError(error: unknown): void;
}

/** The store of rates and budgets; the shared one is loaded only where it is used. */
export async function openLimits(settings: Settings, deps: LimitDeps): Promise<LimitStore> {
  if (settings['limits.store'] === 'memory') return createMemoryLimitStore(deps.now);
  const { createRedisLimitStore } = await import('../limits/redis-limit-store.ts');
  const username = settings['limits.redis.username'];
  const passwordFile = settings['limits.redis.passwordFile'];
  readSettingFile(settings, 'limits.redis.passwordFile');
  const tls = defined({
    ca: readSettingFile(settings, 'limits.redis.caFile'),
    cert: readSettingFile(settings, 'limits.redis.certificateFile'),
    key: readSettingFile(settings, 'limits.redis.keyFile'),
  });
  const url = settings['limits.redis.url'] as URL;
  return createRedisLimitStore(
    {
      url: url.href,
      tls,
      prefix: settings['limits.redis.prefix'],
      timeout: settings['limits.redis.timeout'],
      credentials: () => defined({ username, password: passwordFile && readSecret(passwordFile) }),
    },
    deps,
  );
}

export function limitsHealth(store: LimitStore, settings: Settings): LimitsHealth {
  const status = store.status?.();
  return {
    store: settings['limits.store'],
    available: status === undefined || status.state === 'ready',
    ...defined({ reason: status?.reason, evicts: status?.evicts }),
  };
}
