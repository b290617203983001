import type { Logger } from '../../runtime/telemetry/logger.ts';
import { allowedHosts } from '../capture/allowed-hosts.ts';
import type { LeafContexts } from '../capture/ca/leaf-contexts.ts';
import type { UnknownHosts } from '../capture/ways/unknown-hosts.ts';
import type { Settings } from '../config/settings.ts';
import type { EgressCounts } from '../reports/egress-counts.ts';
import { defined } from './defined.ts';

export interface CaptureDeps {
  logger: Logger;
  now(): number;
  randomBytes(size: number): Uint8Array;
  /** Where hosts of no tool are told, if anywhere. */
  egress: EgressCounts | undefined;
}

/** The CA for the hosts of tools, and what its clients are to trust. @throws AegisError AEGIS_CA */
export async function openCa(settings: Settings, deps: CaptureDeps): Promise<LeafContexts | undefined> {
  const folder = settings['capture.caDirectory'];
  if (folder === undefined) return undefined;
  const { openLeafContexts } = await import('../capture/ca/open-leaf-contexts.ts');
  const { now, randomBytes } = deps;
  const files = { exportTo: settings['capture.caExport'], bundleTo: settings['capture.trustBundle'] };
  return openLeafContexts({ folder, ...defined(files) }, { now, randomBytes });
}

/** The way to hosts of no tool; undefined where they are all refused, and nobody wants to know. */
export async function openUnknownHosts(settings: Settings, deps: CaptureDeps): Promise<UnknownHosts | undefined> {
  const { logger, egress } = deps;
  const mode = settings['capture.unknownHosts'];
  const patterns = settings['capture.allowHosts'];
  if (mode === 'Refuse' && patterns.length === 0 && egress === undefined) return undefined;
  const { createUnknownHosts } = await import('../capture/ways/unknown-hosts.ts');
  return createUnknownHosts({
    allowPrivate: settings['upstream.allowPrivate'],
    allowed: allowedHosts(patterns),
    refuseOthers: mode === 'Refuse',
    // Otherwise clients of other networks could be let into this one.
    redirectedPrivate: settings['listen.peers'] === 'Machine',
    connectTimeout: settings['upstream.connectTimeout'],
    passed({ host, port }) {
      if (mode === 'Record') logger.info('host.unknown', { host, port });
      egress?.seen({ destination: host, port, protocol: 'tcp', refused: false });
    },
    refused: ({ host, port }) => egress?.seen({ destination: host, port, protocol: 'tcp', refused: true }),
  });
}
