import { AegisError } from '../../policy/errors.ts';
import type { Logger } from '../../runtime/telemetry/logger.ts';
import { Backoff } from '../../runtime/time/backoff.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { KubeError } from '../kube/kube-error.ts';
import { Reflector } from '../kube/reflector.ts';
import type { KubeClient } from '../kube/types.ts';
import { SECRET } from '../model/resource-types.ts';
import { Bell } from './bell.ts';
import { type CertificateContents, inspect, readSecretData } from './certificate-contents.ts';
import {
  CERTIFICATE_SECRET,
  type CertificateSecret,
  ROTATE_ANNOTATION,
  writeCertificateSecret,
} from './certificate-secret.ts';
import type { CertificateSource, ServedCertificate } from './certificate-source.ts';
import { planRotation, type RotationOptions } from './rotation-plan.ts';

/** Somebody by whom clients learn the CAs. */
export interface BundleConsumer {
  /** Whether clients that learn from it now trust every CA of the bundle. */
  holds(caBundle: string): boolean;
}

export interface ServingCertificateOptions
  extends Pick<RotationOptions, 'names' | 'authorityLife' | 'leafLife' | 'overlap'> {
  client: KubeClient;
  /** Of the operator. */
  namespace: string;
  clock: Clock;
  /** From 0 up to 1. */
  random(): number;
  randomBytes(size: number): Uint8Array;
  log?: Logger;
}

/** ms: the longest time between two looks at the Secret, and the shortest. */
const LOOK = { longest: 3_600_000, shortest: 100 };
const BACKOFF = { base: 500, cap: 30_000 };

/**
 * The certificate in the Secret `aegis-serving-certificate`. Every replica runs it and serves what the Secret holds, the
 * last usable contents where it is gone or broken; whoever finds no certificate at all makes one; the leader rotates.
 */
export class ServingCertificate implements CertificateSource {
  readonly #options: ServingCertificateOptions;
  readonly #reflector: Reflector<CertificateSecret>;
  readonly #listeners = new Set<() => void>();
  readonly #consumers = new Set<BundleConsumer>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #bells = new Set<Bell>();
  #good: CertificateContents | undefined;

  constructor(options: ServingCertificateOptions) {
    const { client, namespace, clock, random } = options;
    this.#options = options;
    const selection = { namespace, fieldSelector: `metadata.name=${CERTIFICATE_SECRET}` };
    this.#reflector = new Reflector({ client, type: SECRET, selection, clock, random });
    this.#reflector.subscribe((_key, secret) => this.#take(secret));
  }

  current(): ServedCertificate {
    if (this.#good === undefined) throw new AegisError('AEGIS_CERTIFICATE_MISSING', 'There is no certificate yet.');
    const { cert, key, caBundle } = this.#good;
    return { cert, key, caBundle };
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** A new CA signs only after all of them hold it. */
  addConsumer(consumer: BundleConsumer): () => void {
    this.#consumers.add(consumer);
    return () => this.#consumers.delete(consumer);
  }

  /** ms since the epoch when the leaf that is served ends; undefined: there is none. */
  get expiresAt(): number | undefined {
    return this.#good && inspect(this.#good, 0).leaf?.validToDate.getTime();
  }

  /** Resolves as soon as there is a certificate. Rejects with the signal's reason where that comes first. */
  async whenReady(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<never>();
    const stop = () => aborted.reject(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    try {
      await Promise.race([this.#ready.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** On every replica. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const following = this.#reflector.run(signal);
    await this.#repeat(signal, async () => (this.#good === undefined ? this.#look(false, signal) : undefined));
    await following;
  }

  /** On the leader: repairs and rotates until the signal is aborted. Never rejects. */
  async rotate(signal: AbortSignal): Promise<void> {
    await this.#repeat(signal, () => this.#look(true, signal));
  }

  /** `work` gives ms until it is due again; undefined ends it. */
  async #repeat(signal: AbortSignal, work: () => Promise<number | undefined>): Promise<void> {
    const { clock, random } = this.#options;
    const backoff = new Backoff({ ...BACKOFF, random });
    const bell = new Bell(clock);
    this.#bells.add(bell);
    while (!signal.aborted) {
      try {
        const pause = await work();
        if (pause === undefined) break;
        backoff.reset();
        await bell.wait(Math.min(LOOK.longest, Math.max(LOOK.shortest, pause)), signal);
      } catch (error) {
        if (signal.aborted) break;
        const known = error instanceof KubeError ? { status: error.status, reason: error.reason } : {};
        this.#options.log?.warn('serving-certificate-failed', { code: 'AEGIS_CERTIFICATE_SECRET', ...known });
        await clock.sleep(backoff.next(error instanceof KubeError ? error.retryAfter : 0), signal);
      }
    }
    this.#bells.delete(bell);
  }

  /**
   * Takes the next step, if one is due. Always from what the API server has now, never from the copy. Only the leader
   * knows who hands out the bundle.
   */
  async #look(leads: boolean, signal: AbortSignal): Promise<number> {
    const { client, namespace, clock, randomBytes, log, ...settings } = this.#options;
    const key = { namespace, name: CERTIFICATE_SECRET };
    const secret = await client.get<CertificateSecret>(SECRET, key, { signal });
    const contents = secret && readSecretData(secret.data);
    const now = clock.now();
    const facts = {
      now,
      published: leads && contents !== undefined && this.#isPublished(contents.caBundle),
      request: secret?.metadata.annotations?.[ROTATE_ANNOTATION],
    };
    const restored = this.#restorable(contents, now);
    const { next, lookAgainAt } = restored ?? planRotation(contents, facts, { ...settings, make: { randomBytes } });
    if (next === undefined) return lookAgainAt - now;
    const written = await writeCertificateSecret(client, namespace, next.contents, secret, signal);
    if (written) log?.info('serving-certificate', { reason: next.reason });
    return 0;
  }

  #isPublished(caBundle: string): boolean {
    return [...this.#consumers].every((each) => each.holds(caBundle));
  }

  /** What this replica still serves is better than a CA that nobody knows. */
  #restorable(contents: CertificateContents | undefined, now: number) {
    if (this.#good === undefined || inspect(this.#good, now).signer === undefined) return undefined;
    if (contents !== undefined && inspect(contents, now).signer !== undefined) return undefined;
    return { next: { contents: this.#good, reason: 'restored' as const }, lookAgainAt: now };
  }

  #take(secret: CertificateSecret | undefined): void {
    const contents = secret && readSecretData(secret.data);
    const usable = contents !== undefined && inspect(contents, this.#options.clock.now()).leaf !== undefined;
    if (usable) {
      this.#good = contents;
      this.#ready.resolve();
      for (const listener of this.#listeners) listener();
    } else {
      const state = secret === undefined ? 'gone' : 'unusable';
      this.#options.log?.warn('serving-certificate-secret', { code: 'AEGIS_CERTIFICATE_SECRET', state });
    }
    for (const bell of this.#bells) bell.ring();
  }
}
