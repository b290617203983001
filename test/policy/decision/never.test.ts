/** What no set of policies and no call may ever bring about, over generated tenants in the gateway's own evaluator. */
import type { PolicyResult, Verdict } from '../../../policy/decision/types.ts';
import { VERDICTS } from '../../../policy/decision/types.ts';
import type { AgentPolicy, AgentRegistration, Conditions, Rule } from '../../../policy/resources/types.generated.ts';
import { compileTenant, toInput } from './differential/compare.ts';
import { policyModule, tenantData, wasmEngine } from './differential/engines.ts';
import { PLATFORM, randomTenant, TENANT } from './differential/generate.ts';
import { randomCall } from './differential/generate-calls.ts';
import { AGENTS, randomRule, STRANGER } from './differential/generate-rules.ts';
import { Random } from './differential/random.ts';
import type { Call } from './reference/conditions.ts';
import type { PolicyWithState, Tenant } from './reference/evaluate.ts';
import { typeOf } from './reference/values.ts';

const TENANTS = 60;
const CALLS = 25;

let engineModule: WebAssembly.Module;
beforeAll(() => {
  engineModule = policyModule();
});

type Decide = (call: Call) => PolicyResult;

function decider(tenant: Tenant): Decide {
  const { compiled } = compileTenant(tenant);
  const engine = wasmEngine(engineModule, tenantData(compiled));
  return (call) => engine(toInput(call, compiled));
}

/** Tenants without the policies that the compiler refuses, with some calls each. */
function forEachTenant(firstSeed: number, visit: (tenant: Tenant, calls: Call[], random: Random) => void): void {
  for (let seed = firstSeed; seed < firstSeed + TENANTS; seed++) {
    const random = new Random(seed);
    const { tenant } = compileTenant(randomTenant(random));
    visit(
      tenant,
      Array.from({ length: CALLS }, () => randomCall(random, tenant)),
      random,
    );
  }
}

const strictness = (verdict: Verdict): number => VERDICTS.indexOf(verdict);
const verdictOf = (decide: Decide, call: Call): Verdict => decide(call).enforced.verdict;

function mapPolicies(tenant: Tenant, change: (policy: AgentPolicy) => AgentPolicy): Tenant {
  const policies = tenant.policies.map(({ id, stable, candidate }) => ({
    id,
    ...(stable === undefined ? {} : { stable: change(stable) }),
    ...(candidate === undefined ? {} : { candidate: { ...candidate, policy: change(candidate.policy) } }),
  }));
  return { ...tenant, policies };
}

const withRules = (policy: AgentPolicy, rules: Rule[]): AgentPolicy => ({ ...policy, spec: { ...policy.spec, rules } });

function mapRegistrations(
  tenant: Tenant,
  change: (spec: AgentRegistration['spec']) => AgentRegistration['spec'],
): Tenant {
  const registrations = [...tenant.registrations].map(
    ([id, registration]) => [id, { ...registration, spec: change(registration.spec) }] as const,
  );
  return { ...tenant, registrations: new Map(registrations) };
}

const closed = (tenant: Tenant): Tenant => mapRegistrations(tenant, ({ unmatched: _, ...spec }) => spec);

/** The same, with a part of the conditions taken out. */
function withoutCondition(rule: Rule, strip: (conditions: Conditions) => Conditions): Rule {
  return {
    ...rule,
    ...(rule.when === undefined ? {} : { when: strip(rule.when) }),
    ...(rule.conditions === undefined ? {} : { conditions: strip(rule.conditions) }),
  };
}

test('no Permit, no call: Restricts alone never grant', () => {
  forEachTenant(1000, (tenant, calls) => {
    const restricts = ({ type }: Rule): boolean => type === 'Restrict';
    const decide = decider(
      closed(mapPolicies(tenant, (policy) => withRules(policy, policy.spec.rules.filter(restricts)))),
    );
    for (const call of calls) expect(verdictOf(decide, call)).toBe('deny');
  });
});

