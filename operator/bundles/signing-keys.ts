/** The keys that sign bundles, kept in a Secret and followed by every replica. */
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import type { KeyRing } from '../../policy/bundle/key-ring.ts';
import type { SigningKey } from '../../policy/bundle/keys.ts';
import { AegisError } from '../../policy/errors.ts';
import type { Logger } from '../../runtime/telemetry/logger.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { KubeError } from '../kube/kube-error.ts';
import { Reflector } from '../kube/reflector.ts';
import type { KubeClient } from '../kube/types.ts';
import { SECRET } from '../model/resource-types.ts';
import {
  getSigningSecret,
  type KeySet,
  newKeySet,
  type RandomBytes,
  readKeySet,
  ringAt,
  type Secret,
  SIGNING_SECRET,
  secretOf,
  storedRingOf,
} from './signing-secret.ts';

export interface SigningKeysOptions {
  client: KubeClient;
  namespace: string;
  clock: Clock;
  crypto: CryptoProvider;
  randomBytes: RandomBytes;
  log?: Logger;
}

/**
 * Reads the keys, and makes them where there are none yet.
 * @throws AegisError `AEGIS_SIGNING_KEYS` where the Secret is malformed: it is never overwritten. KubeError.
 */
export async function openSigningKeys(options: SigningKeysOptions): Promise<SigningKeys> {
  const { client, namespace, crypto, randomBytes } = options;
  let secret = await getSigningSecret(client, namespace);
  if (secret === undefined) {
    try {
      secret = await client.create<Secret>(SECRET, secretOf(newKeySet(randomBytes, crypto), namespace));
    } catch (error) {
      if (!(error instanceof KubeError && error.isConflict)) throw error;
      secret = await getSigningSecret(client, namespace);
      if (secret === undefined) throw error;
    }
  }
  return new SigningKeys(readKeySet(secret, crypto), options);
}

/** Once there are keys, they change only where somebody rotates or revokes; what is broken or gone changes nothing. */
export class SigningKeys {
  readonly #options: SigningKeysOptions;
  readonly #listeners = new Set<() => void>();
  #keys: KeySet;
  #problem: AegisError | undefined;

  constructor(keys: KeySet, options: SigningKeysOptions) {
    this.#keys = keys;
    this.#options = options;
  }

  /** Signs now. */
  active(): SigningKey {
    return this.#keys.active;
  }

  /** Ids of active and standby key: what pods pin. */
  pinned(): readonly [string, string] {
    return [this.#keys.active.keyId, this.#keys.standby.keyId];
  }

  /** What gateways trust now. */
  ring(): KeyRing {
    return ringAt(this.#keys, this.#options.clock.now());
  }

  /** For what the operator itself has stored: also keys that were retired long ago. */
  storedRing(): KeyRing {
    return storedRingOf(this.#keys);
  }

  revoked(): readonly string[] {
    return this.#keys.index.revoked;
  }

  /** `AEGIS_SIGNING_KEYS` or `AEGIS_SIGNING_KEYS_GONE` while the Secret cannot be used; the keys stay as they were. */
  get problem(): AegisError | undefined {
    return this.#problem;
  }

  /** Told after the keys, or the problem, have changed. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Follows the Secret until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { client, namespace, clock, randomBytes } = this.#options;
    const reflector = new Reflector<Secret>({
      client,
      type: SECRET,
      selection: { namespace, fieldSelector: `metadata.name=${SIGNING_SECRET}` },
      clock,
      random: () => new DataView(randomBytes(4).slice().buffer).getUint32(0) / 2 ** 32,
    });
    const stop = reflector.subscribe((_, secret) => this.#seen(secret));
    // a Secret that was deleted before the first list makes no event
    const synced = reflector.whenSynced(signal).then(
      () => reflector.size === 0 && this.#seen(undefined),
      () => undefined,
    );
    await Promise.all([reflector.run(signal), synced]);
    stop();
  }

  /**
   * Writes the Secret again from memory where it is gone. For the leader only.
   * @returns whether it was written.
   */
  async restore(): Promise<boolean> {
    const { client, namespace } = this.#options;
    const there = await getSigningSecret(client, namespace);
    if (there !== undefined) {
      this.#seen(there);
      return false;
    }
    try {
      this.#seen(await client.create<Secret>(SECRET, secretOf(this.#keys, namespace)));
      return true;
    } catch (error) {
      if (error instanceof KubeError && error.isConflict) return false;
      throw error;
    }
  }

  #seen(secret: Secret | undefined): void {
    const before = this.#problem?.message;
    const keys = this.#keys;
    try {
      if (secret === undefined) throw new AegisError('AEGIS_SIGNING_KEYS_GONE', `the Secret ${SIGNING_SECRET} is gone`);
      this.#keys = this.#keepRevoked(readKeySet(secret, this.#options.crypto));
      this.#problem = undefined;
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      this.#problem = error;
    }
    if (this.#problem !== undefined && this.#problem.message !== before) {
      this.#options.log?.error('signing_keys', { code: this.#problem.code, detail: this.#problem.message });
    }
    const changed = JSON.stringify(keys.index) !== JSON.stringify(this.#keys.index);
    if (changed) {
      const { active, standby, revoked } = this.#keys.index;
      this.#options.log?.info('signing_keys', { active, standby, revoked: revoked.length });
    }
    if (changed || this.#problem?.message !== before) for (const listener of this.#listeners) listener();
  }

  /** Revocation is final: a Secret that has forgotten one (an older backup) takes none back while we remember. */
  #keepRevoked(next: KeySet): KeySet {
    const revoked = [...new Set([...this.#keys.index.revoked, ...next.index.revoked])].sort();
    if (revoked.includes(next.index.active) || revoked.includes(next.index.standby)) {
      throw new AegisError('AEGIS_SIGNING_KEYS', 'the Secret with the signing keys brings back a key that was revoked');
    }
    const retired = next.index.retired.filter(({ id }) => !revoked.includes(id));
    return { ...next, index: { ...next.index, retired, revoked } };
  }
}
