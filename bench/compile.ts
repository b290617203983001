/** Compile and sign, from parsed objects: 10,000 policies of 100 agents, then one changed among them. */
import { CompileCache } from '../policy/compiler/compile-cache.ts';
import { compileTenant, newSession } from './support/pipeline.ts';
import type { Figures } from './support/report.ts';
import { median, table } from './support/statistics.ts';
import { policy, tenantResources } from './support/tenant.ts';

const SIZE = { policies: 10_000, agents: 100, tools: 20, actionsPerTool: 5 };
const ROUNDS = 5;

export function compileBench(): Figures {
  const full: number[] = [];
  const change: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // fresh objects: nothing is left in any cache
    const resources = tenantResources(SIZE);
    const cache = new CompileCache();
    const session = newSession();
    full.push(timed(() => session.publish(compileTenant(resources, cache))));
    for (let edit = 0; edit < 3; edit++) {
      const index = resources.length - 1 - edit * 1000;
      resources[index] = policy(SIZE.policies - 1 - edit * 1000, SIZE, 4000 + round);
      change.push(timed(() => session.publish(compileTenant(resources, cache))));
    }
  }
  table(
    ['', 'median ms', 'slowest ms'],
    [
      ['10,000 policies, 100 agents: compile and sign', median(full), Math.max(...full)],
      ['one policy changed among them', median(change), Math.max(...change)],
    ],
  );
  return { full_ms: median(full), change_ms: median(change) };
}

function timed(work: () => unknown): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
