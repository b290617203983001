/** Compiling with what the last compilation left gives the same bytes as compiling anew, whatever was edited. */
import { compile } from '../../../policy/compiler/compile.ts';
import { CompileCache } from '../../../policy/compiler/compile-cache.ts';
import type { CompileOptions } from '../../../policy/compiler/compile-options.ts';
import type { LoadedResource } from '../../../policy/resources/resource.ts';
import { compileInput, randomTenant } from '../decision/differential/generate.ts';
import { Random } from '../decision/differential/random.ts';
import type { PolicyWithState, Tenant } from '../decision/reference/evaluate.ts';
import { digest } from './golden-case.ts';

function summary(resources: readonly LoadedResource[], options: CompileOptions): unknown {
  const { tenants, findings, rejected } = compile(resources, options);
  const text = ({ bytes }: { bytes: Uint8Array }): string => Buffer.from(bytes).toString('utf8');
  return {
    rejected,
    findings: findings.map(({ code, resource, field, message }) => `${code} ${resource} ${field} ${message}`).sort(),
    tenants: tenants.map(({ name, part, agents, policies }) => ({
      name,
      part: text(part),
      agents: [...agents].map(([id, file]) => [id, text(file)]),
      policies: policies.map(({ id, revision }) => `${id} ${revision}`),
    })),
  };
}

/** Takes one part from another tenant: a tool, a registration, a policy, or leaves a policy out. */
function edited(random: Random, tenant: Tenant, other: Tenant): Tenant {
  const swapped = <T>(own: Map<string, T>, from: Map<string, T>): Map<string, T> => {
    const name = random.pick([...own.keys()]);
    const value = from.get(name);
    return value === undefined ? own : new Map([...own, [name, value]]);
  };
  const index = random.below(Math.max(tenant.policies.length, 1));
  const replaced = other.policies.find(({ id }) => id === tenant.policies[index]?.id);
  return random.pick<() => Tenant>([
    () => ({ ...tenant, tools: swapped(tenant.tools, other.tools) }),
    () => ({ ...tenant, registrations: swapped(tenant.registrations, other.registrations) }),
    () => ({ ...tenant, policies: tenant.policies.filter((_, i) => i !== index) }),
    () => ({ ...tenant, policies: tenant.policies.map((policy, i) => (i === index && replaced ? replaced : policy)) }),
    () => ({ ...tenant, policies: [...tenant.policies, ...missing(tenant, other.policies).slice(0, 1)] }),
    () => ({ ...tenant, everEnforced: other.everEnforced }),
    () => {
      const { resource: _, ...rest } = tenant;
      return other.resource === undefined ? rest : { ...rest, resource: other.resource };
    },
    () => tenant,
  ])();
}

function missing(tenant: Tenant, policies: readonly PolicyWithState[]): PolicyWithState[] {
  return policies.filter(({ id }) => !tenant.policies.some((own) => own.id === id));
}

test('incremental compilation is exact over random edits', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = new Random(seed);
    const cache = new CompileCache();
    let tenant = randomTenant(random);
    let suspended = new Set<string>();
    for (let step = 0; step < 15; step++) {
      tenant = edited(random, tenant, randomTenant(random));
      if (random.chance(0.2)) suspended = new Set(random.some(['alpha', 'beta', 'gamma'], 0.3));
      const { resources, options } = compileInput(tenant);
      const common = { digest, suspended: (_: string, agent: string) => suspended.has(agent), ...options };
      expect(summary(resources, { ...common, cache })).toEqual(summary(resources, common));
    }
  }
});

test('what did not change is the same object', () => {
  const { resources, options } = compileInput(randomTenant(new Random(3)));
  const cache = new CompileCache();
  const [first] = compile(resources, { digest, ...options, cache }).tenants;
  const [second] = compile(resources, { digest, ...options, cache }).tenants;
  expect([...(first?.agents.values() ?? [])].length).toBe(3);
  for (const [id, file] of first?.agents ?? []) expect(second?.agents.get(id)).toBe(file);
  expect(second?.part).toBe(first?.part);
});

test('the order of resources does not matter', () => {
  for (let seed = 100; seed < 140; seed++) {
    const random = new Random(seed);
    const { resources, options } = compileInput(randomTenant(random));
    const shuffled = [...resources].sort(() => random.next() - 0.5);
    expect(summary(shuffled, { digest, ...options })).toEqual(summary(resources, { digest, ...options }));
  }
});
