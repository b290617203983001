import { type BundleContent, buildBundle } from '../../../policy/bundle/build-bundle.ts';
import { jsonFile, rawFile } from '../../../policy/bundle/content-file.ts';
import { utf8 } from '../../../policy/bundle/encoding.ts';
import { type KeyRing, keyRingOf } from '../../../policy/bundle/key-ring.ts';
import { signingKeyFromSeed } from '../../../policy/bundle/keys.ts';
import { type SignedBundle, type SignOptions, signBundle } from '../../../policy/bundle/sign-bundle.ts';
import type { VerifyOptions } from '../../../policy/bundle/verify-bundle.ts';
import { AegisError } from '../../../policy/errors.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';

export const crypto = nodeCrypto;
export const T0 = Date.parse('2026-03-01T00:00:00.000Z');
export const HOUR = 3_600_000;
export const KEY = signingKeyFromSeed(new Uint8Array(32).fill(7), crypto);
export const OTHER_KEY = signingKeyFromSeed(new Uint8Array(32).fill(8), crypto);
export const RING: KeyRing = keyRingOf([KEY.publicKey], crypto);
export const AGENT = 'finance-agent';

export const REGO = 'package aegis\n\ndecision := data.aegis.agents[input.agent]\n';
/** An empty WebAssembly module: bundles do not look inside. */
export const WASM = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);

export function makeContent(options: { agents?: Record<string, unknown>; revision?: string } = {}): BundleContent {
  const agents = options.agents ?? { [AGENT]: { tools: { stripe: { max: 5000 } } }, 'planner-agent': { tools: {} } };
  return buildBundle(
    {
      tenant: 'fintech',
      revision: options.revision ?? '1',
      engine: { rego: rawFile(utf8(REGO), crypto), wasm: rawFile(WASM, crypto) },
      tenantData: jsonFile({ name: 'fintech', note: 'é\u2028€😀' }, crypto),
      agents: new Map(Object.entries(agents).map(([id, data]) => [id, jsonFile(data, crypto)])),
      changes: jsonFile([{ policy: 'finance-payments', author: 'payments@example.com', ticket: 'RISK-12' }], crypto),
    },
    crypto,
  );
}

export function signOptions(options: Partial<SignOptions> = {}): SignOptions {
  return { tenant: { name: 'fintech', uid: 'uid-1' }, sequence: 5, issuedAt: T0, expiresAt: T0 + HOUR, ...options };
}

export function makeSigned(options: Partial<SignOptions> = {}, content = makeContent()): SignedBundle {
  return signBundle(content, signOptions(options), KEY, crypto);
}

export function verifyOptions(options: Partial<VerifyOptions> = {}): VerifyOptions {
  return { keyRing: RING, tenant: 'fintech', now: T0 + 1000, crypto, ...options };
}

/** Bytes by name, as a verifier takes them. */
export function filesOf(bundle: { files: ReadonlyMap<string, { bytes: Uint8Array }> }): Map<string, Uint8Array> {
  return new Map([...bundle.files].map(([name, file]) => [name, Uint8Array.from(file.bytes)]));
}

/** The code of the AegisError that the call throws; `none` when it throws nothing, anything else is rethrown. */
export function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof AegisError) return error.code;
    throw error;
  }
  return 'none';
}

export function text(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}
