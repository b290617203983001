/** The tracer and the WebAssembly policy say the same about generated calls: verdict and reasons. */
import fc from 'fast-check';
import { collectVectors } from '../../../cli/testing/vectors.ts';
import { Tracer } from '../../../cli/workspace/tracer.ts';
import type { AgentSlice, Condition, ConditionTest } from '../../../policy/compiler/slice.ts';
import type { DecisionInput } from '../../../policy/decision/types.ts';
import type { Source } from '../../../policy/source/load-sources.ts';
import { newSystem, sampleSources } from '../../support/sample.ts';
import { EVERY_CONDITION } from './every-condition.ts';

const EDGES: unknown[] = [null, true, false, 0, -1, 1.5, '', 'x', [], ['x'], {}, '5'];
const HOSTS = [
  'api.example.com',
  'API.Example.com.',
  'x.api.example.com',
  'example.com',
  'api.example.com:443',
  'api..example.com',
  '.',
  'a@b',
  '10.0.0.1',
  '10.0.0.01',
  '10.0.0.1.',
  '0x7f.1',
  '[::1]',
  '::1',
  '[::1]:80',
  'fd00::12',
  '[::ffff:10.0.0.1]',
  '2001:db8::1.2.3.4',
  'FE80::1',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::',
  ':1',
  '1::1.2.3',
  '::1.2.3.4',
  '::ffff:1.2.3.4',
  '::fffe:1.2.3.4',
];
const URLS = [
  ...HOSTS.map((host) => `https://${host}/a?b=c#d`),
  'https://user@api.example.com/',
  'https://api.example.com\\@evil/',
  'ftp://api.example.com',
  '//api.example.com',
  'https://api.example.com:99999/ä',
];
const PATHS = [
  '/src',
  '/src/',
  '/src/a',
  'src/a',
  '/src/../b',
  '/src/./b',
  '/srcx',
  '/a%2fb',
  '/a\\b',
  '/',
  '',
  '/docs//x',
  '..',
  '/src/..a',
];

interface System {
  slices: [tenant: string, AgentSlice][];
  check(input: DecisionInput): string | undefined;
  vectors: DecisionInput[];
}

