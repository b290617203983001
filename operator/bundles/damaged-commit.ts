import { AegisError } from '../../policy/errors.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { KnownHead } from './read-commit.ts';

/**
 * A head is there, but not everything that it commits. It can be published over (`Publisher.publish`), from entries that
 * the caller still trusts (`Publisher.loadArchived`, or none).
 */
export class DamagedCommit extends AegisError {
  readonly identity: TenantIdentity;
  /** Of the ConfigMap that is the head. */
  readonly resourceVersion: string;
  /** Of the head, where at least that verifies. */
  readonly known: KnownHead;
  /** Least sequence that is above everything that may have been committed. */
  readonly nextSequence: number;

  constructor(
    cause: AegisError,
    damage: { identity: TenantIdentity; resourceVersion: string; known: KnownHead; nextSequence: number },
  ) {
    super(cause.code, cause.message, { cause });
    this.name = 'DamagedCommit';
    this.identity = damage.identity;
    this.resourceVersion = damage.resourceVersion;
    this.known = damage.known;
    this.nextSequence = damage.nextSequence;
  }
}
