/**
 * Three engines must decide alike: the compiled slices under `policy.rego` in WebAssembly and in a stock OPA, and the
 * reference evaluator, which reads the resources themselves. `AEGIS_DIFFERENTIAL_CASES` sets the number of pairs,
 * `AEGIS_DIFFERENTIAL_SEED` the first seed.
 */
import { canonicalJson } from '../../../policy/bundle/canonical-json.ts';
import type { CompiledTenant } from '../../../policy/compiler/compile.ts';
import type { PolicyResult } from '../../../policy/decision/types.ts';
import { compileTenant, differences, minimise, describe as show, toInput } from './differential/compare.ts';
import { type Batch, policyModule, stockEngine, tenantData, wasmEngine } from './differential/engines.ts';
import { randomTenant } from './differential/generate.ts';
import { randomCall } from './differential/generate-calls.ts';
import { Random } from './differential/random.ts';
import type { Call } from './reference/conditions.ts';
import type { Tenant } from './reference/evaluate.ts';

const CASES = Number(process.env.AEGIS_DIFFERENTIAL_CASES ?? 4000);
const FIRST_SEED = Number(process.env.AEGIS_DIFFERENTIAL_SEED ?? 1);
const CALLS_PER_TENANT = 20;
/** Pairs per opa process. */
const BATCH = 4000;

let engineModule: WebAssembly.Module;
beforeAll(() => {
  engineModule = policyModule();
});

function wasmDiffers(tenant: Tenant, call: Call): boolean {
  const compiled = compileTenant(tenant);
  if (compiled.refused.length > 0) return false;
  const engine = wasmEngine(engineModule, tenantData(compiled.compiled));
  return differences(tenant, call, engine(toInput(call, compiled.compiled))).length > 0;
}

/** WebAssembly walks objects in another order than Go, so that reasons about several parameters may change places. */
function ordered({ enforced, candidates }: PolicyResult): string {
  const reasons = enforced.reasons.map((reason) => canonicalJson(reason)).sort();
  return canonicalJson({ enforced: { ...enforced, reasons }, candidates });
}

function report(tenant: Tenant, call: Call, compiled: CompiledTenant, seed: number): string {
  const [small, least] = minimise(tenant, call, wasmDiffers);
  const again = compileTenant(small).compiled;
  const lines = differences(small, least, wasmEngine(engineModule, tenantData(again))(toInput(least, again)));
  return `seed ${seed}\n${lines.join('\n')}\n${show(small, least)}\n${canonicalJson(toInput(call, compiled))}`;
}

test(`three engines agree on ${CASES} pairs of policies and calls`, () => {
  const problems: string[] = [];
  const verdicts = new Map<string, number>();
  const refusals = new Map<string, number>();
  let candidates = 0;
  let pairs = 0;
  for (let seed = FIRST_SEED; pairs < CASES && problems.length < 3; ) {
    const batches: Batch[] = [];
    const answers: PolicyResult[][] = [];
    for (let size = 0; size < Math.min(BATCH, CASES) && problems.length < 3; size += CALLS_PER_TENANT, seed++) {
      const random = new Random(seed);
      const { tenant, compiled, refused } = compileTenant(randomTenant(random));
      for (const code of refused) refusals.set(code, (refusals.get(code) ?? 0) + 1);
      const data = tenantData(compiled);
      const engine = wasmEngine(engineModule, data);
      const calls = Array.from({ length: CALLS_PER_TENANT }, () => randomCall(random, tenant));
      const inputs = calls.map((call) => toInput(call, compiled));
      const results = inputs.map(engine);
      batches.push({ data, inputs });
      answers.push(results);
      calls.forEach((call, index) => {
        const result = results[index] as PolicyResult;
        verdicts.set(result.enforced.verdict, (verdicts.get(result.enforced.verdict) ?? 0) + 1);
        candidates += result.candidates.length;
        if (problems.length < 3 && differences(tenant, call, result).length > 0) {
          problems.push(report(tenant, call, compiled, seed));
        }
      });
      pairs += calls.length;
    }
    const stock = stockEngine(batches);
    answers.forEach((results, world) => {
      results.forEach((result, index) => {
        const [ours, theirs] = [ordered(result), ordered(stock[world]?.[index] as PolicyResult)];
        if (ours !== theirs && problems.length < 3) {
          problems.push(`opa\n  wasm ${ours}\n  opa  ${theirs}\n${canonicalJson(batches[world]?.inputs[index])}`);
        }
      });
    });
  }
  if (process.env.AEGIS_DIFFERENTIAL_CASES !== undefined) {
    console.log({ pairs, candidates, verdicts: Object.fromEntries(verdicts), refusals: Object.fromEntries(refusals) });
  }
  expect(problems.join('\n\n')).toBe('');
  for (const verdict of ['allow', 'sanitize', 'approval_needed', 'deny'])
    expect(verdicts.get(verdict)).toBeGreaterThan(20);
}, 600_000);
