import type { Callers } from '../../capture/attribution.ts';
import { parseAuthority } from '../../capture/authority.ts';
import type { CallerIdentity } from '../../capture/proxy-call.ts';
import type { ToolDirectory } from '../../capture/tool-directory.ts';
import { refusal, type WayRefusal } from '../../capture/way-refusal.ts';
import type { Activation, ActivationSource } from '../../enforcement/activation.ts';
import type { EnvoyRequest } from './check-request.ts';

/** Which tool Envoy asks about, who calls it, and the request's target below the tool's base path. */
export interface EnvoyCall {
  tool: string;
  basePath: string;
  target: string;
  /** Host of the call, where the request is what names it. */
  host?: string;
  caller: CallerIdentity;
  activation: Activation;
}

export type EnvoyAttribution = { ok: true; call: EnvoyCall } | { ok: false; refusal: WayRefusal };

export interface EnvoyAttributionOptions {
  source: ActivationSource;
  directory: ToolDirectory;
  callers: Callers;
  /** Envoy's configuration may name the agent; only where the gateway serves no agent of its own. */
  namedAgents: boolean;
}

/**
 * The tool is what the route's `context_extensions` name, else the one at the request's host. The agent is the
 * gateway's own; where it has none, `context_extensions` name it. Nothing of this comes from the request's headers.
 */
export function createEnvoyAttribution(options: EnvoyAttributionOptions): (request: EnvoyRequest) => EnvoyAttribution {
  const { source, directory, callers, namedAgents } = options;

  function callerOf(tool: string, named: string | undefined): CallerIdentity | undefined {
    const own = callers.of(tool);
    if (named === undefined || own?.agent === named) return own;
    return namedAgents ? { agent: named } : undefined;
  }

  function byName(tool: string, { path, extensions }: EnvoyRequest): EnvoyAttribution {
    const caller = callerOf(tool, extensions.agent);
    if (caller === undefined) return { ok: false, refusal: refusal('AEGIS_MAPPING_UNKNOWN_TOOL', 403) };
    const activation = source.get(caller.tenant);
    if (activation === undefined) return { ok: false, refusal: refusal('AEGIS_NO_BUNDLE', 503) };
    return { ok: true, call: { tool, basePath: '', target: path, caller, activation } };
  }

  function byHost({ host, path, scheme, extensions }: EnvoyRequest): EnvoyAttribution {
    const authority = parseAuthority(host);
    if (authority === undefined) return { ok: false, refusal: refusal('AEGIS_HOST_UNKNOWN', 403) };
    const port = authority.port ?? (scheme === 'http' ? 80 : 443);
    const found = directory.byHost({ host: authority.host, port }, path, 'proxy');
    if (!found.ok) return found;
    const { tool, target, caller, activation, named } = found.call;
    if (extensions.agent !== undefined && extensions.agent !== caller.agent) {
      return { ok: false, refusal: refusal('AEGIS_MAPPING_UNKNOWN_TOOL', 403) };
    }
    const basePath = named?.upstream.publicPath ?? '';
    return { ok: true, call: { tool, basePath, target, host: authority.host, caller, activation } };
  }

  return (request) => {
    const { tool } = request.extensions;
    return tool === undefined ? byHost(request) : byName(tool, request);
  };
}
