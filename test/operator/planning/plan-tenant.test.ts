import { PLATFORM, sampleObjects, textOf, World } from './world.ts';

function fintech(): World {
  const world = new World();
  for (const object of sampleObjects('fintech')) world.apply(object);
  return world;
}

type ToolObject = { spec: { actions: { name: string; parameters?: unknown }[] } };

const POLICY = 'AgentPolicy fintech/finance-payments';

type PolicySpec = {
  rules: { name: string; actions: string[]; conditions: Record<string, unknown> }[];
  rollout?: unknown;
};

function slice(world: World, agent = 'finance-agent') {
  const plan = world.plan();
  return JSON.parse(textOf(plan.compiled.agents.get(agent)?.bytes)) as Record<string, unknown>;
}

describe('a tenant, planned', () => {
  test('the sample takes part as it is', () => {
    const world = fintech();
    const plan = world.pass();
    expect(plan.held).toEqual([]);
    expect([...plan.results].filter(([, { takesPart }]) => takesPart !== 'current')).toEqual([]);
    expect(
      [...plan.results.values()].flatMap(({ findings }) => findings.filter((f) => f.severity === 'error')),
    ).toEqual([]);
    expect(plan.results.get(POLICY)?.plan?.state).toMatchObject({ stage: 'Enforce', phase: 'Complete' });
    expect(world.entries.get(POLICY)).toMatchObject({ sequence: 1 });
  });

  test('planned again, nothing is new; a restart changes nothing', () => {
    const world = fintech();
    world.pass();
    const before = world.entries;
    const again = world.plan();
    for (const [key, entry] of again.entries) expect(entry).toBe(before.get(key));
    world.restart();
    const after = world.plan();
    for (const [key, entry] of after.entries) expect(entry).toBe(world.entries.get(key));
    expect(after.entries.size).toBe(before.size);
    expect(textOf(after.compiled.agents.get('finance-agent')?.bytes)).toBe(
      textOf(again.compiled.agents.get('finance-agent')?.bytes),
    );
  });

  test('an edit that is wrong leaves the last good version in force, also after a restart', () => {
    const world = fintech();
    world.pass();
    const good = JSON.stringify(slice(world));
    world.edit('AgentPolicy', 'fintech/finance-payments', (spec: PolicySpec) => {
      (spec.rules[0] as { conditons?: unknown }).conditons = { maxAmount: 1 };
    });
    const plan = world.pass();
    expect(plan.results.get(POLICY)).toMatchObject({ takesPart: 'lastGood' });
    expect(plan.results.get(POLICY)?.findings[0]).toMatchObject({ severity: 'error' });
    expect(JSON.stringify(slice(world))).toBe(good);
    world.restart();
    expect(JSON.stringify(slice(world))).toBe(good);
  });

  test('a rule that no tool can bind is left to the last good version', () => {
    const world = fintech();
    world.pass();
    const good = JSON.stringify(slice(world));
    world.edit('AgentPolicy', 'fintech/finance-payments', (spec: PolicySpec) => {
      (spec.rules[0] as PolicySpec['rules'][0]).conditions = { params: { nothing: { max: 3 } } };
    });
    const plan = world.pass();
    expect(plan.results.get(POLICY)).toMatchObject({ takesPart: 'lastGood' });
    expect(plan.results.get(POLICY)?.findings.map(({ code }) => code)).toContain('AEGIS_UNKNOWN_PARAMETER');
    expect(JSON.stringify(slice(world))).toBe(good);
  });

  test('a tool whose new version would break a policy in force stalls itself', () => {
    const world = fintech();
    world.pass();
    const good = JSON.stringify(slice(world));
    world.edit(
      'AgentTool',
      'fintech/stripe-payments',
      (spec: { actions: { name: string; parameters?: unknown }[] }) => {
        for (const action of spec.actions) delete action.parameters;
      },
    );
    const plan = world.pass();
    expect(plan.held).toEqual([]);
    expect(plan.results.get('AgentTool fintech/stripe-payments')).toMatchObject({ takesPart: 'lastGood' });
    expect(plan.results.get('AgentTool fintech/stripe-payments')?.findings[0]?.code).toBe('AEGIS_TOOL_BREAKS_POLICY');
    expect(plan.results.get(POLICY)).toMatchObject({ takesPart: 'current' });
    expect(JSON.stringify(slice(world))).toBe(good);
  });

  test('a tool that breaks a policy in force holds up no other tool', () => {
    const world = fintech();
    world.pass();
    const tool = JSON.parse(JSON.stringify(world.stores.AgentTool.get('fintech/stripe-payments'))) as ToolObject;
    world.apply({ ...tool, metadata: { name: 'payouts', namespace: 'fintech' } } as never);
    world.edit('AgentTool', 'fintech/stripe-payments', (spec: ToolObject['spec']) => {
      for (const action of spec.actions) delete action.parameters;
    });
    const plan = world.pass();
    expect(plan.results.get('AgentTool fintech/stripe-payments')).toMatchObject({ takesPart: 'lastGood' });
    expect(plan.results.get('AgentTool fintech/payouts')).toMatchObject({ takesPart: 'current', findings: [] });
  });

  test('a policy that came before its tool, and does not fit it, stalls itself and not the tool', () => {
    const world = fintech();
    const tool = world.stores.AgentTool.get('fintech/stripe-payments');
    world.delete('AgentTool', 'fintech/stripe-payments');
    world.edit('AgentPolicy', 'fintech/finance-payments', (spec: PolicySpec) => {
      (spec.rules[0] as PolicySpec['rules'][0]).actions = ['create_paymant'];
    });
    expect(
      world
        .pass()
        .results.get(POLICY)
        ?.missing.map(({ code }) => code),
    ).toContain('AEGIS_UNKNOWN_TOOL');
    const before = world.entries;
    world.now += 60_000;
    for (const [key, entry] of world.plan().entries) expect(entry).toBe(before.get(key));
    world.apply(tool as never);
    for (const plan of [world.pass(), world.pass()]) {
      expect(plan.held).toEqual([]);
      expect(plan.results.get('AgentTool fintech/stripe-payments')).toMatchObject({ takesPart: 'current' });
      expect(plan.results.get(POLICY)).toMatchObject({ takesPart: 'none' });
      expect(plan.results.get(POLICY)?.findings.map(({ code }) => code)).toContain('AEGIS_UNKNOWN_ACTION');
    }
  });

  test('a deleted registration stays, refused, until gateways stop by themselves', () => {
    const world = fintech();
    world.pass();
    world.delete('AgentRegistration', 'fintech/finance-agent');
    world.pass();
    // with its tools: a gateway that does not know their hosts would let them pass where the guard is off
    expect(slice(world)).toMatchObject({ suspended: true, contracts: { 'stripe-payments': expect.anything() } });
    expect(world.entries.get('AgentRegistration fintech/finance-agent')?.tombstone).toBeDefined();
    world.restart();
    world.now += 71 * 3_600_000;
    world.pass();
    expect(world.plan().compiled.agents.has('finance-agent')).toBe(true);
    world.now += 2 * 3_600_000;
    world.pass();
    expect(world.plan().compiled.agents.has('finance-agent')).toBe(false);
    expect(world.entries.has('AgentRegistration fintech/finance-agent')).toBe(false);
  });

  test('a deleted registration that names actions and tools that are gone holds nothing up', () => {
    const world = fintech();
    world.pass();
    world.delete('AgentRegistration', 'fintech/finance-agent');
    world.delete('AgentTool', 'fintech/stripe-payments');
    const plan = world.pass();
    expect(plan.held).toEqual([]);
    // neither is the tool's host one of no tool
    expect(slice(world)).toMatchObject({
      suspended: true,
      contracts: { 'stripe-payments': { actions: [] } },
      tools: {},
    });
  });

  describe('a tool that is deleted while a registration names it', () => {
    const TOOL = 'fintech/stripe-payments';
    const URL = 'https://api.stripe.com';
    const CLOSED = { tool: 'stripe-payments', upstream: { url: URL, hosts: [] }, actions: [] };
    const closedEntry = (world: World) => world.entries.get('ClosedTool stripe-payments');

    function withoutTool(): World {
      const world = fintech();
      world.edit('AgentTool', TOOL, (spec: { upstream: object }) => {
        Object.assign(spec.upstream, { credentialRef: { name: 'stripe-key' } });
      });
      world.pass();
      world.delete('AgentTool', TOOL);
      return world;
    }

    test('keeps its host, and has no action: what the condition misses stays missing', () => {
      const world = withoutTool();
      const plan = world.pass();
      expect(plan.held).toEqual([]);
      expect(slice(world)).toMatchObject({ contracts: { 'stripe-payments': CLOSED }, tools: {} });
      expect(JSON.stringify([slice(world), closedEntry(world)])).not.toMatch(/stripe-key|create_payment"/);
      const missing = (key: string) => plan.results.get(key)?.missing.map(({ code }) => code);
      expect(missing(POLICY)).toContain('AEGIS_UNKNOWN_TOOL');
      expect(missing('AgentRegistration fintech/finance-agent')).toContain('AEGIS_UNKNOWN_TOOL');
      expect(world.entries.has(`AgentTool ${TOOL}`)).toBe(false);
    });

    test('for as long as somebody names it, also after restarts', () => {
      const world = withoutTool();
      world.pass();
      const [entry, before] = [closedEntry(world), JSON.stringify(slice(world))];
      world.now += 1000 * 3_600_000;
      world.pass();
      expect(closedEntry(world)).toBe(entry);
      world.restart();
      expect(world.plan().entries.get('ClosedTool stripe-payments')).toBe(closedEntry(world));
      expect(JSON.stringify(slice(world))).toBe(before);
      for (const key of [...world.stores.AgentRegistration.values()].map(({ metadata }) => metadata.name)) {
        world.edit('AgentRegistration', `fintech/${key}`, (spec: { tools?: unknown }) => {
          delete spec.tools;
        });
      }
      world.pass();
      expect(closedEntry(world)).toBeUndefined();
      expect(slice(world)).toMatchObject({ contracts: {} });
    });

    test('with its registrations it goes when their gateways have stopped', () => {
      const world = withoutTool();
      for (const { metadata } of [...world.stores.AgentRegistration.values()]) {
        world.delete('AgentRegistration', `fintech/${metadata.name}`);
      }
      world.pass();
      expect(slice(world)).toMatchObject({ suspended: true, contracts: { 'stripe-payments': CLOSED } });
      world.now += 73 * 3_600_000;
      world.pass();
      expect([...world.entries.keys()].filter((key) => /Tool|Registration/.test(key))).toEqual([]);
    });

    test('ends when a tool of that id takes part again, and not with one that is of no use', () => {
      const world = withoutTool();
      world.pass();
      const again = sampleObjects('fintech').find(({ kind }) => kind === 'AgentTool') as never as ToolObject & {
        metadata: object;
      };
      const wrong = JSON.parse(JSON.stringify(again)) as ToolObject & { spec: { protocol: string } };
      wrong.spec.protocol = 'Nonsense';
      world.apply(wrong as never);
      world.pass();
      expect(slice(world)).toMatchObject({ contracts: { 'stripe-payments': CLOSED } });
      // another one that bears the name meanwhile speaks for another id
      world.delete('AgentTool', TOOL);
      world.pass();
      world.apply({ ...again, spec: { ...again.spec, toolId: 'payouts' } } as never);
      world.pass();
      expect(slice(world)).toMatchObject({ contracts: { 'stripe-payments': CLOSED } });
      world.delete('AgentTool', TOOL);
      world.pass();
      world.apply(again as never);
      world.pass();
      expect(closedEntry(world)).toBeUndefined();
      expect(slice(world)).toMatchObject({ contracts: { 'stripe-payments': { protocol: 'HTTP' } }, suspended: false });
      expect(slice(world)).not.toMatchObject({ contracts: { 'stripe-payments': { actions: [] } } });
    });

    test('a tool of the platform as well', () => {
      const world = fintech();
      const tool = JSON.parse(JSON.stringify(world.stores.AgentTool.get(TOOL))) as ToolObject;
      world.delete('AgentTool', TOOL);
      world.apply({ ...tool, metadata: { name: 'stripe-payments', namespace: PLATFORM } } as never);
      world.pass();
      world.delete('AgentTool', `${PLATFORM}/stripe-payments`);
      world.pass();
      expect(slice(world)).toMatchObject({ contracts: { 'stripe-payments': CLOSED } });
    });
  });

  test('a registration that comes back is no longer refused', () => {
    const world = fintech();
    world.pass();
    const object = world.stores.AgentRegistration.get('fintech/finance-agent');
    world.delete('AgentRegistration', 'fintech/finance-agent');
    world.pass();
    const { uid: _, generation: __, ...metadata } = object?.metadata ?? { name: '' };
    world.apply({ ...(object as never as { spec: unknown; apiVersion: string; kind: string }), metadata });
    world.pass();
    expect(slice(world)).toMatchObject({ suspended: false });
  });

  test('a second revision shadows beside the first, then enforces for one agent, then for all', () => {
    const world = fintech();
    world.pass();
    const rollout = {
      targetStage: 'Enforce',
      gates: [
        { to: 'Partial', minDuration: '1h', minDecisions: 0, minAgents: 0 },
        { to: 'Enforce', minDuration: '1h', minDecisions: 0, minAgents: 0 },
      ],
      partial: { percent: 100 },
    };
    world.edit('AgentPolicy', 'fintech/finance-payments', (spec: PolicySpec) => {
      (spec.rules[0] as PolicySpec['rules'][0]).conditions = { maxAmount: 1000, currency: 'USD' };
      spec.rollout = rollout;
    });
    const shadow = world.pass().results.get(POLICY)?.plan;
    expect(shadow?.state).toMatchObject({ stage: 'Shadow' });
    expect(shadow?.takesPart.stable?.object.spec.rules[0]?.conditions).toMatchObject({ maxAmount: 5000 });
    expect(shadow?.takesPart.candidate?.stage).toBe('shadow');
    world.restart();
    world.now += 3_600_000;
    expect(world.pass().results.get(POLICY)?.plan?.state).toMatchObject({ stage: 'Partial' });
    world.now += 3_600_000;
    const done = world.pass().results.get(POLICY)?.plan;
    expect(done?.state).toMatchObject({ stage: 'Enforce', phase: 'Complete' });
    expect(done?.takesPart.candidate).toBeUndefined();
    expect(world.entries.get(POLICY)?.stable).toBeUndefined();
  });

  test('a change of the tool alone starts no rollout', () => {
    const world = fintech();
    const before = world.pass().results.get(POLICY)?.plan?.state;
    world.edit('AgentTool', 'fintech/stripe-payments', (spec: { actions: { name: string; effect: string }[] }) => {
      for (const action of spec.actions) if (action.name === 'create_payment') action.effect = 'irreversible';
    });
    const after = world.pass().results.get(POLICY)?.plan;
    expect(after?.state).toMatchObject({ stage: 'Enforce', phase: 'Complete' });
    expect(after?.state.revision).not.toBe(before?.revision);
    expect(after?.state.stableRevision).toBe(after?.state.revision);
  });

  test('a policy that names what is not there yet waits, and takes part all the same', () => {
    const world = fintech();
    world.delete('AgentRegistration', 'fintech/finance-agent');
    const plan = world.pass();
    expect(plan.results.get(POLICY)?.missing.map(({ code }) => code)).toEqual(['AEGIS_UNKNOWN_AGENT']);
    expect(plan.results.get(POLICY)?.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  });

  test('the younger of two with one id takes no part and leaves no tombstone', () => {
    const world = fintech();
    world.pass();
    world.now += 1000;
    const object = world.stores.AgentRegistration.get('fintech/finance-agent') as never as { spec: object };
    world.apply({
      apiVersion: 'aegis.dev/v1alpha1',
      kind: 'AgentRegistration',
      metadata: { name: 'other', namespace: 'fintech' },
      spec: { ...object.spec, agentId: 'finance-agent' },
    });
    const plan = world.pass();
    expect(plan.results.get('AgentRegistration fintech/other')).toMatchObject({ takesPart: 'none' });
    world.delete('AgentRegistration', 'fintech/other');
    world.pass();
    expect(slice(world)).toMatchObject({ suspended: false });
  });

  test('a policy that came before its tool, does not fit it, and is invalid now, holds up nobody', () => {
    const world = fintech();
    const tool = world.stores.AgentTool.get('fintech/stripe-payments');
    world.delete('AgentTool', 'fintech/stripe-payments');
    world.edit('AgentPolicy', 'fintech/finance-payments', (spec: PolicySpec) => {
      (spec.rules[0] as PolicySpec['rules'][0]).actions = ['create_paymant'];
    });
    world.pass();
    world.apply(tool as never);
    world.edit('AgentPolicy', 'fintech/finance-payments', (spec: { scop?: unknown }) => {
      spec.scop = {};
    });
    for (const plan of [world.pass(), world.pass()]) {
      expect(plan.held).toEqual([]);
      expect(plan.results.get('AgentTool fintech/stripe-payments')).toMatchObject({ takesPart: 'current' });
      expect(plan.results.get(POLICY)).toMatchObject({ takesPart: 'none' });
      expect(plan.entries.get(POLICY)?.rollout).toBeUndefined();
    }
  });

  test('a tool of the platform that would break a policy in force is left out, whatever the platform has committed', () => {
    const world = fintech();
    const own = JSON.parse(JSON.stringify(world.stores.AgentTool.get('fintech/stripe-payments'))) as ToolObject;
    world.delete('AgentTool', 'fintech/stripe-payments');
    const shared = { ...own, metadata: { name: 'stripe-payments', namespace: PLATFORM } };
    world.apply(shared as never);
    world.pass();
    expect(world.entries.get(POLICY)?.rollout?.stableRevision).toBeDefined();
    world.delete('AgentTool', `${PLATFORM}/stripe-payments`);
    world.pass();
    const actions = own.spec.actions.map(({ name, parameters: _, ...rest }) => ({ name, ...rest }));
    world.apply({ ...shared, spec: { ...own.spec, actions } } as never);
    const key = `AgentTool ${PLATFORM}/stripe-payments`;
    const { uid = '', generation = 0 } = world.stores.AgentTool.get(`${PLATFORM}/stripe-payments`)?.metadata ?? {};
    const accepted = world.stores.AgentTool.get(`${PLATFORM}/stripe-payments`);
    const platform = new Map([[key, { uid, generation, accepted, sequence: 3 }]]);
    const plans = [world.plan(), world.plan('fintech', new Map()), world.plan('fintech', platform)];
    world.apply({ ...shared, spec: { ...own.spec, actions, riskTier: 'critical' } } as never);
    plans.push(world.plan('fintech', platform));
    world.edit('AgentTool', `${PLATFORM}/stripe-payments`, (spec: { action?: unknown }) => {
      spec.action = [];
    });
    plans.push(world.plan('fintech', platform));
    for (const plan of plans) {
      expect(plan.held).toEqual([]);
      expect(plan.results.get(key)?.takesPart).toBe('none');
      expect(plan.results.get(key)?.findings.map(({ code }) => code)).toContain('AEGIS_TOOL_BREAKS_POLICY');
      expect(plan.entries.has(key)).toBe(false);
    }
  });

  test('a policy of the platform that enforces binds a tenant that is new from its first bundle on', () => {
    const world = fintech();
    const restrict = {
      apiVersion: 'aegis.dev/v1alpha1',
      kind: 'AgentPolicy',
      metadata: { name: 'no-large-payments', namespace: 'aegis-system' },
      spec: {
        scope: { tenantWide: true },
        rules: [{ name: 'cap', type: 'Restrict', actions: ['*'], conditions: { maxAmount: 10 } }],
        rollout: { profile: 'standard' },
      },
    };
    world.apply(restrict);
    const key = 'AgentPolicy aegis-system/no-large-payments';
    const shadow = world.plan('aegis-system');
    expect(shadow.results.get(key)?.findings).toEqual([]);
    expect(shadow.results.get(key)?.plan?.state.stage).toBe('Shadow');
    const entry = shadow.entries.get(key);
    const rollout = entry?.rollout;
    if (entry === undefined || rollout === undefined) throw new Error('there is no entry');
    const { revision } = rollout;
    const enforcing = { ...rollout, stage: 'Enforce' as const, phase: 'Complete' as const, stableRevision: revision };
    const platform = new Map([[key, { ...entry, rollout: enforcing, sequence: 7 }]]);
    const plan = world.plan('fintech', platform);
    const state = plan.results.get(key)?.plan?.state;
    expect(state).toMatchObject({ stage: 'Enforce', phase: 'Complete' });
    expect(state?.stableRevision).toBe(state?.revision);
    expect(plan.results.get(key)?.plan?.takesPart.stable).toBeDefined();
    // also where its current version is of no use
    world.edit('AgentPolicy', 'aegis-system/no-large-payments', (spec: { scop?: string }) => {
      spec.scop = 'x';
    });
    const broken = world.plan('fintech', platform);
    expect(broken.results.get(key)?.takesPart).toBe('lastGood');
    expect(broken.results.get(key)?.plan?.takesPart.stable).toBeDefined();
    // without a word of the platform it begins as everywhere
    expect(world.plan('fintech', new Map()).results.get(key)?.plan).toBeUndefined();
  });
});
