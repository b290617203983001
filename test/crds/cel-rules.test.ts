import type { Resource } from '../../policy/resources/resource.ts';
import type { CrdRule } from '../../policy/resources/schema.ts';
import { validateResource } from '../../policy/validation/validate-resource.ts';
import { asLoaded } from '../policy/validation/load-fixture.ts';
import { BASE_OBJECTS, CEL_CASES, changedObject } from './cel-cases.ts';
import { CRDS, nodesOf } from './load-schemas.ts';

/** Every rule once: equal rules at several places (`when` and `conditions`) have one text. */
const RULES = new Map<string, CrdRule & { kinds: Set<string> }>();
for (const crd of CRDS) {
  for (const { schema } of nodesOf(crd)) {
    for (const rule of schema['x-kubernetes-validations'] ?? []) {
      const known = RULES.get(rule.message);
      if (known === undefined) RULES.set(rule.message, { ...rule, kinds: new Set([crd.spec.names.kind]) });
      else if (known.rule !== rule.rule) throw new Error(`two rules have the message ${rule.message}`);
      else known.kinds.add(crd.spec.names.kind);
    }
  }
}

test.each([...RULES.keys()])('there is exactly one case for: %s', (message) => {
  const found = CEL_CASES.filter(({ rule }) => message.startsWith(rule));
  expect(found).toHaveLength(1);
  expect(RULES.get(message)?.kinds).toContain(found[0]?.kind);
});

test.each(Object.keys(BASE_OBJECTS))('the base object of %s is valid', (kind) => {
  expect(validateResource(asLoaded(changedObject(kind, {})))).toEqual([]);
});

test.each(CEL_CASES)('$kind: $rule', ({ kind, rule, pass, fail, old }) => {
  const check = (change: object) => {
    const options = old === undefined ? {} : { old: changedObject(kind, old as never) as unknown as Resource };
    return validateResource(asLoaded(changedObject(kind, change as never)), options);
  };
  expect(check(pass)).toEqual([]);
  const found = check(fail);
  const whole = [...RULES.keys()].find((message) => message.startsWith(rule));
  const [what] = whole?.split('; ') ?? [];
  expect(found.map(({ code, message }) => [code, message])).toContainEqual(['AEGIS_CEL_RULE', what]);
  expect(found.every(({ code }) => code === 'AEGIS_CEL_RULE')).toBe(true);
});

test('the sanitize that any onFail asks for is required, whichever it is', () => {
  const values: Record<string, unknown> = {
    maxAmount: 1,
    currency: 'USD',
    purpose: 'p',
    dest: 'd',
    region: 'r',
    allowedChannels: ['c'],
    timeWindows: [{ from: '01:00', to: '02:00' }],
    chain: { maxDepth: 1 },
  };
  for (const [name, value] of Object.entries(values)) {
    const conditions = { [name]: value, onFail: { [name]: 'sanitize' } };
    const found = validateResource(asLoaded(changedObject('AgentPolicy', { 'spec.rules.0.conditions': conditions })));
    expect(found.map(({ message }) => message)).toEqual([expect.stringContaining('an onFail answers sanitize')]);
    const lonely = {
      maxDepth: undefined,
      purpose: 'p',
      ...(name === 'purpose' ? { purpose: undefined, dest: 'd' } : {}),
    };
    const orphan = JSON.parse(JSON.stringify({ ...lonely, onFail: { [name]: 'deny' } }));
    const missing = validateResource(asLoaded(changedObject('AgentPolicy', { 'spec.rules.0.conditions': orphan })));
    expect(missing.map(({ message }) => message)).toEqual([expect.stringContaining('onFail names a condition')]);
  }
});
