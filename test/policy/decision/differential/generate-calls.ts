import type { ToolAction } from '../../../../policy/resources/types.generated.ts';
import type { Call } from '../reference/conditions.ts';
import type { Tenant } from '../reference/evaluate.ts';
import { TENANT } from './generate.ts';
import { AGENTS, compact, STRANGER } from './generate-rules.ts';
import type { Random } from './random.ts';
import { ELEMENTS, ODD, VALUES } from './vocabulary.ts';

function randomParams(random: Random, action: ToolAction | undefined): Record<string, unknown> {
  const params: Record<string, unknown> = {};
  const presence = random.pick([0.5, 0.9, 1]);
  const odd = random.pick([0, 0, 0.1]);
  for (const name of Object.keys(action?.parameters ?? {})) {
    if (!random.chance(presence)) continue;
    const elements = ELEMENTS[name];
    if (random.chance(odd)) params[name] = random.pick(ODD);
    else if (elements === undefined) params[name] = random.pick(VALUES[name] as readonly unknown[]);
    else params[name] = Array.from({ length: random.below(4) }, () => random.pick(elements));
  }
  if (random.chance(0.04)) params[random.pick(['undeclared', 'Amount', 'toString'])] = random.pick(ODD);
  return params;
}

function randomChain(random: Random, tenant: Tenant, agent: string): unknown {
  const others = [...AGENTS.filter((name) => name !== agent), STRANGER];
  if (random.chance(0.6)) return acceptedChain(random, tenant, agent);
  if (random.chance(0.5)) return [...random.some(others, 0.4), agent];
  return random.pick<unknown>([
    [agent],
    [],
    [others[0]],
    [agent, others[0], agent],
    [others[0], others[0], agent],
    [STRANGER, others[1], others[0], agent],
    [null, agent],
    [7, agent],
    [{}, agent],
    [['x'], agent],
    agent,
    null,
    { 0: agent },
    7,
  ]);
}

/** Back from the agent, each link among those whom the next one accepts. */
function acceptedChain(random: Random, tenant: Tenant, agent: string): string[] {
  const chain = [agent];
  while (chain.length < 5 && random.chance(0.7)) {
    const accepted = tenant.registrations.get(chain[0] as string)?.spec.delegation?.acceptsFrom ?? [];
    if (accepted.length === 0) break;
    chain.unshift(random.pick(accepted));
  }
  return chain;
}

/** Monday 2024-01-01 on; both changes of daylight saving time are within reach. */
function randomInstant(random: Random): Date {
  const day = Date.UTC(2024, random.pick([0, 2, 9]), 1 + random.below(31));
  if (random.chance(0.3)) return new Date(day + random.below(1440) * 60_000);
  // the edges of the generated windows, in one of their zones
  const edge = random.pick([0, 390, 540, 720, 1050, 1320]) - random.pick([0, 60, 120, -300, -240, 330]);
  return new Date(day + edge * 60_000 - (random.chance(0.3) ? 1000 : 0));
}

/** A call that mostly passes the structural checks, near what the tenant's policies test. */
export function randomCall(random: Random, tenant: Tenant): Call {
  const agent = random.chance(0.97) ? random.pick(AGENTS) : random.pick([STRANGER, '', '__proto__', 'constructor']);
  const granted = (tenant.registrations.get(agent)?.spec.tools ?? []).map(({ toolId }) => toolId);
  const tool = random.chance(0.97) && granted.length > 0 ? random.pick(granted) : random.pick(['pay', 'none', '*']);
  const actions = tenant.tools.get(tool)?.spec.actions ?? [];
  const action = random.chance(0.97) ? random.pick(actions) : undefined;
  const purpose = random.maybe(0.5, () => random.pick<unknown>(['care', 'billing', 'audit', 'other', '', null, 7]));
  const instant = random.maybe(0.9, () => randomInstant(random));
  return compact<Call>({
    tenant: random.maybe(0.5, () => (random.chance(0.96) ? TENANT : random.pick<unknown>(['other', '', null]))),
    agent,
    tool,
    action: action?.name ?? random.pick(['none', '*', 'read']),
    params: random.chance(0.99) ? randomParams(random, action) : random.pick<unknown>([null, [], 'x', 7, undefined]),
    context: compact<NonNullable<Call['context']>>({ purpose, instant }),
    chain: random.maybe(0.45, () => randomChain(random, tenant, agent)),
    cohort: random.maybe(0.6, () =>
      Object.fromEntries(tenant.policies.map(({ id }) => [id, random.chance(0.5)] as [string, boolean])),
    ),
  });
}
