import type { KubeObject } from '../../../operator/kube/types.ts';
import { loadedObject } from '../../../operator/model/loaded-object.ts';
import { validateObject } from '../../../operator/model/validate-object.ts';
import type { AdmissionRequest } from '../../../operator/webhook/admission-review.ts';
import { admit } from '../../../operator/webhook/admit.ts';
import { warningTexts } from '../../../operator/webhook/finding-text.ts';
import { digest, FixedAround } from './webhook-harness.ts';

type Json = { [name: string]: unknown };

/** As the API server sends it: with its metadata and defaults. */
function policy(spec: Json = {}, metadata: Json = {}, rest: Json = {}): KubeObject {
  return {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentPolicy',
    metadata: {
      name: 'p',
      namespace: 'shop',
      uid: '1c8c3b9e-0f0e-4a57-9d39-3b3f1e2f0a11',
      resourceVersion: '7',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      managedFields: [{ manager: 'kubectl', operation: 'Apply', fieldsV1: { 'f:spec': {} } }],
      selfLink: '',
      ...metadata,
    },
    spec: { scope: { tenantWide: true }, rules: [{ name: 'r', type: 'Permit', actions: ['*'] }], ...spec },
    status: { observedGeneration: -1 },
    ...rest,
  } as unknown as KubeObject;
}

const around = new FixedAround();
const ask = (request: Partial<AdmissionRequest>) =>
  admit({ uid: 'u', operation: 'CREATE', object: policy(), ...request }, { resources: around, check: { digest } });

beforeEach(() => {
  around.synced = true;
  around.resources = [];
});

test('what is valid is admitted, with what the API server adds', () => {
  expect(ask({})).toEqual({ uid: 'u', allowed: true });
  expect(ask({ operation: 'UPDATE', oldObject: policy() })).toEqual({ uid: 'u', allowed: true });
});

test('a typo is refused with a name, a place and what to do', () => {
  const { allowed, status } = ask({ object: policy({ rules: [{ name: 'r', actions: ['*'], conditons: {} }] }) });
  expect(allowed).toBe(false);
  expect(status).toEqual({
    code: 422,
    reason: 'Invalid',
    message:
      'AEGIS_UNKNOWN_FIELD: there is no field conditons here (spec.rules[0].conditons) fix: Did you mean conditions?',
  });
});

test('unknown fields at the root and in metadata are refused as well', () => {
  expect(ask({ object: policy({}, {}, { specs: {} }) }).status?.message).toContain('(specs)');
  expect(ask({ object: policy({}, { label: {} }) }).status?.message).toContain('(metadata.label)');
});

test('several findings stand on lines of their own, and there is an end to them', () => {
  const { status } = ask({ object: policy({ a: 1, b: 2 }) });
  expect(status?.message.split('\n')).toEqual([
    '2 errors',
    expect.stringMatching(/^ {2}AEGIS/),
    expect.stringMatching(/^ {2}AEGIS/),
  ]);
  const many = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`x${index}`, 'y'.repeat(5000)]));
  const lines = ask({ object: policy(many) }).status?.message.split('\n') ?? [];
  expect(lines).toHaveLength(12);
  expect(lines.at(-1)).toBe('  and 30 more; `aegis lint` shows all');
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThan(620);
});

describe('a policy that is invalid already', () => {
  const bad = (metadata: Json = {}) => policy({ typo: true }, metadata);
  const update = (object: KubeObject, oldObject = bad()) => ask({ operation: 'UPDATE', object, oldObject });

  test.each([
    ['labels', { labels: { a: 'b' } }],
    ['annotations', { annotations: { a: 'b' } }],
    ['finalizers', { finalizers: ['a.example/b'] }],
    ['its version', { resourceVersion: '8', managedFields: [] }],
  ])('can have its %s changed', (_name, metadata) => {
    const { allowed, warnings } = update(bad(metadata));
    expect(allowed).toBe(true);
    expect(warnings).toHaveLength(1);
    expect(warnings?.[0]).toMatch(/^AEGIS_ADMISSION_UNCHANGED: AgentPolicy shop\/p is not valid: AEGIS_UNKNOWN_FIELD/);
  });

  test('cannot be changed into something else that is invalid', () => {
    expect(update(policy({ typo: false })).allowed).toBe(false);
    expect(update(policy({ typo: true }, {}, { other: 1 })).allowed).toBe(false);
  });

  test('can be corrected, deleted, and lose its finalizers', () => {
    expect(update(policy()).allowed).toBe(true);
    expect(ask({ operation: 'DELETE', oldObject: bad() }).allowed).toBe(true);
    const deleted = { deletionTimestamp: '2026-01-02T00:00:00Z', finalizers: [] };
    expect(update(bad(deleted)).allowed).toBe(true);
    expect(update(policy({ typo: 'another' }, deleted)).allowed).toBe(true);
  });
});

