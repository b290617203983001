/** Every compiled condition leads back to the field that it comes from, and to words about it. */
import { Tracer } from '../../../cli/workspace/tracer.ts';
import type { CompiledRule, Condition } from '../../../policy/compiler/slice.ts';
import type { DecisionInput } from '../../../policy/decision/types.ts';
import { remedyOf } from '../../../policy/explain/remedy.ts';
import type { Part, RuleIndex } from '../../../policy/explain/rule-index.ts';
import type { Source } from '../../../policy/source/load-sources.ts';
import { newSystem, sampleSources } from '../../support/sample.ts';
import { EVERY_CONDITION } from './every-condition.ts';

interface Site {
  index: RuleIndex;
  rule: CompiledRule;
  part: Part;
  condition: Condition;
  tool: string;
  action: string;
}

function sites(sources: Source[]): Site[] {
  const update = newSystem().update(sources);
  expect(update.findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  const tracer = new Tracer(update);
  return update.tenants.flatMap(({ name }) => {
    const { index, slices } = tracer.sources(name) ?? {};
    if (index === undefined || slices === undefined) return [];
    return [...slices.values()].flatMap(({ tools }) =>
      Object.entries(tools).flatMap(([tool, { actions }]) =>
        Object.entries(actions).flatMap(([action, { policies }]) =>
          policies.flatMap(({ stable }) =>
            [...(stable?.permits ?? []), ...(stable?.restricts ?? [])].flatMap((rule) => [
              ...(rule.when ?? []).map((condition): Site => ({ index, rule, part: 'when', condition, tool, action })),
              ...(rule.if ?? []).map(
                (condition): Site => ({ index, rule, part: 'conditions', condition, tool, action }),
              ),
            ]),
          ),
        ),
      ),
    );
  });
}

const every = (): Source[] => [{ file: 'every.yaml', text: EVERY_CONDITION }];
const SOURCES: [string, () => Source[]][] = [
  ...['fintech', 'ehr', 'cicd', 'egress'].map((name): [string, () => Source[]] => [name, () => sampleSources(name)]),
  ['every kind of condition', every],
];

test.each(SOURCES)('%s: the field of each condition is found', (_, sources) => {
  const all = sites(sources());
  expect(all.length).toBeGreaterThan(0);
  for (const { index, rule, part, condition, tool, action } of all) {
    const path = index.pathOf(rule, part, condition, tool, action);
    expect(path.length).toBeGreaterThan(1);
    const place = index.condition(rule, part, condition, tool, action);
    expect(place?.field).toMatch(new RegExp(`^spec\\.rules\\[\\d+\\]\\.${part}\\.`));
    expect(place?.location.line).toBeGreaterThanOrEqual(index.rule(rule.id)?.location.line as number);
  }
});

test('there is a condition of every kind', () => {
  const kinds = new Set(sites(every()).map(({ condition }) => condition.k));
  expect([...kinds].sort()).toEqual(
    'amount,callers,cidr,depth,each,forbidden,host,in,length,max,min,one,origin,path,pattern,purpose,required,time'.split(
      ',',
    ),
  );
});

test('the same test under two keys, and both ends of a range, are told apart', () => {
  const fields = sites(every())
    .filter(({ rule, part }) => rule.name === 'lists' && rule.permit && part === 'conditions')
    .map(
      ({ index, rule, part, condition, tool, action }) => index.condition(rule, part, condition, tool, action)?.field,
    );
  expect(fields).toEqual([
    'spec.rules[4].conditions.params.sizes.range.min',
    'spec.rules[4].conditions.params.sizes.range.max',
  ]);
});

describe('remedies', () => {
  const params = {
    url: 'https://S3CRET.example/',
    host: 'S3CRET',
    path: '/S3CRET',
    amount: 991,
    currency: 'S3CRET',
    dest: 'S3CRET',
    region: 'S3CRET',
    channel: 'S3CRET',
    text: 'S3CRET',
    count: 991,
    flag: false,
    tags: ['S3CRET'],
    sizes: [991],
    note: 'S3CRET',
  };
  const local = Object.fromEntries(
    ['Europe/Berlin', 'UTC', 'America/New_York'].map((zone) => [zone, { day: 'Sun', minute: 1 }]),
  );
  const input: DecisionInput = {
    agent: 'a',
    tool: 'web',
    action: 'fetch',
    params,
    chain: ['x', 'y', 'a'],
    context: { purpose: 'other', local },
  };
  const all = sites(every()).map(({ condition }) => condition);
  const text = (remedy: object): string => Object.values(remedy).join('\n');

  test('say what the call has and what would have to change', () => {
    for (const condition of all) {
      const remedy = remedyOf(condition, { input, sensitive: new Set(), purposes: ['care'], field: 'FIELD' });
      expect(remedy.given).toBeDefined();
      expect(remedy.call ?? remedy.change).toBeDefined();
      expect(text(remedy)).not.toMatch(/undefined|\[object|NaN/);
    }
  });

  test('never show a sensitive value', () => {
    const sensitive = new Set(Object.keys(params));
    for (const condition of all) {
      const remedy = remedyOf(condition, { input, sensitive, purposes: ['care'], field: 'FIELD' });
      expect(text(remedy)).not.toMatch(/S3CRET|991/);
    }
  });

  test('make do without the call', () => {
    for (const condition of all) {
      const remedy = remedyOf(condition, { sensitive: new Set(), purposes: ['care'], field: 'FIELD' });
      expect(remedy.call ?? remedy.change).toBeDefined();
      expect(text(remedy)).not.toMatch(/undefined|\[object|NaN/);
    }
  });

  test('a very long value is cut', () => {
    const condition: Condition = { k: 'in', p: 'text', t: 'string', v: { x: true }, bad: 4, m: '' };
    const long = { ...input, params: { text: 'x'.repeat(5000) } };
    const { given } = remedyOf(condition, { input: long, sensitive: new Set(), purposes: [], field: 'FIELD' });
    expect(given?.length).toBeLessThan(120);
  });
});
