/** Content-addressed, immutable ConfigMaps: each holds one compressed piece and is named by the digest of the piece. */
import { promisify } from 'node:util';
import { deflate, inflate } from 'node:zlib';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex } from '../../policy/bundle/encoding.ts';
import { AegisError } from '../../policy/errors.ts';
import type { Clock } from '../../runtime/time/clock.ts';
import { KubeError } from '../kube/kube-error.ts';
import type { KubeClient } from '../kube/types.ts';
import { CONFIG_MAP } from '../model/resource-types.ts';
import { COMPONENT, MANAGED_BY } from './head-config-map.ts';
import { inParallel } from './in-parallel.ts';
import { MAX_PIECE } from './split-payload.ts';
import type { ConfigMap } from './trusted-keys.ts';
import { mayPass, pauseAfter } from './try-again.ts';

export const SHARD_COMPONENT = 'bundle-shard';
/** First digit of the digest: shards are listed in sixteen parts, because a list carries all their data. */
export const SHARD_GROUP = 'aegis.dev/shard-group';
/** Changes when a shard that was there already is used again, so that its resourceVersion does. */
const USED = 'aegis.dev/used-at';
const DATA_KEY = 'data';
const NAME = /^aegis-shard\.([0-9a-f]{64})$/;
const LEVEL = 6;
const WORKERS = 8;
const ATTEMPTS = 6;

