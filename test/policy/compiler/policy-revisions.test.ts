import { compile } from '../../../policy/compiler/compile.ts';
import { CompileCache } from '../../../policy/compiler/compile-cache.ts';
import { policyRevisions } from '../../../policy/compiler/policy-revisions.ts';
import { sortResources } from '../../../policy/compiler/tenant-resources.ts';
import type { LoadedResource } from '../../../policy/resources/resource.ts';
import { compileInput, PLATFORM, randomTenant, TENANT } from '../decision/differential/generate.ts';
import { Random } from '../decision/differential/random.ts';
import { load, OPTIONS, policyOf, policyText, surroundings, toolText } from './staged.ts';

const rest = surroundings();
const revision = (text: string, tool?: string): string | undefined => {
  const policy = policyOf(text);
  return policyRevisions([...surroundings(tool), policy], 'shop', OPTIONS).get(policy)?.revision;
};

test('the same revisions as the compiler, in any tenant', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const { resources, options } = compileInput(randomTenant(new Random(seed)));
    const all = { ...OPTIONS, platformNamespace: PLATFORM };
    const found = policyRevisions(resources, TENANT, all);
    const { tenants, rejected } = compile(resources, all);
    const compiled = new Map(tenants.flatMap(({ policies }) => policies.map((each) => [each.source.object, each])));
    for (const [{ object }, facts] of found) {
      const id = `${object.metadata.namespace}/${object.metadata.name}`;
      expect(facts.rejected).toBe(rejected.includes(id));
      if (!facts.rejected && object.spec.suspend !== true) expect(compiled.get(object)?.revision).toBe(facts.revision);
    }
    expect(found.size).toBe(resources.filter(({ object }) => object.kind === 'AgentPolicy').length);
    // with the versions that really take part, and whichever of them are stable
    const others = resources.flatMap((resource) => {
      const state = resource.object.kind === 'AgentPolicy' ? options.stateOf(resource as never) : {};
      return [state.stable, state.candidate?.policy].filter((each) => each !== undefined);
    });
    const versions = policyRevisions(resources, TENANT, all, others);
    const staged = compile(resources, { ...all, ...options });
    for (const each of staged.tenants.flatMap(({ policies }) => policies)) {
      const [, facts] = [...versions].find(([{ object }]) => object === each.source.object) ?? [];
      expect(facts?.revision).toBe(each.revision);
    }
  }
});

test('what counts: rules, scope and the contracts that they bind; nothing else', () => {
  const first = revision(policyText(100));
  expect(first).toMatch(/^sha256:[0-9a-f]{64}$/);
  const change = '  change: {author: a@example.com, reason: because}\n  rollout: {profile: small}\n';
  expect(revision(policyText(100, change))).toBe(first);
  expect(revision(policyText(100).replace('metadata: {', 'metadata: {labels: {a: b}, '))).toBe(first);
  expect(revision(policyText(100, '  suspend: true\n'))).toBe(first);
  expect(revision(policyText(101))).not.toBe(first);
  expect(revision(policyText(100, '', 'others'))).not.toBe(first);
  expect(revision(policyText(100), toolText('      note: {in: json, type: string}\n'))).not.toBe(first);
  expect(revision(policyText(100), toolText().replace('https://pay.test', 'https://pay2.test'))).toBe(first);
});

test('further versions of a policy have their own, in the same tenant', () => {
  const newest = policyOf(policyText(1000));
  const stable = policyOf(policyText(100));
  const found = policyRevisions([...rest, newest], 'shop', OPTIONS, [stable]);
  expect(found.get(stable)?.revision).toBe(revision(policyText(100)));
  expect(found.get(newest)?.revision).toBe(revision(policyText(1000)));
});

test('a policy that cannot be used is said to be, with what is wrong; others are not touched', () => {
  const good = policyOf(policyText(100));
  const bad = policyOf(policyText(100, '', 'bad').replace('[create]', '[destroy]'));
  const found = policyRevisions([...rest, good, bad], 'shop', OPTIONS);
  expect(found.get(good)).toMatchObject({ rejected: false, findings: [] });
  expect(found.get(bad)).toMatchObject({
    rejected: true,
    revision: expect.stringMatching(/^sha256:/),
    findings: [{ code: 'AEGIS_UNKNOWN_ACTION', resource: 'AgentPolicy shop/bad' }],
  });
});

test('a younger policy of the same name, and those of another tenant, have none', () => {
  const dated = (time: string) =>
    policyOf(policyText(100).replace('metadata: {', `metadata: {creationTimestamp: "${time}", `));
  const [old, young] = [dated('2026-01-01T00:00:00Z'), dated('2026-02-01T00:00:00Z')];
  const elsewhere = policyOf(policyText(100).replace('namespace: shop', 'namespace: other'));
  const found = policyRevisions([...rest, young, old, elsewhere], 'shop', OPTIONS);
  expect([found.has(old), found.has(young), found.has(elsewhere)]).toEqual([true, false, false]);
  expect(policyRevisions([...rest, old], 'nowhere', OPTIONS).size).toBe(0);
});

test('policies of the platform bind every tenant', () => {
  const platform = load(
    policyText(5)
      .replace('namespace: shop', 'namespace: aegis-system')
      .replace('{name: cap,', '{name: cap, type: Restrict,'),
  )[0] as LoadedResource;
  const found = policyRevisions([...rest, platform], 'shop', OPTIONS);
  expect([...found.values()]).toMatchObject([{ rejected: false }]);
});

const template = policyOf(policyText(100));
const many = (count: number): LoadedResource[] =>
  Array.from({ length: count }, (_, index) => {
    const { metadata } = template.object;
    return { ...template, object: { ...template.object, metadata: { ...metadata, name: `caps-${index}` } } };
  });

test('the compilation afterwards finds the revisions done, and the other way round', () => {
  let digests = 0;
  const digest = (text: string): string => {
    digests++;
    return OPTIONS.digest(text);
  };
  const options = { digest, cache: new CompileCache() };
  const sorted = sortResources([...rest, ...many(50)], 'aegis-system');
  policyRevisions(sorted, 'shop', options);
  expect(digests).toBe(50);
  const { tenants } = compile(sorted, options);
  expect(tenants[0]?.policies).toHaveLength(50);
  policyRevisions(sorted, 'shop', options);
  expect(digests).toBe(50);
});

test('10,000 policies again take a moment', () => {
  const options = { ...OPTIONS, cache: new CompileCache() };
  const sorted = sortResources([...rest, ...many(10_000)], 'aegis-system');
  expect(policyRevisions(sorted, 'shop', options).size).toBe(10_000);
  const started = performance.now();
  policyRevisions(sorted, 'shop', options);
  // some tens of ms on any machine; the bound only tells it from doing all of it anew
  expect(performance.now() - started).toBeLessThan(500);
});
