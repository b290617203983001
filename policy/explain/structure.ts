/** What stops a call before any rule is asked: unknown names, the chain, the shape of its parameters. */

import type { ActionSlice, AgentSlice } from '../compiler/slice.ts';
import { formatDecimal, parseDecimal } from '../decimal.ts';
import type { DecisionInput, Reason } from '../decision/types.ts';
import { typeName } from './condition-state.ts';
import { own } from './own.ts';

/** `slice` is undefined where the tenant has no such agent. */
export function structuralRefusals(slice: AgentSlice | undefined, tenant: string, input: DecisionInput): Reason[] {
  const refused = (code: string, message: string): Reason[] => [{ code, message }];
  if (input.tenant !== undefined && input.tenant !== tenant) {
    return refused('UNKNOWN_TENANT', 'The call names a tenant that is not loaded here.');
  }
  if (slice === undefined) return refused('UNKNOWN_AGENT', 'No registration for this agent is loaded.');
  if (slice.suspended) return refused('AGENT_SUSPENDED', 'The agent is suspended.');
  if (chainFault(slice, input) !== undefined) {
    return refused('CHAIN_REFUSED', 'The agent does not accept this chain of callers.');
  }
  const tool = own(slice.tools, input.tool);
  if (tool === undefined) return refused('UNKNOWN_TOOL', "The tool is not in the agent's registration.");
  const action = own(tool.actions, input.action);
  if (action !== undefined) return parameterRefusals(action, input.params);
  return refused('UNKNOWN_ACTION', 'The tool does not offer this action to the agent.');
}

function parameterRefusals(action: ActionSlice, params: Readonly<Record<string, unknown>>): Reason[] {
  const whole = action.whole
    .filter((param) => typeName(own(params, param)) === 'number' && !isWhole(own(params, param)))
    .map((param) => ({ code: 'PARAMETER_TYPE', message: 'The parameter must be a whole number.', param }));
  const typed = Object.entries(params).flatMap(([param, value]): Reason[] => {
    const type = own(action.params, param);
    if (type === undefined) {
      const message = "The tool's contract does not name this parameter.";
      return action.open ? [] : [{ code: 'UNDECLARED_PARAMETER', message, param }];
    }
    if (type === typeName(value)) return [];
    return [{ code: 'PARAMETER_TYPE', message: `The parameter must be of type ${type}.`, param }];
  });
  return [...typed, ...whole];
}

function isWhole(value: unknown): boolean {
  const decimal = parseDecimal(value);
  return decimal !== undefined && /^-?[0-9]+$/.test(formatDecimal(decimal));
}

export type ChainFault =
  /** Without a chain the agent speaks for itself, which it may not. */
  | { kind: 'no-origin'; agent: string }
  | { kind: 'ends-elsewhere'; agent: string; last: string | undefined }
  | { kind: 'repeated'; agent: string }
  /** The first of the chain may not start one. */
  | { kind: 'origin'; agent: string }
  | { kind: 'unknown'; agent: string }
  | { kind: 'not-accepted'; agent: string; caller: string }
  | { kind: 'too-deep'; agent: string; callers: number; depth: number };

/** The first thing that keeps the chain from being accepted. */
export function chainFault(slice: AgentSlice, input: DecisionInput): ChainFault | undefined {
  const { agent, chain } = input;
  if (chain === undefined) {
    return own(slice.chain, agent)?.origin === true ? undefined : { kind: 'no-origin', agent };
  }
  const last = chain.at(-1);
  if (last !== agent) return { kind: 'ends-elsewhere', agent, last };
  const repeated = chain.find((name, index) => chain.indexOf(name) !== index);
  if (repeated !== undefined) return { kind: 'repeated', agent: repeated };
  for (const [index, name] of chain.entries()) {
    const fault = linkFault(slice, chain, index, name);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function linkFault(slice: AgentSlice, chain: readonly string[], index: number, name: string): ChainFault | undefined {
  const link = own(slice.chain, name);
  // an origin that is not registered stands in its receiver's list, and only there
  if (index === 0) return link === undefined || link.origin ? undefined : { kind: 'origin', agent: name };
  if (link === undefined) return { kind: 'unknown', agent: name };
  const caller = chain[index - 1] as string;
  if (!Object.hasOwn(link.accepts, caller)) return { kind: 'not-accepted', agent: name, caller };
  return index <= link.depth ? undefined : { kind: 'too-deep', agent: name, callers: index, depth: link.depth };
}
