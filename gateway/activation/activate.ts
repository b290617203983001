/** A verified bundle → what decides calls: the policy loaded and primed, the tool contracts beside it. */
import { agentOfFile } from '../../policy/bundle/file-names.ts';
import type { Manifest } from '../../policy/bundle/manifest.ts';
import type { VerifiedBundle, VerifiedSlice } from '../../policy/bundle/verify-bundle.ts';
import type { AgentSlice } from '../../policy/compiler/slice.ts';
import {
  type ContextParameters,
  contextParameters,
  withContextParameters,
} from '../../policy/decision/context-parameters.ts';
import { stringifyExact } from '../../policy/decision/stringify.ts';
import type { DecisionInput, PolicyResult } from '../../policy/decision/types.ts';
import { AegisError } from '../../policy/errors.ts';
import type { ToolContract } from '../../policy/mapping/contract.ts';
import type { Activation, FreezeMode, Freshness } from '../enforcement/activation.ts';
import { checkResult } from '../enforcement/check-result.ts';
import { createEvaluator, type Evaluator, type EvaluatorLimits } from '../evaluator/wasm-evaluator.ts';
import { jsonMembers } from './json-members.ts';
import { LocalClock } from './local-clock.ts';
import { lowRiskReads } from './low-risk-reads.ts';
import { type TenantSettings, tenantSettings } from './tenant-settings.ts';

export interface ActivateOptions {
  /** Milliseconds since the epoch. */
  clock(): number;
  /** Shares compiled modules between activations: the engine rarely changes. */
  modules?: ModuleCache;
  limits?: EvaluatorLimits;
}

/** Keeps the module compiled last. */
export class ModuleCache {
  #digest: string | undefined;
  #module: WebAssembly.Module | undefined;

  get(digest: string, wasm: Uint8Array): WebAssembly.Module {
    if (this.#module === undefined || this.#digest !== digest) {
      this.#module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
      this.#digest = digest;
    }
    return this.#module;
  }

