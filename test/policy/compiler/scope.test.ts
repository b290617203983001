import fc from 'fast-check';
import { overrideKey, type Scope, scopeOf, strictlyNarrower } from '../../../policy/compiler/scope.ts';
import type { AgentPolicy } from '../../../policy/resources/types.generated.ts';
import { digest } from './golden-case.ts';

const AGENTS = ['a', 'b', 'c'];
const TOOLS = ['t', 'u', 'v'];

function scope(spec: AgentPolicy['spec']['scope'], namespace = 'acme'): Scope {
  const policy = { metadata: { name: 'p', namespace }, spec: { scope: spec, rules: [] } } as unknown as AgentPolicy;
  return scopeOf(policy, 'aegis-system');
}

const names = (all: string[]) => fc.option(fc.subarray(all, { minLength: 1 }), { nil: undefined });
const anyScope = fc
  .record({ platform: fc.boolean(), agents: names(AGENTS), tools: names(TOOLS) })
  .map(({ platform, agents, tools }) =>
    scope({ ...(agents ? { agents } : {}), ...(tools ? { tools } : {}) }, platform ? 'aegis-system' : 'acme'),
  );

/** Pairs of a world with one agent and one tool that nobody names. */
function covered({ agents, tools }: Scope): Set<string> {
  const of = (all: string[], named: ReadonlySet<string> | undefined) =>
    [...all, 'other'].filter((name) => named?.has(name) ?? true);
  return new Set(of(AGENTS, agents).flatMap((agent) => of(TOOLS, tools).map((tool) => `${agent}/${tool}`)));
}

test('strictly narrower is strict inclusion of the covered pairs; a tenant is narrower than the platform', () => {
  fc.assert(
    fc.property(anyScope, anyScope, (inner, outer) => {
      const [small, large] = [covered(inner), covered(outer)];
      const included = [...small].every((pair) => large.has(pair));
      const smaller = small.size < large.size || (outer.platform && !inner.platform);
      expect(strictlyNarrower(inner, outer)).toBe(included && smaller && !(inner.platform && !outer.platform));
    }),
    { numRuns: 2000 },
  );
});

test('it is irreflexive, asymmetric and transitive', () => {
  fc.assert(
    fc.property(anyScope, anyScope, anyScope, (a, b, c) => {
      expect(strictlyNarrower(a, a)).toBe(false);
      if (strictlyNarrower(a, b)) expect(strictlyNarrower(b, a)).toBe(false);
      if (strictlyNarrower(a, b) && strictlyNarrower(b, c)) expect(strictlyNarrower(a, c)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('a scope by tools is not narrower than one by agents', () => {
  expect(strictlyNarrower(scope({ tools: ['t'] }), scope({ agents: ['a'] }))).toBe(false);
  expect(strictlyNarrower(scope({ agents: ['a'], tools: ['t'] }), scope({ agents: ['a'] }))).toBe(true);
});

test('an override key tells scopes apart, not the order in which they list names', () => {
  const key = (spec: AgentPolicy['spec']['scope'], namespace?: string) =>
    overrideKey('acme/p/r', scope(spec, namespace), digest);
  expect(key({ agents: ['a', 'b'] })).toBe(key({ agents: ['b', 'a'] }));
  const keys = [
    key({ tenantWide: true }),
    key({ agents: ['a'] }),
    key({ tools: ['a'] }),
    key({ tenantWide: true }, 'aegis-system'),
  ];
  expect(new Set(keys).size).toBe(keys.length);
});
