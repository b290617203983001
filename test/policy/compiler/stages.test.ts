/** Stable and candidate through the whole way: compiled, and decided by the engine that gateways run. */
import { createEvaluator } from '../../../gateway/evaluator/wasm-evaluator.ts';
import { canonicalJson } from '../../../policy/bundle/canonical-json.ts';
import { type CompiledTenant, compile } from '../../../policy/compiler/compile.ts';
import { CompileCache } from '../../../policy/compiler/compile-cache.ts';
import type { PolicyState } from '../../../policy/compiler/compile-options.ts';
import type { PolicyResult } from '../../../policy/decision/types.ts';
import { cohortOf } from '../../../policy/rollout/cohort.ts';
import { ENGINE } from '../../support/sample.ts';
import { AGENTS, OPTIONS, policyOf, policyText, surroundings } from './staged.ts';

const engine = new WebAssembly.Module(ENGINE.wasm);
const rest = surroundings();
const stable = policyOf(policyText(100));
const looser = policyOf(policyText(1000));
const stricter = policyOf(policyText(10));
const ID = 'shop/caps';

type Candidate = NonNullable<PolicyState['candidate']>;

function compiled(state: PolicyState, cache = new CompileCache()): CompiledTenant {
  const newest = state.candidate?.policy ?? state.stable ?? stable;
  const { tenants, findings } = compile([...rest, newest], { ...OPTIONS, cache, stateOf: () => state });
  expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
  return tenants[0] as CompiledTenant;
}

function decide(tenant: CompiledTenant, agent: string, amount: number, cohort?: Record<string, boolean>): PolicyResult {
  const text = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString();
  const data = `{"aegis":{"agents":{"${agent}":${text(tenant.agents.get(agent)?.bytes)}},"tenant":${text(tenant.part.bytes)}}}`;
  const input = { agent, tool: 'pay', action: 'create', params: { amount }, ...(cohort && { cohort }) };
  return createEvaluator({ module: engine, data }).evaluate(canonicalJson(input)) as PolicyResult;
}

const AMOUNTS = [5, 50, 500, 5000];

test('a candidate in shadow changes nothing that is enforced, and is reported', () => {
  const alone = compiled({ stable });
  for (const policy of [looser, stricter]) {
    const shadowed = compiled({ stable, candidate: { policy, stage: 'shadow' } });
    const wanted = compiled({ stable: policy });
    for (const agent of AGENTS) {
      for (const amount of AMOUNTS) {
        const { enforced, candidates } = decide(shadowed, agent, amount);
        expect(enforced).toEqual(decide(alone, agent, amount).enforced);
        expect(candidates).toHaveLength(1);
        expect(candidates[0]).toMatchObject({ policy: ID, revision: wanted.policies[0]?.revision });
        expect(candidates[0]?.outcome).toEqual(decide(wanted, agent, amount).enforced);
      }
    }
  }
});

test('a candidate without a stable revision enforces nothing, and says what it would do', () => {
  const tenant = compiled({ candidate: { policy: looser, stage: 'shadow' } });
  const { enforced, candidates } = decide(tenant, 'one', 5);
  expect(enforced.reasons).toMatchObject([{ code: 'NO_PERMIT' }]);
  expect(candidates).toMatchObject([{ policy: ID, outcome: { verdict: 'allow' } }]);
});

test('one agent of three is decided by the candidate', () => {
  const cohort = cohortOf(ID, AGENTS, { percent: 25 });
  expect(cohort.size).toBe(1);
  const tenant = compiled({ stable, candidate: { policy: stricter, stage: 'partial', cohort } });
  const verdicts = AGENTS.map((agent) => decide(tenant, agent, 50).enforced.verdict);
  expect(verdicts).toEqual(AGENTS.map((agent) => (cohort.has(agent) ? 'deny' : 'allow')));
  const revisions = new Map(tenant.policies.map(({ revision, source }) => [source.object, revision]));
  for (const agent of AGENTS) {
    const other = cohort.has(agent) ? stable : stricter;
    expect(decide(tenant, agent, 50).candidates).toMatchObject([{ revision: revisions.get(other.object) }]);
    // the word of the caller about its cohort counts for nothing
    for (const claim of [true, false]) {
      expect(decide(tenant, agent, 50, { [ID]: claim })).toEqual(decide(tenant, agent, 50));
    }
  }
  const other = compiled({ candidate: { policy: stricter, stage: 'partial', cohort } });
  expect(AGENTS.map((agent) => decide(other, agent, 5).enforced.verdict)).toEqual(
    AGENTS.map((agent) => (cohort.has(agent) ? 'allow' : 'deny')),
  );
});

test('without a cohort every call says for itself, as without a cluster', () => {
  const tenant = compiled({ stable, candidate: { policy: stricter, stage: 'partial' } });
  expect(decide(tenant, 'one', 50).enforced.verdict).toBe('allow');
  expect(decide(tenant, 'one', 50, { [ID]: true }).enforced.verdict).toBe('deny');
});

test('a cohort counts in stage partial only', () => {
  const candidate = (stage: Candidate['stage']): Candidate => ({ policy: stricter, stage, cohort: new Set(['one']) });
  const shadow = compiled({ stable, candidate: candidate('shadow') });
  const enforce = compiled({ stable, candidate: candidate('enforce') });
  expect(AGENTS.map((agent) => decide(shadow, agent, 50).enforced.verdict)).toEqual(['allow', 'allow', 'allow']);
  expect(AGENTS.map((agent) => decide(enforce, agent, 50).enforced.verdict)).toEqual(['deny', 'deny', 'deny']);
});

test('who keeps its part keeps its slice: only agents that join or leave are compiled anew', () => {
  const cache = new CompileCache();
  const slices = (candidate?: Candidate) => compiled({ stable, ...(candidate && { candidate }) }, cache).agents;
  const partial = (...names: string[]): Candidate => ({ policy: stricter, stage: 'partial', cohort: new Set(names) });
  const changed = (a: Map<string, unknown>, b: Map<string, unknown>): string[] =>
    AGENTS.filter((agent) => a.get(agent) !== b.get(agent));
  const shadow = slices({ policy: stricter, stage: 'shadow' });
  const nobody = slices(partial());
  expect(changed(shadow, nobody)).toEqual([]);
  const first = slices(partial('two'));
  expect(changed(nobody, first)).toEqual(['two']);
  const again = slices(partial('two'));
  expect(changed(first, again)).toEqual([]);
  const both = slices(partial('two', 'one'));
  expect(changed(again, both)).toEqual(['one']);
  const all = slices(partial('two', 'one', 'three'));
  expect(changed(both, all)).toEqual(['three']);
  expect(changed(all, slices({ policy: stricter, stage: 'enforce' }))).toEqual([]);
});

test('an agent that only observes ends that with the cohort it is in, not before', () => {
  const observing = surroundings().map((resource) => {
    const { object } = resource;
    if (object.kind !== 'AgentRegistration') return resource;
    return { ...resource, object: { ...object, spec: { ...(object.spec as object), unmatched: 'Observe' } } };
  });
  const candidate: Candidate = { policy: stricter, stage: 'partial', cohort: new Set(['two']) };
  const { tenants } = compile([...observing, stricter], { ...OPTIONS, stateOf: () => ({ candidate }) });
  const verdicts = AGENTS.map((agent) => decide(tenants[0] as CompiledTenant, agent, 50).enforced.verdict);
  expect(verdicts).toEqual(['allow', 'deny', 'allow']);
});
