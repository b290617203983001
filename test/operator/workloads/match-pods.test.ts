import fc from 'fast-check';
import { matchesSelector, type RegistrationLike, registrationsOfPod } from '../../../operator/workloads/match-pods.ts';
import { viewOfPod } from '../../../operator/workloads/pod-view.ts';
import type { LabelSelector } from '../../../policy/resources/types.generated.ts';

const KEYS = ['app', 'tier', 'example.com/zone'];
const VALUES = ['', 'a', 'b', 'toString'];

const labels = fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), { maxKeys: 3 });
const values = fc.uniqueArray(fc.constantFrom(...VALUES), { minLength: 1 });
const requirement = fc.oneof(
  fc.record({ key: fc.constantFrom(...KEYS), operator: fc.constantFrom('In' as const, 'NotIn' as const), values }),
  fc.record({
    key: fc.constantFrom(...KEYS),
    operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const),
  }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  { matchLabels: labels, matchExpressions: fc.array(requirement, { maxLength: 3 }) },
  { requiredKeys: [] },
);

/** The words of the Kubernetes documentation, one by one. */
function meaning(wanted: LabelSelector, given: Record<string, string>): boolean {
  const has = (key: string) => Object.keys(given).includes(key);
  for (const [key, value] of Object.entries(wanted.matchLabels ?? {})) {
    if (!has(key) || given[key] !== value) return false;
  }
  for (const { key, operator, values: listed = [] } of wanted.matchExpressions ?? []) {
    const among = has(key) && listed.includes(given[key] as string);
    if (operator === 'In' && !among) return false;
    if (operator === 'NotIn' && among) return false;
    if (operator === 'Exists' && !has(key)) return false;
    if (operator === 'DoesNotExist' && has(key)) return false;
  }
  return true;
}

test('a selector means what Kubernetes says', () => {
  fc.assert(
    fc.property(selector, labels, (wanted, given) => {
      expect(matchesSelector(wanted, given)).toBe(meaning(wanted, given));
    }),
    { numRuns: 2_000 },
  );
});

test.each<[string, unknown]>([
  ['an operator nobody knows', { matchExpressions: [{ key: 'app', operator: 'in', values: ['a'] }] }],
  ['In without values', { matchExpressions: [{ key: 'app', operator: 'In' }] }],
  ['NotIn without values', { matchExpressions: [{ key: 'zone', operator: 'NotIn' }] }],
  ['Exists with values', { matchExpressions: [{ key: 'app', operator: 'Exists', values: ['a'] }] }],
  ['an unknown field', { matchLabel: { app: 'b' } }],
  ['no labels where labels should be', { matchLabels: null }],
  ['a label without a value', { matchLabels: { app: null } }],
  ['expressions that are no list', { matchExpressions: {} }],
])('%s fits nothing', (_, broken) => {
  expect(matchesSelector(broken as LabelSelector, { app: 'a' })).toBe(false);
});

test('names of the language are no labels', () => {
  expect(matchesSelector({ matchExpressions: [{ key: 'toString', operator: 'Exists' }] }, {})).toBe(false);
  expect(matchesSelector({ matchExpressions: [{ key: 'toString', operator: 'DoesNotExist' }] }, {})).toBe(true);
});

describe('registrations of a pod', () => {
  const registration = (name: string, namespace: string, serviceAccountName: string): RegistrationLike => ({
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentRegistration',
    metadata: { name, namespace },
    spec: { workload: { selector: { matchLabels: { app: 'a' } }, serviceAccountName } },
  });
  const pod = (spec: { serviceAccountName?: string }) =>
    viewOfPod({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'p', namespace: 'n', uid: 'u', labels: { app: 'a' } },
      spec,
    });
  const names = (found: RegistrationLike[]) => found.map(({ metadata }) => metadata.name);

  test('are those of its namespace and ServiceAccount; a pod without one runs as default', () => {
    const all = [
      registration('right', 'n', 'agent'),
      registration('elsewhere', 'm', 'agent'),
      registration('by-default', 'n', 'default'),
    ];
    expect(names(registrationsOfPod(pod({ serviceAccountName: 'agent' }), all))).toEqual(['right']);
    expect(names(registrationsOfPod(pod({}), all))).toEqual(['by-default']);
    expect(names(registrationsOfPod(pod({ serviceAccountName: '' }), all))).toEqual(['by-default']);
  });
});
