/** Bundles of the FinTech sample as a publisher makes them: compiled, signed, cut into slices. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Workspace } from '../../../cli/workspace/workspace.ts';
import type { BundleContent } from '../../../policy/bundle/build-bundle.ts';
import { toHex, utf8 } from '../../../policy/bundle/encoding.ts';
import { keyRingOf } from '../../../policy/bundle/key-ring.ts';
import { publicKeyToPem, type SigningKey, signingKeyFromSeed } from '../../../policy/bundle/keys.ts';
import { packBundle } from '../../../policy/bundle/pack-bundle.ts';
import {
  type RenewOptions,
  renewBundle,
  type SignedBundle,
  type SignOptions,
  signBundle,
} from '../../../policy/bundle/sign-bundle.ts';
import { sliceBundle } from '../../../policy/bundle/slice-bundle.ts';
import { compile } from '../../../policy/compiler/compile.ts';
import { AegisError } from '../../../policy/errors.ts';
import { bundleContent, ContentFiles } from '../../../policy/publication/bundle-content.ts';
import type { Source } from '../../../policy/source/load-sources.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { ENGINE, edited, sampleSources } from '../../support/sample.ts';

export const AGENT = 'finance-agent';
export const TENANT = 'fintech';
export const UID = 'uid-1';
export const T0 = Date.parse('2026-11-22T08:00:00.000Z');
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const KEY = signingKeyFromSeed(new Uint8Array(32).fill(7), nodeCrypto);
export const SECOND_KEY = signingKeyFromSeed(new Uint8Array(32).fill(8), nodeCrypto);
export const STRANGER_KEY = signingKeyFromSeed(new Uint8Array(32).fill(9), nodeCrypto);
export const RING = keyRingOf([KEY.publicKey, SECOND_KEY.publicKey], nodeCrypto);
export const KEYS_PEM = publicKeyToPem(KEY.publicKey) + publicKeyToPem(SECOND_KEY.publicKey);

const sources = sampleSources('fintech');
const contents = new Map<string, BundleContent>();

/** Content of the sample whose cap is `cap`; made once. */
export function contentOf(
  cap = 5000,
  change: (sources: Source[]) => Source[] = (same) => same,
  name = '',
): BundleContent {
  const key = `${cap} ${name}`;
  let content = contents.get(key);
  if (content === undefined) {
    const { resources } = new Workspace().read(change(edited(sources, 'maxAmount: 5000', `maxAmount: ${cap}`)));
    const [tenant] = compile(resources, { digest: (text) => toHex(nodeCrypto.sha256(utf8(text))) }).tenants;
    if (tenant === undefined) throw new Error('no tenant');
    content = bundleContent(tenant, new ContentFiles(nodeCrypto), {
      engine: ENGINE,
      crypto: nodeCrypto,
      revision: '1',
    });
    contents.set(key, content);
  }
  return content;
}

export function sign(
  options: Partial<SignOptions> & { cap?: number; content?: BundleContent; key?: SigningKey } = {},
): SignedBundle {
  const { cap, content = contentOf(cap), key = KEY, ...rest } = options;
  const issuedAt = rest.issuedAt ?? T0;
  const defaults = { tenant: { name: TENANT, uid: UID }, sequence: 1, issuedAt, expiresAt: issuedAt + 24 * HOUR };
  return signBundle(content, { ...defaults, ...rest }, key, nodeCrypto);
}

export function renew(
  bundle: SignedBundle,
  options: Partial<RenewOptions> & { issuedAt: number; key?: SigningKey },
): SignedBundle {
  const { key = KEY, ...rest } = options;
  return renewBundle(bundle, { expiresAt: rest.issuedAt + 24 * HOUR, ...rest }, key, nodeCrypto);
}

export function sliceFiles(bundle: SignedBundle, agent = AGENT): Map<string, Uint8Array> {
  return new Map([...sliceBundle(bundle, agent, nodeCrypto).files].map(([name, { bytes }]) => [name, bytes]));
}

export function sliceArchive(bundle: SignedBundle, agent = AGENT): Uint8Array {
  return packBundle(sliceBundle(bundle, agent, nodeCrypto));
}

/** A call of the sample that only a cap of at least `amount` allows. */
export function payment(amount: number) {
  return { agent: AGENT, tool: 'stripe-payments', action: 'create_payment', params: { amount, currency: 'USD' } };
}

export const READ = { agent: AGENT, tool: 'stripe-payments', action: 'get_payment', params: { id: 'pi_1' } };

export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'aegis-bundles-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

export function writeKeys(folder: string): string {
  const file = join(folder, 'keys.pem');
  writeFileSync(file, KEYS_PEM);
  return file;
}

export async function codeOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof AegisError) return error.code;
    throw error;
  }
  return 'none';
}

/** Polls until the condition holds; real time. */
export async function until(condition: () => boolean, what = 'the condition', ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`${what} did not come true within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
