/** One evaluation, allow with a regular expression, in a tenant of 10 and of 50,000 policies. */
import type { Activation } from '../gateway/enforcement/activation.ts';
import { activateSlice, compileTenant, newSession } from './support/pipeline.ts';
import type { Figures } from './support/report.ts';
import { mean, median, table } from './support/statistics.ts';
import { ALLOWED_CALL, tenantResources } from './support/tenant.ts';

const ROUNDS = 15;
const CALLS = 20_000;

function microseconds(activation: Activation): number {
  const start = process.hrtime.bigint();
  for (let i = 0; i < CALLS; i++) activation.evaluate(ALLOWED_CALL);
  return Number(process.hrtime.bigint() - start) / CALLS / 1000;
}

function prepare(policies: number): { activation: Activation; activateMs: number } {
  const agents = Math.min(100, policies);
  const resources = tenantResources({ policies, agents, tools: 50, actionsPerTool: 10 });
  const signed = newSession().publish(compileTenant(resources));
  activateSlice(signed, ALLOWED_CALL.agent);
  const start = performance.now();
  const activation = activateSlice(signed, ALLOWED_CALL.agent);
  const activateMs = performance.now() - start;
  const verdict = activation.evaluate(ALLOWED_CALL).enforced.verdict;
  if (verdict !== 'allow') throw new Error(`the call must be allowed, and is ${verdict}`);
  return { activation, activateMs };
}

export function evalBench(): Figures {
  const sizes = [10, 1000, 50_000];
  const prepared = sizes.map((policies) => ({ policies, ...prepare(policies), rounds: [] as number[] }));
  for (const { activation } of prepared) microseconds(activation);
  // rounds alternate, so that a drift of the machine hits all sizes alike
  for (let round = 0; round < ROUNDS; round++) {
    for (const each of prepared) each.rounds.push(microseconds(each.activation));
  }
  table(
    ['policies in the tenant', 'mean µs', 'median µs', 'verify and activate the slice, ms'],
    prepared.map((each) => [each.policies, mean(each.rounds), median(each.rounds), each.activateMs]),
  );
  const [small, , large] = prepared;
  return {
    mean_us: mean(large?.rounds ?? []),
    flat_ratio: median(large?.rounds ?? []) / median(small?.rounds ?? []),
    activate_ms: large?.activateMs ?? Number.NaN,
  };
}