const deflated = promisify(deflate) as (bytes: Uint8Array, options: { level: number }) => Promise<Buffer>;
const inflated = promisify(inflate) as (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Buffer>;

export interface ShardStoreOptions {
  client: KubeClient;
  namespace: string;
  clock: Clock;
  crypto: CryptoProvider;
}

/** The stored version of a shard, for deleting exactly that one. */
export type ShardVersions = Map<string, string>;

export function shardName(digest: string): string {
  return `aegis-shard.${digest}`;
}

/** The digest that the ConfigMap is named by. */
export function shardDigest(configMap: { metadata: { name: string } }): string | undefined {
  return NAME.exec(configMap.metadata.name)?.[1];
}

export class ShardStore {
  readonly #options: ShardStoreOptions;

  constructor(options: ShardStoreOptions) {
    this.#options = options;
  }

  /** The piece. @throws AegisError `AEGIS_SHARD_MISSING`, `AEGIS_SHARD_DAMAGED`; KubeError. */
  async read(digest: string): Promise<Uint8Array> {
    const stored = await this.#get(digest);
    if (stored === undefined) throw new AegisError('AEGIS_SHARD_MISSING', `there is no ConfigMap ${shardName(digest)}`);
    const piece = await this.#pieceOf(stored, digest);
    if (piece === undefined) throw new AegisError('AEGIS_SHARD_DAMAGED', `${shardName(digest)} was changed`);
    return piece;
  }

  /**
   * All of them, those that fail included.
   * @throws KubeError where the API server does not answer.
   */
  async readAll(digests: Iterable<string>): Promise<{ pieces: Map<string, Uint8Array>; failures: AegisError[] }> {
    const pieces = new Map<string, Uint8Array>();
    const failures: AegisError[] = [];
    await inParallel(digests, WORKERS, async (digest) => {
      try {
        pieces.set(digest, await this.read(digest));
      } catch (error) {
        if (!(error instanceof AegisError)) throw error;
        failures.push(error);
      }
    });
    return { pieces, failures };
  }

  /**
   * Writes pieces that are not there yet; one that is there is marked as used, and replaced where it is damaged.
   * @returns resourceVersions by digest.
   * @throws KubeError.
   */
  async ensureAll(pieces: ReadonlyMap<string, Uint8Array>): Promise<ShardVersions> {
    const versions: ShardVersions = new Map();
    await inParallel(pieces, WORKERS, async ([digest, piece]) => {
      const stored = await this.#ensure(digest, piece);
      versions.set(digest, stored.metadata.resourceVersion ?? '');
    });
    return versions;
  }

  /** Those that stand there as they were written. @throws KubeError. */
  async areIntact(digests: Iterable<string>): Promise<Set<string>> {
    const intact = new Set<string>();
    await inParallel(digests, WORKERS, async (digest) => {
      const stored = await this.#get(digest);
      if (stored === undefined || !this.#hasOurForm(stored, digest)) return;
      if ((await this.#pieceOf(stored, digest)) !== undefined) intact.add(digest);
    });
    return intact;
  }

  async #ensure(digest: string, piece: Uint8Array): Promise<ConfigMap> {
    const { client, clock } = this.#options;
    const desired = await this.#configMap(digest, piece);
    for (let attempt = 1; ; attempt++) {
      let failure: KubeError;
      try {
        return await client.create<ConfigMap>(CONFIG_MAP, desired);
      } catch (error) {
        if (!(error instanceof KubeError && (error.isConflict || mayPass(error)))) throw error;
        failure = error;
      }
      const used = failure.isConflict ? await this.#use(digest) : undefined;
      if (used !== undefined) return used;
      if (attempt === ATTEMPTS) throw stuck(digest, failure);
      if (!failure.isConflict) await pauseAfter(attempt, failure, clock);
    }
  }

  /** Marks the stored shard as used; undefined where it is gone, or was damaged and has been deleted. */
  async #use(digest: string): Promise<ConfigMap | undefined> {
    const { client, namespace } = this.#options;
    const stored = await this.#get(digest);
    if (stored === undefined) return undefined;
    const { uid, resourceVersion } = stored.metadata;
    try {
      if ((await this.#pieceOf(stored, digest)) !== undefined) {
        return await client.replace<ConfigMap>(CONFIG_MAP, {
          ...stored,
          metadata: {
            ...this.#metadata(digest, resourceVersion),
            ...(resourceVersion === undefined ? {} : { resourceVersion }),
          },
          immutable: true,
        });
      }
      await client.delete(
        CONFIG_MAP,
        { namespace, name: shardName(digest) },
        { ...(uid === undefined ? {} : { uid }) },
      );
    } catch (error) {
      // changed or deleted by somebody else in between: look again
      if (!(error instanceof KubeError && (error.isConflict || error.status === 404))) throw error;
    }
    return undefined;
  }

  #get(digest: string): Promise<ConfigMap | undefined> {
    const { client, namespace } = this.#options;
    return client.get<ConfigMap>(CONFIG_MAP, { namespace, name: shardName(digest) });
  }

  async #pieceOf({ binaryData = {} }: ConfigMap, digest: string): Promise<Uint8Array | undefined> {
    const encoded = binaryData[DATA_KEY];
    if (encoded === undefined) return undefined;
    try {
      const buffer = await inflated(Buffer.from(encoded, 'base64'), { maxOutputLength: MAX_PIECE });
      const piece = new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
      return toHex(this.#options.crypto.sha256(piece)) === digest ? piece : undefined;
    } catch {
      return undefined;
    }
  }

  #hasOurForm({ metadata, immutable }: ConfigMap, digest: string): boolean {
    const { labels = {} } = this.#metadata(digest);
    return immutable === true && Object.entries(labels).every(([name, value]) => metadata.labels?.[name] === value);
  }

  async #configMap(digest: string, piece: Uint8Array): Promise<ConfigMap> {
    const data = await deflated(piece, { level: LEVEL });
    return {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: this.#metadata(digest),
      immutable: true,
      binaryData: { [DATA_KEY]: data.toString('base64') },
    };
  }

  /** `after`: a write that changes nothing would not change the resourceVersion; this one always changes something. */
  #metadata(digest: string, after = '0'): ConfigMap['metadata'] {
    const { namespace, clock } = this.#options;
    return {
      name: shardName(digest),
      namespace,
      labels: {
        [MANAGED_BY]: 'aegis-operator',
        [COMPONENT]: SHARD_COMPONENT,
        [SHARD_GROUP]: digest.slice(0, 1),
      },
      annotations: { [USED]: `${new Date(clock.now()).toISOString()} after ${after}` },
    };
  }
}

/** Somebody keeps putting another one there; anything else is the API server's own word. */
function stuck(digest: string, failure: KubeError): Error {
  if (!failure.isConflict) return failure;
  return new AegisError('AEGIS_SHARD_DAMAGED', `${shardName(digest)} cannot be replaced`, { cause: failure });
}
