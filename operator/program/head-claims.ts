import { fromBase64 } from '../../policy/bundle/encoding.ts';
import { AegisError } from '../../policy/errors.ts';
import type { Logger } from '../../runtime/telemetry/logger.ts';
import type { Publisher } from '../bundles/publisher.ts';
import type { TenantController } from '../controllers/tenant-controller.ts';
import type { HeadClaim } from '../serving/gateway-table.ts';

/** A gateway shows a signed head of ours above what is committed: the cluster was restored from a backup. */
export function considerClaim(
  { tenant, head }: HeadClaim,
  { controller, publisher, log }: { controller: TenantController; publisher: Publisher; log: Logger },
): void {
  try {
    const bytes = fromBase64(head);
    const shown = bytes && publisher.acceptHigherHead(bytes, tenant);
    if (shown === undefined) return;
    log.warn('bundle.behind', { tenant: tenant.name, sequence: shown.sequence });
    controller.raise(tenant);
  } catch (error) {
    if (!(error instanceof AegisError)) throw error;
    log.warn('bundle.claim-refused', { tenant: tenant.name, code: error.code });
  }
}