test('one more Restrict never loosens, as a new policy of the tenant, of the platform, or in an existing one', () => {
  let compared = 0;
  forEachTenant(2000, (tenant, calls, random) => {
    const tool = random.pick([...tenant.tools.values()]);
    const rule = randomRule(random, random.pick(tool.spec.actions ?? []), 'more', true);
    const host = random.pick([TENANT, PLATFORM]);
    const added: PolicyWithState = {
      id: `${host}/more`,
      stable: {
        apiVersion: 'aegis.dev/v1alpha1',
        kind: 'AgentPolicy',
        metadata: { name: 'more', namespace: host },
        spec: { scope: { tenantWide: true }, rules: [rule] },
      },
    };
    const beside: Tenant = { ...tenant, policies: [...tenant.policies, added] };
    const inside = mapPolicies(tenant, (policy) => withRules(policy, [rule, ...policy.spec.rules]));
    for (const stricter of [beside, inside]) {
      if (compileTenant(stricter).refused.length > 0) continue;
      const [before, after] = [decider(tenant), decider(stricter)];
      for (const call of calls) {
        compared++;
        expect(strictness(verdictOf(after, call))).toBeGreaterThanOrEqual(strictness(verdictOf(before, call)));
      }
    }
  });
  expect(compared).toBeGreaterThan(CALLS * TENANTS);
});

/**
 * Leaving out a declared, well-typed parameter may only make a call allowed where the author wrote that down: by
 * `forbidden`, by a Restrict for calls that carry it (`when: required`), or by a Permit further down for calls that an
 * earlier Permit's `when` does not fit any more. Without these three, never.
 */
test('a parameter left out or of another type never turns a refusal into an allow', () => {
  const strip = (conditions: Conditions, also?: 'required'): Conditions => {
    const kept = Object.entries(conditions.params ?? {}).map(([name, { forbidden: _, required, ...tests }]) => [
      name,
      { ...tests, ...(required === undefined || also === 'required' ? {} : { required }) },
    ]);
    return { ...conditions, ...(kept.length === 0 ? {} : { params: Object.fromEntries(kept) }) };
  };
  let removed = 0;
  forEachTenant(3000, (tenant, calls, random) => {
    const plain = mapPolicies(tenant, (policy) =>
      withRules(
        policy,
        policy.spec.rules.map((rule) => {
          const { when, ...rest } = withoutCondition(rule, strip);
          return rule.type === 'Restrict' && when !== undefined ? { ...rest, when: strip(when, 'required') } : rest;
        }),
      ),
    );
    const decide = decider(plain);
    for (const call of calls) {
      const { verdict, reasons } = decide(call).enforced;
      if (verdict === 'allow' || reasons.some(({ code }) => /^(PARAMETER_TYPE|UNDECLARED|INVALID)/.test(code)))
        continue;
      for (const name of Object.keys((call.params ?? {}) as object)) {
        const { [name]: _, ...params } = call.params as Record<string, unknown>;
        removed++;
        expect(verdictOf(decide, { ...call, params })).not.toBe('allow');
        const before = typeOf((call.params as Record<string, unknown>)[name]);
        const retyped = random.pick([null, 0, '', false, [], {}].filter((value) => typeOf(value) !== before));
        expect(verdictOf(decide, { ...call, params: { ...params, [name]: retyped } })).not.toBe('allow');
      }
    }
  });
  expect(removed).toBeGreaterThan(1000);
});

test('an unknown tenant, agent, tool, action or parameter is never allowed', () => {
  forEachTenant(4000, (tenant, calls) => {
    const decide = decider(tenant);
    for (const call of calls) {
      for (const changed of [...withUnknownNames(tenant, call), ...withOddTypes(call)]) {
        expect([verdictOf(decide, changed), changed]).toEqual(['deny', changed]);
      }
    }
  });
});

function withUnknownNames(tenant: Tenant, call: Call): Call[] {
  const action = tenant.tools.get(call.tool)?.spec.actions?.find(({ name }) => name === call.action);
  const open = (action?.undeclared ?? (action?.effect === 'read' ? 'Allow' : 'Refuse')) === 'Allow';
  return ['nobody', '*', '', '__proto__', 'constructor', 'toString'].flatMap((unknown) => {
    const params = JSON.parse(`{${JSON.stringify(unknown)}:1}`) as Record<string, unknown>;
    const named = (['tenant', 'agent', 'tool', 'action'] as const).map((key) => ({ ...call, [key]: unknown }));
    return open ? named : [...named, { ...call, params }];
  });
}

