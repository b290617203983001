import { readFile } from 'node:fs/promises';
import { endianness } from 'node:os';
import { errorName, type Logger } from '../../runtime/telemetry/logger.ts';
import { ownAddresses } from '../capture/http/peers.ts';
import type { Settings } from '../config/settings.ts';
import type { EgressCounts } from '../reports/egress-counts.ts';

export interface EgressDeps {
  logger: Logger;
  egress: EgressCounts | undefined;
}

const HTTP_PORT = 80;
const HTTPS_PORT = 443;

/** Looks where others of the pod connect to; undefined where nobody wants to know. */
export async function openEgressObserver(
  settings: Settings,
  { logger, egress }: EgressDeps,
): Promise<{ stop(): void } | undefined> {
  if (egress === undefined) return undefined;
  const { observeEgress } = await import('../egress/observe-egress.ts');
  const redirected = new Set<number>();
  if (settings['listen.http'] !== 'off') redirected.add(HTTP_PORT);
  if (settings['listen.tls'] !== 'off') redirected.add(HTTPS_PORT);
  return observeEgress({
    readFile: (path) => readFile(path, 'utf8'),
    littleEndian: endianness() === 'LE',
    ownUid: process.getuid?.() ?? -1,
    redirected,
    ownAddresses,
    seen: ({ address, port, protocol }) => egress.seen({ destination: address, port, protocol, refused: false }),
    failed: (error) => logger.warn('egress.unreadable', { error: errorName(error) }),
  });
}
