/** Publishers over an API server in memory (or any other), with time that passes only when it is told to. */
import { CommittedBundles } from '../../../operator/bundles/committed-bundles.ts';
import type { Publication } from '../../../operator/bundles/publication.ts';
import { Publisher, type PublisherOptions } from '../../../operator/bundles/publisher.ts';
import { openSigningKeys, type SigningKeys } from '../../../operator/bundles/signing-keys.ts';
import type { ConfigMap } from '../../../operator/bundles/trusted-keys.ts';
import type { KubeClient } from '../../../operator/kube/types.ts';
import type { StateEntries, StateEntry } from '../../../operator/model/committed.ts';
import { canonicalJsonBytes } from '../../../policy/bundle/canonical-json.ts';
import type { CompiledTenant } from '../../../policy/compiler/compile.ts';
import { AegisError } from '../../../policy/errors.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import type { Logger } from '../../../runtime/telemetry/logger.ts';
import type { Clock } from '../../../runtime/time/clock.ts';

export const crypto = nodeCrypto;
export const T0 = Date.parse('2026-03-01T00:00:00.000Z');
export const HOUR = 3_600_000;
export const NAMESPACE = 'aegis-system';
export const TENANT = { name: 'fintech', uid: 'uid-of-fintech' };
export const ENGINE = { rego: new TextEncoder().encode('package aegis\n'), wasm: Uint8Array.of(0, 97, 115, 109) };

/** Sleeping takes no time, but the clock shows that it did. */
export class TestClock implements Clock {
  offset = 0;
  passed = 0;
  now = (): number => T0 + this.passed + this.offset;
  monotonic = (): number => this.passed;
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (!signal.aborted) this.passed += ms;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export class TestLog implements Logger {
  readonly lines: { level: string; event: string; fields: object }[] = [];
  error = (event: string, fields: object = {}): void => void this.lines.push({ level: 'error', event, fields });
  warn = (event: string, fields: object = {}): void => void this.lines.push({ level: 'warn', event, fields });
  info = (event: string, fields: object = {}): void => void this.lines.push({ level: 'info', event, fields });
  debug = (): void => {};
}

/** Different keys each time, the same in every run. */
export function countedBytes(start = 1): (length: number) => Uint8Array {
  let count = start;
  return (length) => {
    const bytes = new Uint8Array(length).fill(7);
    new DataView(bytes.buffer).setUint32(0, count++);
    return bytes;
  };
}

export interface World {
  clock: TestClock;
  log: TestLog;
  keys: SigningKeys;
  publisher: Publisher;
}

export async function newWorld(client: KubeClient, options: Partial<PublisherOptions> = {}): Promise<World> {
  const clock = new TestClock();
  const log = new TestLog();
  const keys = await openSigningKeys({ client, namespace: NAMESPACE, clock, crypto, randomBytes: countedBytes(), log });
  const publisher = new Publisher({
    client,
    namespace: NAMESPACE,
    clock,
    crypto,
    keys,
    engine: ENGINE,
    log,
    ...options,
  });
  return { clock, log, keys, publisher };
}

export function newBundles(client: KubeClient, { clock, log, keys }: Pick<World, 'log' | 'keys'> & { clock: Clock }) {
  return new CommittedBundles({ client, namespace: NAMESPACE, clock, random: () => 0.5, crypto, keys, log });
}

/** A tenant as the compiler makes one; the same text gives the same objects. */
export class Compiled {
  readonly #files = new Map<string, { bytes: Uint8Array }>();

  tenant(name: string, agents: Readonly<Record<string, unknown>>, part: unknown = { name }): CompiledTenant {
    return {
      name,
      part: this.#file('part', part),
      agents: new Map(Object.entries(agents).map(([id, data]) => [id, this.#file(id, data)])),
      policies: [],
    };
  }

  #file(name: string, data: unknown): { bytes: Uint8Array } {
    const bytes = canonicalJsonBytes(data);
    const key = `${name} ${new TextDecoder().decode(bytes)}`;
    let file = this.#files.get(key);
    if (file === undefined) {
      file = { bytes };
      this.#files.set(key, file);
    }
    return file;
  }
}

export function entry(value: unknown, sequence = 1): StateEntry {
  return { uid: 'uid', generation: 1, accepted: value, sequence };
}

const compiled = new Compiled();

export function publication(
  sequence: number,
  content: { agents?: Record<string, unknown>; entries?: StateEntries } & Partial<Publication> = {},
): Publication {
  const { agents = { 'agent-a': { n: sequence } }, entries, identity = TENANT, ...rest } = content;
  return {
    identity,
    compiled: compiled.tenant(identity.name, agents),
    entries: entries ?? new Map([['AgentPolicy default/p', entry({ n: sequence }, sequence)]]),
    sequence,
    lifetime: 24 * HOUR,
    retention: 10,
    ...rest,
  };
}

/** The code of the AegisError that the promise rejects with; anything else is thrown on. */
export async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof AegisError) return error.code;
    throw error;
  }
  return 'none';
}

export function part(configMap: ConfigMap | undefined): string | undefined {
  return configMap?.metadata.labels?.['aegis.dev/component'];
}

/** Until the condition holds; other events have their turn. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (const started = Date.now(); !holds(); ) {
    if (Date.now() - started > 20_000) throw new Error(`not ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
