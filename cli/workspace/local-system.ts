/**
 * The whole way on one machine: texts → resources → compile → sign → verify → activate. `aegis run` goes it again at
 * every change, the other commands once; nothing here is special to either.
 */

import { activate, ModuleCache } from '../../gateway/activation/activate.ts';
import { Activations } from '../../gateway/activation/activations.ts';
import type { CryptoProvider } from '../../policy/bundle/crypto-provider.ts';
import { toHex } from '../../policy/bundle/encoding.ts';
import { keyRingOf } from '../../policy/bundle/key-ring.ts';
import { signingKeyFromSeed } from '../../policy/bundle/keys.ts';
import { verifyBundle } from '../../policy/bundle/verify-bundle.ts';
import { type Compilation, type CompiledTenant, compile } from '../../policy/compiler/compile.ts';
import { CompileCache } from '../../policy/compiler/compile-cache.ts';
import type { Finding } from '../../policy/errors.ts';
import type { Engine } from '../../policy/publication/bundle-content.ts';
import { BundleSession } from '../../policy/publication/bundle-session.ts';
import { tenantIdentity } from '../../policy/publication/tenant-identity.ts';
import type { LoadedResource } from '../../policy/resources/resource.ts';
import type { Source } from '../../policy/source/load-sources.ts';
import { LastGood } from './last-good.ts';
import { resourceKey, Workspace, type WorkspaceState } from './workspace.ts';

export interface LocalSystemOptions {
  engine: Engine;
  crypto: CryptoProvider;
  /** Milliseconds since the epoch. */
  clock(): number;
  /** 32 random bytes for the key of this process. */
  seed: Uint8Array;
  platformNamespace?: string;
}

export interface Update {
  findings: Finding[];
  suites: LoadedResource[];
  resources: LoadedResource[];
  tenants: CompiledTenant[];
  /** Tenants whose bundle changed. */
  activated: { tenant: string; sequence: number }[];
  /** Policies and other resources that are refused and have no good version to stand in: they take no part. */
  leftOut: string[];
  /** Tenants whose last bundle stays in force as a whole: a policy in it cannot be compiled with what changed. */
  held: string[];
  /** Resources whose last good version stands in for what is in the files. */
  standIns: string[];
}

interface Published {
  files: unknown[];
  /** Ids of the policies in it. */
  policies: ReadonlySet<string>;
}

interface Compiled {
  compilation: Compilation;
  resources: LoadedResource[];
  /** Of the resources as they are now, without stand-ins. */
  findings: Finding[];
  rejected: string[];
}

const LIFETIME = 24 * 60 * 60 * 1000;

export class LocalSystem {
  readonly activations = new Activations();
  readonly #options: LocalSystemOptions;
  readonly #workspace = new Workspace();
  readonly #cache = new CompileCache();
  readonly #lastGood = new LastGood();
  readonly #modules = new ModuleCache();
  readonly #session: BundleSession;
  readonly #keyRing: ReturnType<typeof keyRingOf>;
  #published = new Map<string, Published>();

  constructor(options: LocalSystemOptions) {
    this.#options = options;
    const key = signingKeyFromSeed(options.seed, options.crypto);
    const { engine, crypto, clock } = options;
    this.#session = new BundleSession({ engine, crypto, key, clock, lifetime: LIFETIME });
    this.#keyRing = keyRingOf([key.publicKey], crypto);
  }

  /** Takes the sources as they are now. Never throws for what is written in them: that comes back as findings. */
  update(sources: readonly Source[]): Update {
    const state = this.#workspace.read(sources);
    const { compilation, resources, findings, rejected } = this.#compile(state);
    const held = this.#held(compilation);
    const activated = compilation.tenants
      .filter(({ name }) => !held.includes(name))
      .flatMap((tenant) => this.#activate(tenant));
    const gone = new Set(this.#published.keys());
    for (const tenant of compilation.tenants) gone.delete(tenant.name);
    for (const name of gone) this.#drop(name);
    if (held.length === 0) this.#lastGood.remember(resources);
    const present = new Set(state.resources);
    const standIns = resources.filter((resource) => !present.has(resource)).map(resourceKey);
    const refused = [...state.invalid, ...rejected.map((id) => `AgentPolicy ${id}`)];
    return {
      findings: [...state.findings, ...findings],
      suites: state.suites,
      resources,
      tenants: compilation.tenants,
      activated,
      held,
      standIns,
      leftOut: refused.filter((name) => !standIns.includes(name)),
    };
  }

  /** A policy that the compiler refuses is replaced by its last good version, or left out where it has none. */
  #compile(state: WorkspaceState): Compiled {
    const run = (resources: LoadedResource[]): Compilation => this.#compileOnce(resources);
    const resources = this.#lastGood.complete(state);
    const first = run(resources);
    const { findings, rejected } = first;
    if (rejected.length === 0) return { compilation: first, resources, findings, rejected };
    const repaired = this.#lastGood.complete(state, new Set(rejected.map((id) => `AgentPolicy ${id}`)));
    const second = run(repaired);
    return { compilation: second, resources: repaired, findings, rejected };
  }

  /** Leaving out a policy that was in force (a tool that it needs was edited, say) could widen access. */
  #held({ tenants, rejected }: Compilation): string[] {
    const inForce = ({ name }: CompiledTenant): boolean =>
      rejected.some((id) => this.#published.get(name)?.policies.has(id));
    return tenants.filter(inForce).map(({ name }) => name);
  }

  #compileOnce(resources: LoadedResource[]): Compilation {
    const { crypto, platformNamespace } = this.#options;
    const encoder = new TextEncoder();
    return compile(resources, {
      digest: (text) => toHex(crypto.sha256(encoder.encode(text))),
      cache: this.#cache,
      ...(platformNamespace === undefined ? {} : { platformNamespace }),
    });
  }

  #activate(tenant: CompiledTenant): { tenant: string; sequence: number }[] {
    const content = [tenant.part, ...tenant.agents.values()];
    const known = this.#published.get(tenant.name);
    if (known?.files.length === content.length && content.every((file, i) => file === known.files[i])) return [];
    const { crypto, clock } = this.#options;
    const signed = this.#session.publish(tenant);
    const files = new Map([...signed.files].map(([name, { bytes }]) => [name, bytes]));
    const identity = tenantIdentity(tenant);
    const verified = verifyBundle(files, {
      keyRing: this.#keyRing,
      tenant: identity.name,
      tenantUid: identity.uid,
      minSequence: signed.manifest.sequence,
      now: clock(),
      crypto,
    });
    this.activations.set(activate(verified, { clock, modules: this.#modules }));
    this.#published.set(tenant.name, { files: content, policies: new Set(tenant.policies.map(({ id }) => id)) });
    return [{ tenant: tenant.name, sequence: signed.manifest.sequence }];
  }

  #drop(tenant: string): void {
    this.#published.delete(tenant);
    this.activations.delete(tenant);
  }
}
