import type { Manifest } from '../../policy/bundle/manifest.ts';
import type { SignedBundle } from '../../policy/bundle/sign-bundle.ts';
import type { Committed } from '../model/committed.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { Packed } from './bundle-shards.ts';
import type { HeadBase } from './commit-head.ts';
import type { HeadBytes } from './head-config-map.ts';
import type { ReadCommit } from './read-commit.ts';
import type { ConfigMap } from './trusted-keys.ts';

/** The head of a tenant as this process has left it, with all that the next one is built on. */
export interface Standing {
  readonly committed: Committed;
  readonly bundle: SignedBundle;
  readonly packed: Packed;
  readonly head: HeadBase & { bytes: HeadBytes; manifest: Manifest };
}

export function standingOf(identity: TenantIdentity, read: ReadCommit, stored: ConfigMap): Standing {
  const { bytes, bundle, packed } = read;
  return {
    committed: committedOf(identity, read, stored.metadata.name),
    bundle,
    packed,
    head: { bytes, manifest: bundle.manifest, resourceVersion: stored.metadata.resourceVersion ?? '' },
  };
}

export function committedOf(identity: TenantIdentity, read: ReadCommit, configMapName: string): Committed {
  const { bundle, digest, entries } = read;
  return { identity, manifest: bundle.manifest, digest, configMapName, entries };
}
