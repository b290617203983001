import fc from 'fast-check';
import { canonicalJson } from '../../../policy/bundle/canonical-json.ts';
import type { CompiledTenant } from '../../../policy/compiler/compile.ts';
import { ChangesWriter, changesOf } from '../../../policy/publication/changes.ts';

const change = fc.record(
  {
    author: fc.string({ unit: 'grapheme' }),
    reason: fc.string({ unit: 'grapheme' }),
    ticket: fc.string(),
    tags: fc.array(fc.string()),
  },
  { requiredKeys: [] },
);
const policies = fc.uniqueArray(fc.record({ id: fc.string({ minLength: 1 }), revision: fc.string(), change }), {
  selector: ({ id }) => id,
});

test('the writer writes what canonical JSON would, also the second time and after changes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), policies, policies, (name, first, second) => {
      const writer = new ChangesWriter();
      const made = (list: typeof first): CompiledTenant => {
        const all = list.map(({ id, revision, change }) => ({
          id,
          revision,
          source: { object: { spec: { change } } },
        }));
        return { name, policies: all } as unknown as CompiledTenant;
      };
      const tenants = [made(first), made(second)];
      const moved = tenants[0]?.policies.map((policy) => ({ ...policy, revision: `${policy.revision}0` })) ?? [];
      for (const tenant of [...tenants, ...tenants, { ...(tenants[0] as CompiledTenant), policies: moved }]) {
        expect(new TextDecoder().decode(writer.bytes(tenant))).toBe(canonicalJson(changesOf(tenant)));
      }
    }),
  );
});
