import type { ToolContract } from '../../policy/mapping/contract.ts';
import type { Activation, ActivationSource } from '../enforcement/activation.ts';
import { canonicalHost, parseBase } from '../upstream/authority.ts';
import type { Upstreams } from '../upstream/types.ts';
import { type AttributedCall, type Attribution, type Callers, refused } from './attribution.ts';
import type { CallerIdentity } from './proxy-call.ts';

/** Finds the tool that is meant, by its name or by the host that a client named. */
export interface ToolDirectory {
  byName(tool: string, target: string, via: AttributedCall['via']): Attribution;
  /** `path` is the path and query that the client sent to the host. */
  byHost(authority: NamedAuthority, path: string, via: AttributedCall['via']): Attribution;
  /** Is there a bundle that names tools at all? */
  ready(): boolean;
  /** Is any tool at this host? */
  knows(host: string): boolean;
}

export interface NamedAuthority {
  host: string;
  port: number;
}

export interface ToolDirectoryOptions {
  source: ActivationSource;
  callers: Callers;
  upstreams: Pick<Upstreams, 'resolve'>;
}

interface Place {
  tool: string;
  /** Path of the tool's base URL, '' or `/v2`. */
  base: string;
}

interface HostIndex {
  exact: Map<string, Place[]>;
  /** By what follows the asterisk, `.example.com`. */
  suffixes: Map<string, Place[]>;
}

interface Bound {
  caller: CallerIdentity;
  activation: Activation;
  contract: ToolContract;
}

export function createToolDirectory({ source, callers, upstreams }: ToolDirectoryOptions): ToolDirectory {
  let index: HostIndex = { exact: new Map(), suffixes: new Map() };
  let builtFrom: readonly unknown[] = [];

  function contractOf(tool: string): Bound | undefined {
    const caller = callers.of(tool);
    const activation = caller && source.get(caller.tenant);
    const contract = caller && activation?.contract(caller.agent, tool);
    return caller && activation && contract && { caller, activation, contract };
  }

  /** Built anew when a bundle was activated or the callers changed. */
  function current(): HostIndex {
    const parts = [callers.tools(), ...source.list()];
    if (parts.length !== builtFrom.length || parts.some((part, at) => part !== builtFrom[at])) {
      builtFrom = parts;
      index = buildIndex(callers.tools().flatMap((tool) => contractOf(tool)?.contract ?? []));
    }
    return index;
  }

  function placesAt(named: string): Place[] {
    const { exact, suffixes } = current();
    const host = canonicalHost(named) ?? '';
    const found = exact.get(host);
    if (found !== undefined || suffixes.size === 0) return found ?? [];
    for (let dot = host.indexOf('.'); dot > 0; dot = host.indexOf('.', dot + 1)) {
      const places = suffixes.get(host.slice(dot));
      if (places !== undefined) return places;
    }
    return [];
  }

  function byHost(named: NamedAuthority, path: string, via: AttributedCall['via']): Attribution {
    if (source.list().length === 0) return refused('AEGIS_NO_BUNDLE', 503);
    const { host } = named;
    const places = placesAt(host);
    if (places.length === 0) return refused('AEGIS_HOST_UNKNOWN', 403, 'No tool of the agent is at this host.');
    const place = choose(places, path);
    if (place === 'ambiguous') return refused('AEGIS_HOST_AMBIGUOUS', 403);
    const tool = (place ?? (places[0] as Place)).tool;
    const bound = contractOf(tool);
    if (bound === undefined) return refused('AEGIS_MAPPING_UNKNOWN_TOOL', 403);
    const { caller, activation, contract } = bound;
    const upstream = upstreams.resolve(contract, named);
    if ('code' in upstream) return refused(upstream.code, 403, upstream.detail);
    const target = below(path, upstream.publicPath);
    if (target === undefined) {
      return { ...refused('AEGIS_MAPPING_UNMAPPED', 403), unmapped: { tool, caller, activation, via } };
    }
    return {
      ok: true,
      call: { tool: contract.tool, target, caller, activation, via, named: { host, upstream } },
    };
  }

  return {
    byName(tool, target, via) {
      const caller = callers.of(tool);
      if (caller === undefined) return refused('AEGIS_MAPPING_UNKNOWN_TOOL', 403);
      const activation = source.get(caller.tenant);
      if (activation === undefined) return refused('AEGIS_NO_BUNDLE', 503);
      return { ok: true, call: { tool, target, caller, activation, via } };
    },
    byHost,
    ready: () => source.list().length > 0,
    knows: (host) => placesAt(host).length > 0,
  };
}

function buildIndex(contracts: readonly ToolContract[]): HostIndex {
  const index: HostIndex = { exact: new Map(), suffixes: new Map() };
  for (const { tool, upstream } of contracts) {
    const base = upstream.url === undefined ? undefined : parseBase(upstream.url);
    const place: Place = { tool, base: base?.path ?? '' };
    if (base !== undefined) addPlace(index, base.host, place);
    for (const pattern of upstream.hosts) addPlace(index, pattern, place);
  }
  return index;
}

function addPlace({ exact, suffixes }: HostIndex, pattern: string, place: Place): void {
  const wild = pattern.startsWith('*.');
  const host = canonicalHost(wild ? pattern.slice(2) : pattern);
  if (host === undefined) return;
  const map = wild ? suffixes : exact;
  const key = wild ? `.${host}` : host;
  const there = map.get(key) ?? [];
  if (!there.some(({ tool }) => tool === place.tool)) map.set(key, [...there, place]);
}

/** The tool with the longest base path that the request is below. */
function choose(places: readonly Place[], path: string): Place | 'ambiguous' | undefined {
  const fitting = places.filter(({ base }) => below(path, base) !== undefined);
  const longest = Math.max(...fitting.map(({ base }) => base.length));
  const [first, second] = fitting.filter(({ base }) => base.length === longest);
  return second === undefined ? first : 'ambiguous';
}

/** What follows the base path, as origin-form; the base itself is matched byte by byte, never decoded. */
function below(path: string, base: string): string | undefined {
  if (!path.startsWith(base)) return undefined;
  const rest = path.slice(base.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : undefined;
}
