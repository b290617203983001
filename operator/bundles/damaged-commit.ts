import { AegisError } from '../../policy/errors.ts';
import type { TenantIdentity } from '../model/tenant-identity.ts';
import type { KnownHead } from './read-commit.ts';

/**
 * Something was committed, but not everything of it can be read. It can be published over (`Publisher.publish`), from entries that
 * the caller still trusts (`Publisher.loadArchived`, or none).
 */
export class DamagedCommit extends AegisError {
  readonly identity: TenantIdentity;
  /** Of the ConfigMap that is the head; undefined where it is gone, and only what it replaced is there. */
  readonly resourceVersion: string | undefined;
  /** Of the head, where at least that verifies. */
  readonly known: KnownHead;
  /** Least sequence that is above everything that may have been committed. */
  readonly nextSequence: number;

  constructor(
    cause: AegisError,
    damage: { identity: TenantIdentity; resourceVersion: string | undefined; known: KnownHead; nextSequence: number },
  ) {
    super(cause.code, cause.message, { cause });
    this.name = 'DamagedCommit';
    this.identity = damage.identity;
    this.resourceVersion = damage.resourceVersion;
    this.known = damage.known;
    this.nextSequence = damage.nextSequence;
  }
}
