import type { ToolContract } from '../../policy/mapping/contract.ts';
import { type Base, canonicalHost, isLiteral, matchesHost, originOf, parseBase } from './authority.ts';
import type { ResolvedTarget } from './resolved-target.ts';
import type { UpstreamRefusal } from './types.ts';

export interface NamedAuthority {
  host: string;
  port: number;
}

type Resolution = ResolvedTarget | UpstreamRefusal;

function isDefaultPort(port: number): boolean {
  return port === 80 || port === 443;
}

/** Agents choose the names below a wildcard. */
const MAX_NAMED = 256;

/** All that one contract's upstream says, read once. */
class ToolUpstream {
  readonly override: string | undefined;
  readonly #contract: ToolContract;
  readonly #base: Base | undefined;
  /** Where everything goes instead, in a local set-up. */
  readonly #standIn: Base | undefined;
  readonly #fixed: Resolution;
  readonly #named = new Map<string, Resolution>();

  constructor(contract: ToolContract, override: string | undefined) {
    const { url } = contract.upstream;
    this.override = override;
    this.#contract = contract;
    this.#base = url === undefined ? undefined : parseBase(url);
    this.#standIn = override === undefined ? undefined : parseBase(override);
    this.#fixed = this.#resolveFixed(url);
  }

  fixed(): Resolution {
    return this.#fixed;
  }

  named(authority: NamedAuthority): Resolution {
    const key = `${authority.host} ${authority.port}`;
    let known = this.#named.get(key);
    if (known === undefined) {
      if (this.#named.size >= MAX_NAMED) this.#named.clear();
      known = this.#resolveNamed(authority);
      this.#named.set(key, known);
    }
    return known;
  }

  #target(base: Base, standIn: boolean): ResolvedTarget {
    const { tool, upstream } = this.#contract;
    return {
      tool,
      origin: originOf(base),
      basePath: base.path,
      publicPath: this.#base?.path ?? '',
      secure: base.secure,
      explicit: standIn || isLiteral(base.host),
      tls: upstream.tls,
      credential: upstream.credential,
      pool: undefined,
    };
  }

  #resolveFixed(url: string | undefined): Resolution {
    if (this.override !== undefined) {
      if (this.#standIn !== undefined) return this.#target(this.#standIn, true);
      return { code: 'AEGIS_UPSTREAM_UNKNOWN', detail: 'The overridden upstream is not an http or https URL.' };
    }
    if (this.#base !== undefined) return this.#target(this.#base, false);
    const detail = url === undefined ? 'The tool has no upstream URL.' : 'The upstream is not an http or https URL.';
    return { code: 'AEGIS_UPSTREAM_UNKNOWN', detail };
  }

  #resolveNamed({ host: text, port }: NamedAuthority): Resolution {
    const host = canonicalHost(text);
    const base = host === undefined ? undefined : this.#baseOf(host, port);
    if (base === undefined) {
      const detail = `The authority that the agent named is not one of the tool ${this.#contract.tool}.`;
      return { code: 'AEGIS_UPSTREAM_HOST', detail };
    }
    return this.override === undefined ? this.#target(base, false) : this.#fixed;
  }

  /** A port that the tool does not stand on is another service, even on the tool's host. */
  #baseOf(host: string, port: number): Base | undefined {
    const base = this.#base;
    if (base?.host === host) {
      return port === base.port || (isDefaultPort(port) && isDefaultPort(base.port)) ? base : undefined;
    }
    if (!isDefaultPort(port) || !this.#contract.upstream.hosts.some((pattern) => matchesHost(pattern, host))) {
      return undefined;
    }
    // A named host is never spoken to in clear text unless the contract itself says http of it.
    return { secure: true, host, port: 443, path: base?.path ?? '' };
  }
}

export type TargetResolver = (contract: ToolContract, named?: NamedAuthority) => Resolution;

/**
 * @param overrides base URL per tool instead of the contract's, for local stand-ins; read at each call.
 */
export function createTargetResolver(overrides: Readonly<Record<string, string>> = {}): TargetResolver {
  const known = new WeakMap<ToolContract, ToolUpstream>();
  return (contract, named) => {
    const override = Object.hasOwn(overrides, contract.tool) ? overrides[contract.tool] : undefined;
    let upstream = known.get(contract);
    if (upstream === undefined || upstream.override !== override) {
      upstream = new ToolUpstream(contract, override);
      known.set(contract, upstream);
    }
    return named === undefined ? upstream.fixed() : upstream.named(named);
  };
}
