/** Follows calls through what was compiled, and holds the result against what the policy itself answers. */
import type { Activation } from '../../gateway/enforcement/activation.ts';
import { DEFAULT_PLATFORM_NAMESPACE } from '../../policy/compiler/compile.ts';
import type { AgentSlice } from '../../policy/compiler/slice.ts';
import { sortResources, type TenantResources } from '../../policy/compiler/tenant-resources.ts';
import { stringifyExact } from '../../policy/decision/stringify.ts';
import type { DecisionInput, Outcome } from '../../policy/decision/types.ts';
import { readSlice } from '../../policy/explain/read-slice.ts';
import { RuleIndex } from '../../policy/explain/rule-index.ts';
import { type Trace, traceCall } from '../../policy/explain/trace.ts';
import type { Update } from './local-system.ts';

export interface TracedCall {
  /** The input as the policy saw it. */
  input: DecisionInput;
  trace: Trace;
  /** What the policy says. */
  outcome: Outcome;
  /** How trace and policy differ: a defect of ours. */
  mismatch?: string;
}

/** What one tenant's traces point back to. */
export interface TenantSources {
  slices: ReadonlyMap<string, AgentSlice>;
  index: RuleIndex;
  resources: TenantResources;
}

export class Tracer {
  readonly #update: Update;
  readonly #sorted: ReturnType<typeof sortResources>;
  readonly #tenants = new Map<string, TenantSources>();

  constructor(update: Update, platformNamespace = DEFAULT_PLATFORM_NAMESPACE) {
    this.#update = update;
    this.#sorted = sortResources(update.resources, platformNamespace);
  }

  sources(tenant: string): TenantSources | undefined {
    let sources = this.#tenants.get(tenant);
    const compiled = this.#update.tenants.find(({ name }) => name === tenant);
    const resources = this.#sorted.tenants.get(tenant);
    if (sources !== undefined || compiled === undefined || resources === undefined) return sources;
    const policies = compiled.policies.map(({ source }) => source);
    sources = {
      slices: new Map([...compiled.agents].map(([id, { bytes }]) => [id, readSlice(bytes)])),
      index: new RuleIndex(policies, resources.tools),
      resources,
    };
    this.#tenants.set(tenant, sources);
    return sources;
  }

  trace(activation: Activation, input: DecisionInput): TracedCall {
    const complete = activation.complete(input);
    const slice = this.sources(activation.tenant)?.slices.get(input.agent);
    const trace = traceCall(slice, activation.tenant, complete);
    const { enforced } = activation.evaluate(input);
    const mismatch = difference(trace, enforced);
    return { input: complete, trace, outcome: enforced, ...(mismatch === undefined ? {} : { mismatch }) };
  }
}

/** The order of reasons says nothing. */
function difference(trace: Trace, outcome: Outcome): string | undefined {
  const text = (verdict: string, reasons: readonly object[]): string =>
    `${verdict} ${reasons
      .map((reason) => stringifyExact(sorted(reason)))
      .sort()
      .join(' ')}`;
  const traced = text(
    trace.verdict,
    trace.reasons.map(({ reason }) => reason),
  );
  const decided = text(outcome.verdict, outcome.reasons);
  return traced === decided ? undefined : `traced as ${traced}, decided as ${decided}`;
}

function sorted(object: object): object {
  return Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)));
}
