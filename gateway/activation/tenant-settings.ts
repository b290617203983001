import { AegisError } from '../../policy/errors.ts';
import { parseWindow } from '../limits/limit-window.ts';

/** What the tenant's part of a bundle says to gateways themselves. */
export interface TenantSettings {
  readonly failMode: 'Closed' | 'StaleReadOnly';
  /** ms. */
  readonly maxStaleness: number;
}

/** As the AgentTenant's schema says. */
const DEFAULT_MAX_STALENESS = 72 * 3_600_000;

/**
 * Reads the verified tenant part. A fail mode that is not known here is Closed.
 * @throws AegisError `AEGIS_ACTIVATION` where `maxStaleness` is not a duration: no bound would widen.
 */
export function tenantSettings(text: string): TenantSettings {
  const { failMode, maxStaleness } = JSON.parse(text) as { failMode?: unknown; maxStaleness?: unknown };
  return {
    failMode: failMode === 'StaleReadOnly' ? failMode : 'Closed',
    maxStaleness: maxStaleness === undefined ? DEFAULT_MAX_STALENESS : duration(maxStaleness),
  };
}

function duration(value: unknown): number {
  const window = typeof value === 'string' ? parseWindow(value) : undefined;
  if (window?.kind === 'sliding') return window.length;
  throw new AegisError('AEGIS_ACTIVATION', 'The maxStaleness of the tenant is not a duration.');
}
