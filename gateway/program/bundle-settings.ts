import type { BundleSettings, SourceSettings } from '../bundles/start-bundles.ts';
import type { Settings } from '../config/settings.ts';
import { defined } from './defined.ts';

function httpTarget(settings: Settings, url: URL) {
  return {
    url: url.href,
    ...defined({
      tokenFile: settings['bundle.tokenFile'],
      ca: settings['bundle.ca'],
      caFile: settings['bundle.caFile'],
    }),
  };
}

/** The name of this gateway among those of the same agent. */
function instanceName(settings: Settings, hostName: string): string {
  return settings['bundle.acknowledge.instance'] ?? hostName;
}

/** Where counts are reported to; undefined where they are not. */
export function reportSettings(settings: Settings, hostName: string) {
  const url = settings['report.url'];
  if (url === undefined) return undefined;
  const interval = settings['report.interval'];
  return { ...httpTarget(settings, url), instance: instanceName(settings, hostName), interval };
}

/** The settings of bundles as the bundles want them. */
export function bundleSettings(settings: Settings, hostName: string): BundleSettings {
  const poll = defined({ pollInterval: settings['bundle.pollInterval'] });
  const sources: SourceSettings[] = [];
  for (const kind of ['directory', 'configMap'] as const) {
    const path = settings[`bundle.${kind}`];
    if (path !== undefined) sources.push({ kind, path, ...poll });
  }
  const url = settings['bundle.url'];
  if (url !== undefined) {
    const waitSeconds = Math.round(settings['bundle.pollWait'] / 1000);
    sources.push({ kind: 'http', ...httpTarget(settings, url), waitSeconds, ...poll });
  }
  const acknowledge = settings['bundle.acknowledge.url'];
  const pinned = settings['bundle.pinnedKeys'];
  const tenant = settings.tenant as string;
  return {
    tenant,
    // What `aegis sign` writes for a tenant that no cluster has given a uid.
    tenantUid: settings.tenantUid ?? `local:${tenant}`,
    keyFiles: settings['bundle.trustedKeys'],
    minSequence: settings['bundle.minSequence'],
    failMode: settings['bundle.failMode'],
    sources,
    ...(pinned.length > 0 && { pinnedKeys: pinned }),
    ...defined({
      agentId: settings.agent,
      stateDir: settings['bundle.store'],
      maxStaleness: settings['bundle.maxStaleness'],
    }),
    ...(acknowledge !== undefined && {
      acknowledge: {
        ...httpTarget(settings, acknowledge),
        instance: instanceName(settings, hostName),
        ...defined({ interval: settings['bundle.acknowledge.interval'] }),
      },
    }),
  };
}
