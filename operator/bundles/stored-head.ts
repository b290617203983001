import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { KeyRing } from '../../policy/bundle/key-ring.ts';
import type { VerifyHeadOptions } from '../../policy/bundle/verify-head.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';

/**
 * How the operator verifies what it has stored itself: by every key that it ever had and has not revoked. How old or new a
 * head is, is for those to judge who enforce it; clocks of operators decide nothing here.
 */
export function storedHead(
  identity: TenantIdentity,
  keys: { storedRing(): KeyRing },
  crypto: CryptoProvider,
): VerifyHeadOptions {
  return {
    keyRing: keys.storedRing(),
    tenant: identity.name,
    tenantUid: identity.uid,
    now: 0,
    maxClockSkewMs: Number.POSITIVE_INFINITY,
    ignoreExpiry: true,
    crypto,
  };
}
