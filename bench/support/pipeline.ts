/** The product's own way from resources to an active slice, as benchmarks need it. */
import { readFileSync } from 'node:fs';
import { activate, type ModuleCache } from '../../gateway/activation/activate.ts';
import type { Activation } from '../../gateway/enforcement/activation.ts';
import { toHex } from '../../policy/bundle/encoding.ts';
import { keyRingOf } from '../../policy/bundle/key-ring.ts';
import { publicKeyToPem, signingKeyFromSeed } from '../../policy/bundle/keys.ts';
import { SLICE_LIMITS } from '../../policy/bundle/limits.ts';
import { verifyBundle } from '../../policy/bundle/verify-bundle.ts';
import { type CompiledTenant, compile } from '../../policy/compiler/compile.ts';
import type { CompileCache } from '../../policy/compiler/compile-cache.ts';
import type { Engine } from '../../policy/publication/bundle-content.ts';
import { BundleSession } from '../../policy/publication/bundle-session.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import { nodeCrypto } from '../../runtime/crypto/node-crypto.ts';
import { ALLOWED_CALL, TENANT } from './tenant.ts';

const folder = new URL('../../policy/rego/', import.meta.url);
export const engine: Engine = {
  rego: new Uint8Array(readFileSync(new URL('policy.rego', folder))),
  wasm: new Uint8Array(readFileSync(new URL('policy.wasm', folder))),
};

const encoder = new TextEncoder();
const key = signingKeyFromSeed(new Uint8Array(32).fill(7), nodeCrypto);
export const trustedKeyPem = publicKeyToPem(key.publicKey);
export const keyRing = keyRingOf([key.publicKey], nodeCrypto);

export function newSession(): BundleSession {
  return new BundleSession({ engine, crypto: nodeCrypto, key, clock: Date.now, lifetime: 3_600_000 });
}

export function compileTenant(resources: readonly LoadedResource[], cache?: CompileCache): CompiledTenant {
  const compilation = compile(resources, {
    digest: (text) => toHex(nodeCrypto.sha256(encoder.encode(text))),
    ...(cache === undefined ? {} : { cache }),
  });
  const errors = compilation.findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new Error(errors[0]?.message);
  return compilation.tenants[0] as CompiledTenant;
}

/** Verifies and activates what the gateway of agent-0 receives. */
export function activateArchive(archive: Uint8Array, modules: ModuleCache): Activation {
  const verified = verifyBundle(archive, {
    keyRing,
    tenant: TENANT,
    tenantUid: `local:${TENANT}`,
    agentId: ALLOWED_CALL.agent,
    now: Date.now(),
    crypto: nodeCrypto,
    limits: SLICE_LIMITS,
  });
  return activate(verified, { clock: Date.now, modules });
}
