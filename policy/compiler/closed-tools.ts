/**
 * Tools that a registration names and that cannot be called: they are gone, or their requests cannot be mapped without a
 * doubt. Where hosts of no tool pass, theirs would pass undecided, so that they stay theirs: every call is refused.
 */
import { canonicalJson } from '../bundle/canonical-json.ts';
import { compileToolContract, type UpstreamContract } from '../mapping/contract.ts';
import type { AgentTool, AgentToolSpec } from '../resources/types.generated.ts';

export interface ClosedTool {
  toolId: string;
  tool: AgentTool;
}

/** What remains of a tool that is closed: where it is, and how it answers. No credential, and no action. */
export function closedSpec({ upstream: { url, hosts }, denial }: AgentToolSpec): AgentToolSpec {
  return {
    protocol: 'HTTP',
    upstream: { ...(url !== undefined && { url }), ...(hosts !== undefined && { hosts }) },
    ...(denial !== undefined && { denial }),
  };
}

/** Canonical JSON of the contracts. Hosts at which a tool in use is are that one's alone. */
export function closedContracts(
  closed: readonly ClosedTool[],
  inUse: readonly Pick<UpstreamContract, 'url' | 'hosts'>[],
): [toolId: string, contract: string][] {
  const taken = inUse.flatMap(placesOf);
  const isFree = (pattern: string): boolean => {
    const host = canonical(pattern);
    return host === undefined || !taken.some((other) => covers(other, host));
  };
  return closed.flatMap(({ toolId, tool }): [string, string][] => {
    const { url, hosts = [] } = tool.spec.upstream;
    const spec = closedSpec({
      ...tool.spec,
      upstream: { ...(url !== undefined && isFree(hostOf(url)) && { url }), hosts: hosts.filter(isFree) },
    });
    if (spec.upstream.url === undefined && spec.upstream.hosts?.length === 0) return [];
    return [[toolId, canonicalJson(compileToolContract(toolId, spec))]];
  });
}

function placesOf({ url, hosts }: Pick<UpstreamContract, 'url' | 'hosts'>): string[] {
  return [...(url === undefined ? [] : [hostOf(url)]), ...hosts].flatMap((pattern) => canonical(pattern) ?? []);
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).hostname : '';
}

/** Lower case, IDNA, without the dot of the root; a wildcard stays one. */
function canonical(pattern: string): string | undefined {
  const wild = pattern.startsWith('*.') ? '*.' : '';
  const bare = pattern.slice(wild.length);
  const literal = bare.includes(':') && !bare.startsWith('[');
  const host = hostOf(`http://${literal ? `[${bare}]` : bare}/`).replace(/\.$/, '');
  return host === '' ? undefined : wild + host;
}

function covers(pattern: string, host: string): boolean {
  if (!pattern.startsWith('*.')) return pattern === host;
  const below = host.startsWith('*.') ? host.slice(1) : host;
  return below.endsWith(pattern.slice(1));
}
