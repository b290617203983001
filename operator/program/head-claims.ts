import { fromBase64 } from '../../policy/bundle/encoding.ts';
import { AegisError } from '../../policy/errors.ts';
import { LruMap } from '../../runtime/lru-map.ts';
import type { Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import type { Publisher } from '../bundles/publisher.ts';
import type { TenantController } from '../controllers/tenant-controller.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { HeadClaim } from '../serving/gateway-table.ts';
import { RateLimit } from '../serving/rate-limit.ts';

export interface HeadClaimsOptions {
  claims(tenant: TenantIdentity): readonly HeadClaim[];
  controller: Pick<TenantController, 'raise'>;
  publisher: Pick<Publisher, 'acceptHigherHead'>;
  clock: Clock;
  log: Logger;
}

/** Signatures that one tenant's gateways may have looked at; whoever has a true one shows it again and again. */
const LOOKS = { burst: 16, perSecond: 2, maxKeys: 10_000 };
const MAX_REFUSED = 10_000;

/** Gateways show signed heads of ours above what is committed: the cluster was restored from a backup. */
export class HeadClaims {
  readonly #options: HeadClaimsOptions;
  readonly #looks: RateLimit;
  /** Pods by uid, with the head that was refused: saying it again changes nothing. */
  readonly #refused = new LruMap<string, string>(MAX_REFUSED);

  constructor(options: HeadClaimsOptions) {
    this.#options = options;
    this.#looks = new RateLimit({ clock: options.clock, ...LOOKS });
  }

  /** Looks at what the gateways of the tenant show, as far as it may cost. */
  consider(tenant: TenantIdentity): void {
    for (const claim of this.#options.claims(tenant)) {
      if (this.#refused.get(claim.podUid) === claim.head) continue;
      if (!this.#looks.take(tenant.uid)) return;
      this.#look(claim);
    }
  }

  #look({ tenant, podUid, head }: HeadClaim): void {
    const { controller, publisher, log } = this.#options;
    try {
      const bytes = fromBase64(head);
      const shown = bytes && publisher.acceptHigherHead(bytes, tenant);
      if (shown === undefined) return;
      log.warn('bundle.behind', { tenant: tenant.name, sequence: shown.sequence });
      controller.raise(tenant);
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      this.#refused.set(podUid, head);
      log.warn('bundle.claim-refused', { tenant: tenant.name, code: error.code });
    }
  }
}
