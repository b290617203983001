/** One verified, committed bundle, ready to be served agent by agent. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { agentFile, agentOfFile, HEAD_FILE, isAgentId } from '../../policy/bundle/file-names.ts';
import type { Manifest } from '../../policy/bundle/manifest.ts';
import type { SignedBundle } from '../../policy/bundle/sign-bundle.ts';
import { type BundleSlice, sliceBundle } from '../../policy/bundle/slice-bundle.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { ArchiveCache } from './archive-cache.ts';
import { packArchive } from './slice-archive.ts';

export class CommittedBundle {
  readonly identity: TenantIdentity;
  readonly manifest: Manifest;
  /** Bytes of `manifest.json`. */
  readonly head: Uint8Array;
  /** Of the head, without quotes. */
  readonly etag: string;
  readonly agents: ReadonlySet<string>;
  readonly #bundle: Pick<SignedBundle, 'files' | 'blinding' | 'tree'>;
  readonly #crypto: CryptoProvider;
  readonly #archives: ArchiveCache;

  constructor(
    identity: TenantIdentity,
    bundle: Pick<SignedBundle, 'manifest' | 'files' | 'blinding' | 'tree'>,
    { crypto, archives }: { crypto: CryptoProvider; archives: ArchiveCache },
  ) {
    this.identity = identity;
    this.manifest = bundle.manifest;
    this.head = bundle.files.get(HEAD_FILE)?.bytes ?? new Uint8Array();
    this.etag = bundle.manifest.etag;
    this.agents = new Set([...bundle.files.keys()].map(agentOfFile).filter((id) => id !== undefined));
    this.#bundle = bundle;
    this.#crypto = crypto;
    this.#archives = archives;
  }

  /** What the gateway of the agent gets; undefined where the bundle has no such agent. */
  slice(agentId: string): BundleSlice | undefined {
    if (!isAgentId(agentId) || !this.#bundle.files.has(agentFile(agentId))) return undefined;
    return sliceBundle(this.#bundle, agentId, this.#crypto);
  }

  /** The same as a `.tar.gz`. */
  archive(agentId: string): Uint8Array | undefined {
    if (!this.agents.has(agentId)) return undefined;
    return this.#archives.of(this.etag, agentId, () => packArchive((this.slice(agentId) as BundleSlice).files));
  }
}