function systemOf(sources: Source[]): System {
  const system = newSystem();
  const update = system.update(sources);
  // a policy that is refused would leave nothing to compare
  expect(update.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  const tracer = new Tracer(update);
  const slices = update.tenants.flatMap(({ name }) =>
    [...(tracer.sources(name)?.slices.values() ?? [])].map((slice): [string, AgentSlice] => [name, slice]),
  );
  return {
    slices,
    vectors: collectVectors(update.resources, update.suites).flatMap(({ test }) =>
      test.input === undefined ? [] : [{ params: {}, ...test.input } as DecisionInput],
    ),
    check(input) {
      const activation = system.activations.get();
      if (activation === undefined) throw new Error('nothing is active');
      return tracer.trace(activation, input).mismatch;
    },
  };
}

/** Values that are just inside and just outside of what a condition tests. */
function around(test: ConditionTest): unknown[] {
  switch (test.k) {
    case 'max':
    case 'min':
      return [Number(test.v), Number(test.v) + 1, Number(test.v) - 1, Number(test.v) + 0.01];
    case 'in':
      return [...Object.keys(test.v), ...Object.keys(test.v).map((name) => name.toUpperCase())];
    case 'one':
      return test.v.map((value) => (typeof value === 'boolean' ? value : Number(value)));
    case 'length':
      return ['x'.repeat(test.v), 'ä'.repeat(test.v + 1), '😀'.repeat(Math.min(test.v, 50))];
    case 'path':
      return PATHS;
    case 'host':
    case 'cidr':
      return test.uri ? URLS : HOSTS;
    case 'each':
      return [[], around(test.c), around(test.c).slice(0, 1), [...around(test.c), 5]];
    default:
      return [];
  }
}

function pools({ slices, vectors }: System): Map<string, unknown[]> {
  const byName = new Map<string, unknown[]>();
  const add = (name: string, values: readonly unknown[]): void => {
    byName.set(name, [...(byName.get(name) ?? []), ...values]);
  };
  for (const { params } of vectors) for (const [name, value] of Object.entries(params)) add(name, [value]);
  const conditions = slices.flatMap(([, slice]) =>
    Object.values(slice.tools).flatMap(({ actions }) =>
      Object.values(actions).flatMap(({ policies }) =>
        policies.flatMap(({ stable }) =>
          [...(stable?.permits ?? []), ...(stable?.restricts ?? [])].flatMap((rule): Condition[] => [
            ...(rule.when ?? []),
            ...(rule.if ?? []),
          ]),
        ),
      ),
    ),
  );
  for (const condition of conditions) if ('p' in condition) add(condition.p, around(condition));
  return byName;
}

function calls(system: System): fc.Arbitrary<DecisionInput> {
  const pool = pools(system);
  const agents = system.slices.map(([, { agent }]) => agent);
  const valueFor = (name: string): fc.Arbitrary<unknown> => {
    const known = pool.get(name) ?? [];
    const likely = known.length === 0 ? fc.constantFrom(...EDGES) : fc.constantFrom(...known);
    return fc.oneof({ weight: 8, arbitrary: likely }, { weight: 1, arbitrary: fc.constantFrom(...EDGES) });
  };
  const targets = system.slices.flatMap(([, { agent, tools }]) =>
    Object.entries(tools).flatMap(([tool, { actions }]) =>
      Object.entries(actions).map(([action, { params }]) => ({ agent, tool, action, names: Object.keys(params) })),
    ),
  );
  const name = fc.constantFrom(...agents, 'nobody', 'planner-agent');
  const context = fc.record(
    {
      purpose: fc.constantFrom('care', 'billing', 'support', 'constructor'),
      time: fc.constantFrom(
        '2026-03-03T12:00:00Z',
        '2026-03-01T12:00:00Z',
        '2026-03-03T04:30:00Z',
        '2026-03-06T22:59:59Z',
      ),
    },
    { requiredKeys: [] },
  );
  return fc.constantFrom(...targets).chain(({ agent, tool, action, names }) =>
    fc
      .record({
        agent: fc.oneof({ weight: 30, arbitrary: fc.constant(agent) }, { weight: 1, arbitrary: name }),
        tool: fc.oneof(
          { weight: 30, arbitrary: fc.constant(tool) },
          { weight: 1, arbitrary: fc.constantFrom('toString', 'other') },
        ),
        action: fc.oneof(
          { weight: 30, arbitrary: fc.constant(action) },
          { weight: 1, arbitrary: fc.constant('constructor') },
        ),
        params: fc.record(Object.fromEntries(names.map((each) => [each, valueFor(each)])), {
          requiredKeys: [],
          noNullPrototype: true,
        }),
        extra: fc.oneof(
          { weight: 20, arbitrary: fc.constant({}) },
          { weight: 1, arbitrary: fc.constant({ toString: 1 }) },
        ),
        callers: fc.oneof(
          { weight: 3, arbitrary: fc.constant(undefined) },
          { weight: 2, arbitrary: fc.array(name, { maxLength: 4 }) },
        ),
        context,
      })
      .map(({ callers, params, extra, ...call }): DecisionInput => {
        const input = { ...call, params: { ...params, ...extra } };
        return callers === undefined ? input : { ...input, chain: [...callers, call.agent] };
      }),
  );
}

const SYSTEMS: [string, () => Source[]][] = [
  ...['fintech', 'ehr', 'cicd', 'egress'].map((name): [string, () => Source[]] => [name, () => sampleSources(name)]),
  ['every kind of condition', () => [{ file: 'every.yaml', text: EVERY_CONDITION }]],
];

test.each(SYSTEMS)('%s: trace and policy agree', (_, sources) => {
  const system = systemOf(sources());
  expect(system.slices.length).toBeGreaterThan(0);
  fc.assert(
    fc.property(calls(system), (input) => {
      expect(system.check(input)).toBeUndefined();
    }),
    { numRuns: 1500 },
  );
});

test('every host, address and path is read alike', () => {
  const system = systemOf([{ file: 'every.yaml', text: EVERY_CONDITION }]);
  const call = { agent: 'a', tool: 'web', action: 'fetch' };
  for (const url of URLS) expect([url, system.check({ ...call, params: { url } })]).toEqual([url, undefined]);
  for (const host of HOSTS) expect([host, system.check({ ...call, params: { host } })]).toEqual([host, undefined]);
  for (const path of PATHS) expect([path, system.check({ ...call, params: { path } })]).toEqual([path, undefined]);
});
