import { AegisError } from '../../policy/errors.ts';
import type { CaptureConfig } from '../../policy/wire/capture-config.ts';
import type { Family } from './network.ts';
import { renderRules, type Surroundings } from './render-rules.ts';
import { resolversOf } from './resolvers.ts';
import { differenceFrom, parseSaved, restoreInput } from './saved-rules.ts';

/** What the program does to the pod. */
export interface PodNetwork {
  /** One of the programs of iptables; its standard output. @throws where it fails, with what it said. */
  run(program: string, args: readonly string[], input: string): string;
  /** Undefined where there is no such file. */
  readFile(path: string): string | undefined;
}

/** What was done, as the program tells it. */
export interface CaptureResult {
  guard: CaptureConfig['guard'];
  ipv4: 'applied';
  /** `absent`: the kernel has no IPv6. `failed`: it has, but its rules cannot be set; never under Enforce. */
  ipv6: 'applied' | 'absent' | 'failed';
  resolvers: string[];
  /** Rules per family and table. */
  rules: number;
  /** Why IPv6 failed. */
  reason?: string;
}

const PREFIX = { ipv4: 'iptables', ipv6: 'ip6tables' } as const;
/** The kernel has IPv6, whether or not an interface has an address of it. */
const IPV6 = '/proc/net/if_inet6';

/**
 * Redirects the traffic of the pod, and guards it where that is asked for. May be run again: the rules are the same.
 * @throws AegisError AEGIS_CAPTURE_RULES, AEGIS_CAPTURE_DIFFERS
 */
export function applyCapture(
  config: CaptureConfig,
  network: PodNetwork,
  apiServer?: Surroundings['apiServer'],
): CaptureResult {
  const resolvers = resolversOf(network.readFile('/etc/resolv.conf') ?? '');
  const around = { resolvers, ...(apiServer !== undefined && { apiServer }) };
  const apply = (family: Family): number => applyFamily(config, around, family, network);
  const rules = apply('ipv4');
  const done = { guard: config.guard, ipv4: 'applied' as const, resolvers };
  if (network.readFile(IPV6) === undefined) return { ...done, ipv6: 'absent', rules };
  try {
    return { ...done, ipv6: 'applied', rules: rules + apply('ipv6') };
  } catch (error) {
    if (config.guard === 'Enforce' || !(error instanceof AegisError)) throw error;
    return { ...done, ipv6: 'failed', rules, reason: error.message };
  }
}

function applyFamily(config: CaptureConfig, around: Surroundings, family: Family, network: PodNetwork): number {
  const rules = renderRules(config, around, family);
  const attempt = (program: string, args: readonly string[], input = ''): string => {
    try {
      return network.run(`${PREFIX[family]}-${program}`, args, input);
    } catch (cause) {
      const said = cause instanceof Error ? cause.message : 'it failed';
      throw new AegisError('AEGIS_CAPTURE_RULES', `${PREFIX[family]}-${program}: ${said}`, { cause });
    }
  };
  const input = restoreInput(parseSaved(attempt('save', [])), rules);
  if (input !== '') attempt('restore', ['--noflush'], input);
  const difference = differenceFrom(parseSaved(attempt('save', [])), rules);
  if (difference !== undefined) {
    throw new AegisError('AEGIS_CAPTURE_DIFFERS', `${PREFIX[family]}: ${difference}`);
  }
  return rules.nat.length + rules.filter.length + rules.mangle.length;
}
