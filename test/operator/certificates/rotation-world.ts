import { X509Certificate } from 'node:crypto';
import type { CertificateContents } from '../../../operator/certificates/certificate-contents.ts';
import { bundleHolds, certificatesOf } from '../../../operator/certificates/pem-bundle.ts';
import { planRotation, type RotationOptions } from '../../../operator/certificates/rotation-plan.ts';

/** `read` and `write` are one step of a leader that takes its time, and may crash in between. */
export type Act = 'step' | 'read' | 'write' | 'see' | 'publish' | 'request';

interface Event {
  /** ms. */
  after: number;
  act: Act;
  who: number;
  /** 0: the oldest that anybody may still go by; 1: the newest. */
  lag: number;
}

interface Version {
  contents: CertificateContents;
  /** When it was written. */
  at: number;
}

const DAY = 86_400_000;
const LIVES = { authorityLife: 60 * DAY, leafLife: 10 * DAY, overlap: 2 * DAY };
const MAX_LAG = 1.5 * DAY;
/** Whoever hands out the bundle may stand still for longer: a new CA then has to wait. */
const MAX_STANDSTILL = 8 * DAY;

/**
 * One cluster: a Secret with versions, replicas that serve what they have seen of it, one place that hands out the
 * bundle, and leaders, possibly several, that step from what the Secret holds. Nobody goes by what is older than the
 * overlap.
 */
export class RotationWorld {
  readonly reasons = new Set<string>();
  readonly #options: RotationOptions;
  readonly #versions: Version[];
  /** Version by replica. */
  readonly #served = [0, 0, 0];
  readonly #held: ({ read: number; contents: CertificateContents } | undefined)[] = [];
  #handedOut = 0;
  #request: string | undefined;
  #now: number;

  constructor(now: number, options: RotationOptions) {
    this.#now = now;
    this.#options = { ...options, ...LIVES };
    this.#versions = [{ contents: this.#plan(undefined) as CertificateContents, at: now }];
    this.reasons.clear();
  }

  do({ after, act, who, lag }: Event): void {
    this.#now += after;
    const oldest = this.#oldest(MAX_LAG);
    for (const [index, version] of this.#served.entries()) this.#served[index] = Math.max(version, oldest);
    this.#handedOut = Math.max(this.#handedOut, this.#oldest(MAX_STANDSTILL));
    const seen = oldest + Math.round(lag * (this.#versions.length - 1 - oldest));
    if (act === 'see') this.#served[who] = Math.max(this.#served[who] ?? 0, seen);
    // A leader of before may hand out what is older than what was handed out last.
    if (act === 'publish') this.#handedOut = seen;
    if (act === 'request') this.#request = String(this.#now);
    if (act === 'read' || act === 'step') this.#read(who);
    if (act === 'write' || act === 'step') this.#write(who);
  }

  /** Replicas that serve a leaf whose CA is not handed out. */
  uncovered(): number[] {
    const trusted = certificatesOf(this.#at(this.#handedOut).caBundle);
    return [...this.#served.keys()].filter((who) => {
      const leaf = new X509Certificate(this.#at(this.#served[who] ?? 0).cert);
      return !trusted.some((ca) => leaf.checkIssued(ca) && leaf.verify(ca.publicKey));
    });
  }

  #read(who: number): void {
    const read = this.#versions.length - 1;
    const contents = this.#plan(this.#at(read));
    this.#held[who] = contents && { read, contents };
  }

  /** Compare and swap. */
  #write(who: number): void {
    const held = this.#held[who];
    if (held?.read === this.#versions.length - 1) this.#versions.push({ contents: held.contents, at: this.#now });
  }

  #plan(contents: CertificateContents | undefined): CertificateContents | undefined {
    const published = contents !== undefined && bundleHolds(this.#at(this.#handedOut).caBundle, contents.caBundle);
    const facts = { now: this.#now, published, request: this.#request };
    const { next } = planRotation(contents, facts, this.#options);
    if (next !== undefined) this.reasons.add(next.reason);
    return next?.contents;
  }

  /** The oldest version that anybody may still go by. */
  #oldest(lag: number): number {
    const newer = this.#versions.findIndex(
      (_, index) => this.#now - (this.#versions[index + 1]?.at ?? this.#now) < lag,
    );
    return Math.max(0, newer);
  }

  #at(version: number): CertificateContents {
    return (this.#versions[version] as Version).contents;
  }
}