function withOddTypes(call: Call): Call[] {
  const keys = ['agent', 'tool', 'action', 'params'] as const;
  return [undefined, null, 7, [], ['pay'], {}].flatMap((odd) =>
    keys
      .filter((key) => key !== 'params' || JSON.stringify(odd) !== '{}')
      .map((key) => {
        const { [key]: _, ...rest } = call;
        return (odd === undefined ? rest : { ...rest, [key]: odd }) as unknown as Call;
      }),
  );
}

test('a candidate in shadow, or outside its cohort, never changes what is enforced', () => {
  let staged = 0;
  forEachTenant(5000, (tenant, calls) => {
    const waiting = tenant.policies.filter(({ candidate, stable }) => candidate !== undefined && stable !== undefined);
    staged += waiting.length;
    for (const stage of ['shadow', 'partial'] as const) {
      const policies = tenant.policies.map(({ candidate, ...policy }) =>
        candidate === undefined ? policy : { ...policy, candidate: { ...candidate, stage } },
      );
      const stableOnly = tenant.policies.flatMap(({ id, stable }) => (stable === undefined ? [] : [{ id, stable }]));
      const [alone, beside] = [decider({ ...tenant, policies: stableOnly }), decider({ ...tenant, policies })];
      for (const { cohort: _, ...call } of calls) expect(beside(call).enforced).toEqual(alone(call).enforced);
    }
  });
  expect(staged).toBeGreaterThan(TENANTS / 3);
});

test('a suspended agent is never allowed anything, nor is a chain that it takes part in', () => {
  forEachTenant(6000, (tenant, calls) => {
    const decide = decider(mapRegistrations(tenant, (spec) => ({ ...spec, suspended: true })));
    for (const call of calls) expect(verdictOf(decide, call)).toBe('deny');
    for (const agent of AGENTS) {
      const registrations = new Map(tenant.registrations);
      const registration = registrations.get(agent) as AgentRegistration;
      registrations.set(agent, { ...registration, spec: { ...registration.spec, suspended: true } });
      const without = decider({ ...tenant, registrations });
      for (const call of calls) {
        if (Array.isArray(call.chain) && call.chain.includes(agent)) expect(verdictOf(without, call)).toBe('deny');
      }
    }
  });
});

test('a chain grants nothing: the verdict is that of the direct call, or deny', () => {
  let chained = 0;
  forEachTenant(7000, (tenant, calls) => {
    const strip = ({ chain: _, ...rest }: Conditions): Conditions => rest;
    const speaking = mapRegistrations(tenant, (spec) => ({
      ...spec,
      delegation: { ...spec.delegation, selfOrigin: true },
    }));
    const decide = decider(
      mapPolicies(speaking, (policy) =>
        withRules(
          policy,
          policy.spec.rules.map((rule) => withoutCondition(rule, strip)),
        ),
      ),
    );
    for (const { chain, ...call } of calls) {
      const direct = verdictOf(decide, call);
      const through = chain === undefined ? direct : verdictOf(decide, { ...call, chain });
      if (through !== 'deny') chained++;
      expect([direct, 'deny']).toContain(through);
    }
  });
  expect(chained).toBeGreaterThan(TENANTS);
});

test('what other agents are permitted changes nothing', () => {
  forEachTenant(8000, (tenant, calls) => {
    const agents = [STRANGER, ...AGENTS.slice(1)];
    const stable: AgentPolicy = {
      apiVersion: 'aegis.dev/v1alpha1',
      kind: 'AgentPolicy',
      metadata: { name: 'zz', namespace: TENANT },
      spec: { scope: { agents }, rules: [{ name: 'all', actions: ['*'] }] },
    };
    const more = { ...tenant, policies: [...tenant.policies, { id: `${TENANT}/zz`, stable }] };
    const [before, after] = [decider(tenant), decider(more)];
    for (const call of calls.filter(({ agent }) => agent === AGENTS[0])) expect(after(call)).toEqual(before(call));
  });
});
