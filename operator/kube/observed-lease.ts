import { holderOf, type Lease, type LeaseHolder } from './lease-record.ts';

/**
 * What this process has seen of the lease, and since when that has been as it is, by its own monotonic clock. The times
 * that a lease holds are those of another machine, and are never compared with ours.
 */
export class ObservedLease {
  #lease: Lease | undefined;
  #record = '';
  #since = Number.NEGATIVE_INFINITY;
  /** Somebody held it before it was deleted, and may not know yet. */
  #orphaned = false;
  /** The greatest number seen: a lease that is made anew goes on from there. */
  #transitions = -1;

  get lease(): Lease | undefined {
    return this.#lease;
  }

  get holder(): LeaseHolder | undefined {
    return this.#lease === undefined ? undefined : holderOf(this.#lease);
  }

  /** For the next holder. */
  get nextTransitions(): number {
    return this.#transitions + 1;
  }

  /** `now` is a monotonic time after the answer arrived: a late look only makes us wait longer. */
  update(lease: Lease | undefined, now: number): void {
    // labels and annotations that others write do not make a holder alive
    const record = JSON.stringify(lease?.spec ?? null);
    if (this.#since === Number.NEGATIVE_INFINITY || record !== this.#record) this.#since = now;
    this.#orphaned = lease === undefined && (this.#orphaned || this.holder !== undefined);
    this.#lease = lease;
    this.#record = record;
    this.#transitions = Math.max(this.#transitions, lease?.spec?.leaseTransitions ?? -1);
  }

  /** Whether nobody holds it any more, so that it may be claimed. `leaseDuration` in ms is ours, where it names none. */
  isFree(now: number, leaseDuration: number): boolean {
    const spec = this.#lease?.spec;
    if (this.#orphaned) return now - this.#since >= leaseDuration;
    if (!spec?.holderIdentity) return true;
    const seconds = spec.leaseDurationSeconds;
    const duration = seconds !== undefined && seconds > 0 ? seconds * 1000 : leaseDuration;
    return now - this.#since >= duration;
  }
}