test('status and scale are nobody else’s business', () => {
  expect(ask({ subResource: 'status', object: policy({ typo: 1 }) }).allowed).toBe(true);
});

test('other kinds and operations pass', () => {
  expect(ask({ object: { ...policy({ typo: 1 }), kind: 'ConfigMap' } }).allowed).toBe(true);
  expect(ask({ operation: 'CONNECT', object: policy({ typo: 1 }) }).allowed).toBe(true);
});

describe('while the operator starts', () => {
  beforeEach(() => {
    around.synced = false;
  });

  test('nothing is compared, and that is said', () => {
    expect(ask({ object: policy({ scope: { agents: ['nobody'] } }) })).toEqual({
      uid: 'u',
      allowed: true,
      warnings: [expect.stringMatching(/^AEGIS_ADMISSION_PARTIAL: /)],
    });
  });

  test('what a resource says by itself is checked all the same', () => {
    expect(ask({ object: policy({ typo: 1 }) }).allowed).toBe(false);
  });
});

test('an id cannot be changed', () => {
  const tool = (toolId: string) => ({
    ...policy({}, { name: 't' }),
    kind: 'AgentTool',
    spec: {
      toolId,
      protocol: 'HTTP',
      upstream: { url: 'https://a.example' },
      actions: [{ name: 'a', effect: 'read', match: { method: 'GET', path: '/a' } }],
    },
  });
  const { allowed, status } = ask({ operation: 'UPDATE', object: tool('b'), oldObject: tool('a') });
  expect(allowed).toBe(false);
  expect(status?.message).toMatch(/^AEGIS_CEL_RULE: .*toolId/);
});

test('warnings: at most ten, at most 256 characters, in characters that a header takes', () => {
  const agents = Array.from({ length: 30 }, (_, index) => `agent-${index}`);
  const { allowed, warnings = [] } = ask({ object: policy({ scope: { agents } }) });
  expect(allowed).toBe(true);
  expect(warnings).toHaveLength(10);
  expect(warnings.at(-1)).toBe('and 21 more warnings; `aegis lint` shows all');
  const [long = '', lines = ''] = warningTexts([
    { code: 'AEGIS_CONFLICT', severity: 'warning', message: `${'x'.repeat(240)}😀😀😀😀😀😀${'x'.repeat(300)}` },
    { code: 'AEGIS_CONFLICT', severity: 'warning', message: 'a\r\nb\u0000c\u2028d\u202Ee' },
  ]);
  expect(long.length).toBeLessThanOrEqual(256);
  expect(long.isWellFormed()).toBe(true);
  expect(lines).toMatch(/^AEGIS_CONFLICT: a b c d e fix: /);
});

describe('numbers that JSON does not bring exactly', () => {
  const found = (json: string) => {
    const object = policy({ tests: [{ name: 't', input: JSON.parse(`{"params": {"n": ${json}}}`), expect: 'allow' }] });
    return validateObject(loadedObject(object)).filter(({ message }) => message.includes('more digits'));
  };

  test.each([
    '9007199254740993',
    '9007199254740992',
    '-9007199254740993',
    '18446744073709551615',
    '1e30',
    '0.30000000000000004',
    '1.7976931348623157e308',
    '-123456789012.34567',
  ])('%s is refused', (json) => {
    expect(found(json)).toMatchObject([{ code: 'AEGIS_SCHEMA_BOUNDS', field: 'spec.tests[0].input.params.n' }]);
  });

  test.each([
    '9007199254740991',
    '-9007199254740991',
    '0',
    '-0.0',
    '0.1',
    '1.5',
    '1e3',
    '5000.00',
    '0.000001',
    '1e-7',
    '123456789012.345',
  ])('%s is exact', (json) => {
    expect(found(json)).toEqual([]);
  });
});
