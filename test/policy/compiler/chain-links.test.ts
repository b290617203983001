import fc from 'fast-check';
import { chainLinks } from '../../../policy/compiler/chain-links.ts';
import type { AgentRegistration, Delegation } from '../../../policy/resources/types.generated.ts';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];
const nobody = (): boolean => false;

function registrations(delegations: Record<string, Delegation | undefined>): Map<string, AgentRegistration> {
  return new Map(
    Object.entries(delegations).map(([name, delegation]) => {
      const spec = {
        owner: 'x',
        workload: { selector: {}, serviceAccountName: 'x' },
        ...(delegation ? { delegation } : {}),
      };
      return [name, { apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentRegistration', metadata: { name }, spec }];
    }),
  );
}

test('only those who can stand before the agent appear, and who stands furthest lists nobody', () => {
  const all = registrations({
    a: { acceptsFrom: ['b', 'partner'], maxDepth: 2 },
    b: { acceptsFrom: ['c'], maxDepth: 9 },
    c: { acceptsFrom: ['d'], selfOrigin: true },
    d: undefined,
    e: { acceptsFrom: ['a'] },
  });
  expect(JSON.parse(JSON.stringify(chainLinks('a', all, nobody)))).toEqual({
    a: { accepts: { b: true, partner: true }, depth: 2, origin: false },
    b: { accepts: { c: true }, depth: 9, origin: false },
    c: { accepts: {}, depth: 4, origin: true },
  });
});

test('the tenant caps every depth', () => {
  const all = registrations({
    a: { acceptsFrom: ['b'], maxDepth: 9 },
    b: { acceptsFrom: ['c'], maxDepth: 9 },
    c: undefined,
  });
  expect(Object.values(chainLinks('a', all, nobody, 1)).map(({ depth }) => depth)).toEqual([1, 1]);
  expect(Object.keys(chainLinks('a', all, nobody, 0))).toEqual(['a']);
  expect(Object.keys(chainLinks('a', all, nobody, 0).a?.accepts ?? {})).toEqual([]);
});

test('nobody accepts a suspended caller', () => {
  const all = registrations({ a: { acceptsFrom: ['b', 'c'] }, b: undefined, c: undefined });
  const links = chainLinks('a', all, (name) => name === 'b');
  expect(Object.keys(links)).toEqual(['a', 'c']);
  expect(Object.keys(links.a?.accepts ?? {})).toEqual(['c']);
});

/** The rules of decision record 0003 over all registrations, against the same over the part that the slice holds. */
test('the part decides every chain as the whole graph does', () => {
  const delegation = fc.record(
    { acceptsFrom: fc.subarray([...NAMES, 'partner']), maxDepth: fc.nat(4), selfOrigin: fc.boolean() },
    { requiredKeys: [] },
  );
  const world = fc.record(Object.fromEntries(NAMES.map((name) => [name, fc.option(delegation, { nil: undefined })])));
  const callers = fc.shuffledSubarray([...NAMES.slice(1), 'partner', 'stranger']);
  fc.assert(
    fc.property(world, callers, (delegations, before) => {
      const all = registrations(delegations);
      const whole = (name: string) => {
        const registration = all.get(name);
        if (registration === undefined) return undefined;
        const { acceptsFrom = [], maxDepth = 4, selfOrigin = false } = registration.spec.delegation ?? {};
        return { accepts: new Set(acceptsFrom), depth: maxDepth, origin: selfOrigin || acceptsFrom.length === 0 };
      };
      const links = chainLinks('a', all, nobody);
      const part = (name: string) => {
        const link = links[name];
        return link && { ...link, accepts: new Set(Object.keys(link.accepts)) };
      };
      const accepted = (look: typeof whole): boolean =>
        [...before, 'a'].every((name, i, chain) => {
          const link = look(name);
          if (i === 0) return link?.origin ?? true;
          return link?.accepts.has(chain[i - 1] as string) === true && i <= link.depth;
        });
      expect(accepted(part)).toBe(accepted(whole));
    }),
    { numRuns: 3000 },
  );
});
