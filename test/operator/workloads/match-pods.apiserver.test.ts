import fc from 'fast-check';
import { matchesSelector } from '../../../operator/workloads/match-pods.ts';
import type { LabelSelector } from '../../../policy/resources/types.generated.ts';
import { ApiServer } from '../../apiserver/api-server.ts';

let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start({ crds: false });
});
afterAll(() => server?.stop());

const KEYS = ['app', 'tier', 'example.com/zone'];
const VALUES = ['', 'a', 'b.1', 'C_2'];
const values = fc.uniqueArray(fc.constantFrom(...VALUES), { minLength: 1, maxLength: 3 });
const requirement = fc.oneof(
  fc.record({ key: fc.constantFrom(...KEYS), operator: fc.constantFrom('In' as const, 'NotIn' as const), values }),
  fc.record({ key: fc.constantFrom(...KEYS), operator: fc.constantFrom('Exists' as const, 'DoesNotExist' as const) }),
);
const selector: fc.Arbitrary<LabelSelector> = fc.record(
  {
    matchLabels: fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), { maxKeys: 2 }),
    matchExpressions: fc.array(requirement, { maxLength: 3 }),
  },
  { requiredKeys: [] },
);

/** As query of a list: the API server's own code then says what matches. */
function asQuery({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const requirements = matchExpressions.map(({ key, operator, values: listed = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${listed.join(',')})`;
  });
  return [...Object.entries(matchLabels).map(([key, value]) => `${key}=${value}`), ...requirements].join(',');
}

test('a selector matches exactly what the API server lists', async () => {
  const pods = fc.sample(fc.dictionary(fc.constantFrom(...KEYS), fc.constantFrom(...VALUES), { maxKeys: 3 }), 40);
  await Promise.all(
    pods.map((labels, index) =>
      server.raw('POST', '/api/v1/namespaces/default/pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name: `pod-${index}`, labels },
        spec: { containers: [{ name: 'c', image: 'c' }] },
      }),
    ),
  );
  await fc.assert(
    fc.asyncProperty(selector, async (wanted) => {
      const query = encodeURIComponent(asQuery(wanted));
      const { status, body } = await server.raw('GET', `/api/v1/namespaces/default/pods?labelSelector=${query}`);
      expect(status).toBe(200);
      const listed = (body as { items: { metadata: { name: string } }[] }).items.map(({ metadata }) => metadata.name);
      const ours = pods.flatMap((labels, index) => (matchesSelector(wanted, labels) ? [`pod-${index}`] : []));
      expect(ours.sort()).toEqual(listed.sort());
    }),
    { numRuns: 100 },
  );
});