  /** Compiles beside the event loop, so that `get` need not. What cannot be compiled fails in `get`. */
  async prepare(digest: string, wasm: Uint8Array): Promise<void> {
    if (this.#digest === digest) return;
    try {
      this.#module = await WebAssembly.compile(wasm as Uint8Array<ArrayBuffer>);
      this.#digest = digest;
    } catch {
      // `get` says so
    }
  }
}

interface LoadedAgent {
  clock: LocalClock | undefined;
  contracts: ReadonlyMap<string, ToolContract>;
  tools: readonly string[];
  /** Per tool; only tools that have any. */
  fromContext: ReadonlyMap<string, ContextParameters>;
  /** Empty unless the tenant opted in. */
  lowRiskReads: ReadonlySet<string>;
}

/** What a head adds to content. */
export interface HeadState {
  readonly manifest: Pick<Manifest, 'sequence' | 'freeze'>;
  readonly freshness?: Freshness;
  readonly revokedApprovals?: ReadonlySet<string>;
  /** When its sequence came into force, ms since the epoch; when the content was loaded, where absent. */
  readonly activatedAt?: number;
}

/** Content that is loaded and primed. Heads come and go on top of it without loading it again. */
export interface LoadedBundle {
  readonly tenant: string;
  readonly settings: TenantSettings;
  activation(head: HeadState): Activation;
  /** Always false where the tenant did not opt in. */
  isLowRiskRead(agent: string, tool: string, action: string): boolean;
}

const NO_TOOLS: readonly string[] = [];

/** The evaluator need not know how requests are mapped. */
const GATEWAY_ONLY: ReadonlySet<string> = new Set(['contracts']);

/**
 * Loads and primes a verified bundle (all its agents) or slice (its one agent). Nothing is swapped here: the caller
 * does that, after this has succeeded.
 * @throws AegisError `AEGIS_ACTIVATION` when the data has another form, or the policy gives no answer to a sample call.
 */
export function loadBundle(verified: VerifiedBundle | VerifiedSlice, options: ActivateOptions): LoadedBundle {
  const decoder = new TextDecoder();
  const tenantData = decoder.decode(verified.tenantData);
  const settings = tenantSettings(tenantData);
  const agents = new Map<string, LoadedAgent>();
  const slices: string[] = [];
  for (const [name, { bytes }] of verified.files) {
    const agentId = agentOfFile(name);
    if (agentId === undefined) continue;
    const { text, agent } = loadSlice(agentId, decoder.decode(bytes), settings);
    agents.set(agentId, agent);
    slices.push(`${JSON.stringify(agentId)}:${text}`);
  }
  const { manifest } = verified;
  const evaluator = createEvaluator({
    module: (options.modules ?? new ModuleCache()).get(manifest.engineDigest, verified.wasm),
    data: `{"aegis":{"agents":{${slices.join(',')}},"tenant":${tenantData}}}`,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const tenant = manifest.tenant.name;
  const content: LoadedContent = { tenant, evaluator, agents, clock: options.clock, activatedAt: options.clock() };
  prime(new BundleActivation(content, { manifest }), agents);
  return {
    tenant,
    settings,
    activation: (head) => new BundleActivation(content, head),
    isLowRiskRead: (agent, tool, action) => agents.get(agent)?.lowRiskReads.has(`${tool}/${action}`) === true,
  };
}

/** The same, for whoever needs no later heads. */
export function activate(verified: VerifiedBundle | VerifiedSlice, options: ActivateOptions): Activation {
  return loadBundle(verified, options).activation(verified);
}

function loadSlice(agentId: string, text: string, { failMode }: TenantSettings): { text: string; agent: LoadedAgent } {
  const members = jsonMembers(text);
  if (members === null) throw new AegisError('AEGIS_ACTIVATION', `The slice of agent ${agentId} is not an object.`);
  const contracts = JSON.parse(members.get('contracts') ?? '{}') as Record<string, ToolContract>;
  const zones = JSON.parse(members.get('timeZones') ?? '[]') as string[];
  const fromContext = Object.entries(contracts).map(([tool, contract]) => [tool, contextParameters(contract)] as const);
  const kept = [...members].filter(([name]) => !GATEWAY_ONLY.has(name));
  const byTool = new Map(Object.entries(contracts));
  const tools = failMode === 'Closed' ? undefined : (JSON.parse(members.get('tools') ?? '{}') as AgentSlice['tools']);
  return {
    text: `{${kept.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`,
    agent: {
      clock: zones.length === 0 ? undefined : new LocalClock(zones),
      contracts: byTool,
      tools: [...byTool.keys()],
      fromContext: new Map(fromContext.filter(([, parameters]) => parameters.size > 0)),
      lowRiskReads: tools === undefined ? new Set() : lowRiskReads(tools, byTool),
    },
  };
}

/** Asks one call per agent, so that a policy that cannot answer never becomes active, and the first call is warm. */
function prime(activation: Activation, agents: ReadonlyMap<string, LoadedAgent>): void {
  for (const [agent, { contracts }] of agents) {
    const [tool, contract] = [...contracts][0] ?? ['none', undefined];
    const action = contract?.actions[0]?.name ?? 'none';
    const result = activation.evaluate({ agent, tool, action, params: {} });
    if (checkResult(result) !== 'ok' || result.enforced.reasons[0]?.code === 'INVALID_DATA') {
      throw new AegisError('AEGIS_ACTIVATION', `The policy gives no usable answer for agent ${agent}.`);
    }
  }
}

/** Plain values take the fast way; whatever may hold an exact number inside is written with its literal. */
function inputText(input: DecisionInput): string {
  const { params, context } = input;
  if (typeof context?.cost === 'object') return stringifyExact(input);
  for (const name in params) if (typeof params[name] === 'object') return stringifyExact(input);
  return JSON.stringify(input);
}

interface LoadedContent {
  readonly tenant: string;
  readonly evaluator: Evaluator;
  readonly agents: ReadonlyMap<string, LoadedAgent>;
  readonly activatedAt: number;
  clock(): number;
}

class BundleActivation implements Activation {
  readonly tenant: string;
  readonly sequence: number;
  readonly activatedAt: number;
  readonly freeze?: FreezeMode;
  readonly freshness?: Freshness;
  readonly revokedApprovals?: ReadonlySet<string>;
  readonly #evaluator: Evaluator;
  readonly #agents: ReadonlyMap<string, LoadedAgent>;
  readonly #clock: () => number;

  constructor(content: LoadedContent, { manifest, freshness, revokedApprovals, activatedAt }: HeadState) {
    this.tenant = content.tenant;
    this.sequence = manifest.sequence;
    this.activatedAt = activatedAt ?? content.activatedAt;
    if (manifest.freeze.mode !== 'None') this.freeze = manifest.freeze.mode;
    if (freshness !== undefined) this.freshness = freshness;
    if (revokedApprovals !== undefined) this.revokedApprovals = revokedApprovals;
    this.#evaluator = content.evaluator;
    this.#agents = content.agents;
    this.#clock = () => content.clock();
  }

  evaluate(input: DecisionInput): PolicyResult {
    return this.#evaluator.evaluate(inputText(this.complete(input))) as PolicyResult;
  }

  complete(input: DecisionInput): DecisionInput {
    const agent = this.#agents.get(input.agent);
    if (agent === undefined) return input;
    const filled = withContextParameters(input, agent.fromContext.get(input.tool)?.get(input.action));
    return agent.clock === undefined ? filled : this.#withLocalTime(filled, agent.clock);
  }

  contract(agent: string, tool: string): ToolContract | undefined {
    return this.#agents.get(agent)?.contracts.get(tool);
  }

  tools(agent: string): readonly string[] {
    return this.#agents.get(agent)?.tools ?? NO_TOOLS;
  }

  /** The call's own time where the caller may set one (a dry run), else now. An unreadable time has no local form. */
  #withLocalTime(input: DecisionInput, clock: LocalClock): DecisionInput {
    const stated = input.context?.time;
    const instant = stated === undefined ? this.#clock() : Date.parse(stated);
    const local = Number.isNaN(instant) ? {} : clock.at(instant);
    return { ...input, context: { ...input.context, local } };
  }
}
