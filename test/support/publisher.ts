/** Sources → the slice of one agent, compiled, signed and packed as in the product, in a file that a gateway reads. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Workspace } from '../../cli/workspace/workspace.ts';
import { toHex } from '../../policy/bundle/encoding.ts';
import { publicKeyToPem, signingKeyFromSeed } from '../../policy/bundle/keys.ts';
import { packBundle } from '../../policy/bundle/pack-bundle.ts';
import { sliceBundle } from '../../policy/bundle/slice-bundle.ts';
import { type CompiledTenant, compile } from '../../policy/compiler/compile.ts';
import { BundleSession } from '../../policy/publication/bundle-session.ts';
import { tenantIdentity } from '../../policy/publication/tenant-identity.ts';
import type { Source } from '../../policy/source/load-sources.ts';
import { nodeCrypto } from '../../runtime/crypto/node-crypto.ts';
import { ENGINE } from './sample.ts';

const DAY = 86_400_000;

/** The tenant that the sources make. @throws where they have an error, or make several tenants. */
export function compileSources(sources: readonly Source[]): CompiledTenant {
  const state = new Workspace().read(sources);
  const encoder = new TextEncoder();
  const { tenants, findings } = compile(state.resources, {
    digest: (text) => toHex(nodeCrypto.sha256(encoder.encode(text))),
  });
  const error = [...state.findings, ...findings].find(({ severity }) => severity === 'error');
  if (error !== undefined) throw new Error(error.message);
  if (tenants.length !== 1) throw new Error(`the sources make ${tenants.length} tenants`);
  return tenants[0] as CompiledTenant;
}

/** Publishes one sequence after another into `<folder>/bundle.tar.gz`, replaced as a whole. */
export class Publisher {
  readonly file: string;
  readonly keyFile: string;
  readonly #agent: string;
  readonly #folder: string;
  readonly #session: BundleSession;
  identity = { name: '', uid: '' };

  constructor(folder: string, agent: string, clock: () => number = Date.now) {
    mkdirSync(folder, { recursive: true });
    this.#folder = folder;
    this.#agent = agent;
    this.file = join(folder, 'bundle.tar.gz');
    this.keyFile = join(folder, 'trusted.pub');
    const key = signingKeyFromSeed(new Uint8Array(32).fill(9), nodeCrypto);
    writeFileSync(this.keyFile, publicKeyToPem(key.publicKey));
    this.#session = new BundleSession({ engine: ENGINE, crypto: nodeCrypto, key, clock, lifetime: DAY });
  }

  /** The sequence that was published. */
  publish(sources: readonly Source[]): number {
    const tenant = compileSources(sources);
    this.identity = tenantIdentity(tenant);
    const signed = this.#session.publish(tenant);
    const partial = join(this.#folder, `.bundle-${signed.manifest.sequence}`);
    writeFileSync(partial, packBundle(sliceBundle(signed, this.#agent, nodeCrypto)));
    renameSync(partial, this.file);
    return signed.manifest.sequence;
  }
}
