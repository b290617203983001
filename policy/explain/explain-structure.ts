/** Why a call is refused before any rule is asked, and in which resource that stands. */
import type { AgentSlice } from '../compiler/slice.ts';
import type { TenantResources } from '../compiler/tenant-resources.ts';
import type { DecisionInput, Reason } from '../decision/types.ts';
import { type FieldPath, formatPath, type LoadedResource } from '../resources/resource.ts';
import { suggestName } from '../validation/suggest-name.ts';
import { typeName } from './condition-state.ts';
import type { ExplainedReason } from './explanation.ts';
import { own } from './own.ts';
import type { Place } from './rule-index.ts';
import { type ChainFault, chainFault } from './structure.ts';

export interface StructureContext {
  slice: AgentSlice | undefined;
  resources: TenantResources;
  /** Names of all tenants that are loaded. */
  tenants: readonly string[];
}

export function explainStructural(reason: Reason, input: DecisionInput, context: StructureContext): ExplainedReason {
  return { ...reason, ...details(reason, input, context) };
}

type Details = Omit<ExplainedReason, keyof Reason>;

function details({ code, param }: Reason, input: DecisionInput, context: StructureContext): Details {
  const { slice, resources, tenants } = context;
  const registration = resources.registrations.get(input.agent);
  const tool = resources.tools.get(input.tool);
  switch (code) {
    case 'UNKNOWN_TENANT':
      return named('tenant', input.tenant ?? '', tenants);
    case 'UNKNOWN_AGENT':
      return {
        ...named('agent', input.agent, [...resources.registrations.keys()]),
        change: `add an AgentRegistration with the agentId ${input.agent}`,
      };
    case 'AGENT_SUSPENDED':
      return {
        ...at(registration, ['spec', 'suspended']),
        change: 'set spec.suspended of the AgentRegistration to false',
      };
    case 'CHAIN_REFUSED':
      return slice === undefined ? {} : chainDetails(chainFault(slice, input), resources);
    case 'UNKNOWN_TOOL':
      return {
        ...at(registration, ['spec', 'tools']),
        ...named('tool', input.tool, Object.keys(slice?.tools ?? {})),
        change: `add {toolId: ${input.tool}} to spec.tools of the AgentRegistration${tool ? '' : ', and an AgentTool'}`,
      };
    case 'UNKNOWN_ACTION':
      return actionDetails(input, context);
    case 'PARAMETER_TYPE':
    case 'UNDECLARED_PARAMETER':
      return parameterDetails(code, param ?? '', input, context);
    default:
      return {};
  }
}

function named(kind: string, name: string, known: readonly string[]): Details {
  const meant = suggestName(name, known);
  const list = known.length === 0 ? `there is no ${kind}` : `known: ${known.slice(0, 8).join(', ')}`;
  return {
    given: `no ${kind} "${name}"; ${list}`,
    ...(meant === undefined ? {} : { call: `did you mean ${meant}?` }),
  };
}

function actionDetails(input: DecisionInput, { slice, resources }: StructureContext): Details {
  const offered = Object.keys(own(slice?.tools, input.tool)?.actions ?? {});
  const tool = resources.tools.get(input.tool);
  const declared = tool?.object.spec.actions?.some(({ name }) => name === input.action) === true;
  const registration = resources.registrations.get(input.agent);
  const index = registration?.object.spec.tools?.findIndex(({ toolId }) => toolId === input.tool) ?? -1;
  if (declared && index >= 0) {
    return {
      ...at(registration, ['spec', 'tools', index, 'actions']),
      given: `the registration offers only ${offered.join(', ')}`,
      change: `add ${input.action} to spec.tools[${index}].actions of the AgentRegistration`,
    };
  }
  return {
    ...at(tool, ['spec', 'actions']),
    ...named('action', input.action, offered),
    change: `add the action ${input.action} to spec.actions of the AgentTool`,
  };
}

function parameterDetails(
  code: string,
  param: string,
  input: DecisionInput,
  { slice, resources }: StructureContext,
): Details {
  const tool = resources.tools.get(input.tool);
  const index = tool?.object.spec.actions?.findIndex(({ name }) => name === input.action) ?? -1;
  const declared = own(own(own(slice?.tools, input.tool)?.actions, input.action)?.params, param);
  if (code === 'PARAMETER_TYPE') {
    const type = typeName(own(input.params, param));
    return {
      ...at(tool, ['spec', 'actions', index, 'parameters', param]),
      given: `${param} is of type ${type}`,
      call: `send ${param} as ${declared}`,
    };
  }
  const names = Object.keys(own(own(slice?.tools, input.tool)?.actions, input.action)?.params ?? {});
  const { call, given } = named('parameter', param, names);
  return {
    ...at(tool, ['spec', 'actions', index, 'parameters']),
    ...(given === undefined ? {} : { given }),
    call: call ?? `leave ${param} out`,
    change: `declare ${param} in spec.actions[${index}].parameters of the AgentTool`,
  };
}

function chainDetails(fault: ChainFault | undefined, resources: TenantResources): Details {
  if (fault === undefined) return {};
  const registration = resources.registrations.get(fault.agent);
  const delegation = (key: string): Details => at(registration, ['spec', 'delegation', key]);
  const ofAgent = `of AgentRegistration ${fault.agent}`;
  switch (fault.kind) {
    case 'no-origin':
      return {
        ...delegation('selfOrigin'),
        given: `the call has no chain, and ${fault.agent} may not start one`,
        call: 'send the chain of callers',
        change: `set spec.delegation.selfOrigin ${ofAgent} to true`,
      };
    case 'ends-elsewhere':
      return {
        given: `the chain ends with ${fault.last ?? 'nobody'}, but ${fault.agent} calls`,
        call: `end the chain with ${fault.agent}`,
      };
    case 'repeated':
      return { given: `${fault.agent} stands in the chain twice`, call: 'name each agent once' };
    case 'origin':
      return {
        ...delegation('selfOrigin'),
        given: `${fault.agent} may not start a chain`,
        change: `set spec.delegation.selfOrigin ${ofAgent} to true`,
      };
    case 'unknown':
      return {
        ...named('agent', fault.agent, [...resources.registrations.keys()]),
        change: `add an AgentRegistration with the agentId ${fault.agent}`,
      };
    case 'not-accepted':
      return {
        ...delegation('acceptsFrom'),
        given: `${fault.agent} does not accept calls from ${fault.caller}`,
        change: `add ${fault.caller} to spec.delegation.acceptsFrom ${ofAgent}`,
      };
    case 'too-deep':
      return {
        ...delegation('maxDepth'),
        given: `${fault.callers} callers stand before ${fault.agent}, which accepts ${fault.depth}`,
        call: `call through at most ${fault.depth} agents`,
        change: `set spec.delegation.maxDepth ${ofAgent} to ${fault.callers} or more`,
      };
  }
}

function at(resource: LoadedResource | undefined, path: FieldPath): { place?: Place } {
  if (resource === undefined) return {};
  return { place: { field: formatPath(path), location: resource.locate(path) } };
}
