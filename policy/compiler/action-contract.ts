/** What a rule may rely on of one action of a tool: its parameters in policy units, their roles, effect and risk. */
import type { RiskTier } from '../decision/types.ts';
import { placeholders } from '../mapping/path-template.ts';
import type { AgentTool, ToolAction, ToolParameter } from '../resources/types.generated.ts';

export const RISKS: readonly RiskTier[] = ['low', 'medium', 'high', 'critical'];

export type PolicyType = 'string' | 'number' | 'boolean' | 'array' | 'object';

export interface ParameterContract {
  /** JSON type of the value that policies see (a scaled or amount-like wire string is a number for them). */
  type: PolicyType;
  /** For arrays: the type of the elements. */
  items?: PolicyType;
  /** A whole number, on the wire and for policies. */
  whole?: true;
  role?: string;
  format?: string;
}

export interface ActionContract {
  toolId: string;
  action: string;
  effect: string;
  /** Index into RISKS: the higher of tool and action. */
  risk: number;
  open: boolean;
  parameters: ReadonlyMap<string, ParameterContract>;
  byRole: ReadonlyMap<string, readonly string[]>;
}

/** Number for everything that policies compare as an amount, else the wire type. */
export function policyType(parameter: Pick<ToolParameter, 'type' | 'role' | 'scale'>): PolicyType {
  if (parameter.scale !== undefined || parameter.role === 'amount') return 'number';
  if (parameter.type === 'integer' || parameter.type === 'number') return 'number';
  return parameter.type;
}

export function riskIndex(tier: string | undefined): number {
  return tier === undefined ? 0 : Math.max(0, RISKS.indexOf(tier as RiskTier));
}

export function toolIdOf(tool: AgentTool): string {
  return tool.spec.toolId ?? tool.metadata.name;
}

/** The contracts of a tool's actions by name, in the order of the resource. */
export function actionContracts(tool: AgentTool): Map<string, ActionContract> {
  const contracts = new Map<string, ActionContract>();
  for (const action of tool.spec.actions ?? []) contracts.set(action.name, actionContract(tool, action));
  return contracts;
}

function actionContract(tool: AgentTool, action: ToolAction): ActionContract {
  const parameters = new Map<string, ParameterContract>();
  const byRole = new Map<string, string[]>();
  for (const [name, parameter] of Object.entries(action.parameters ?? {})) {
    const { role } = parameter;
    parameters.set(name, parameterContract(parameter));
    if (role !== undefined) byRole.set(role, [...(byRole.get(role) ?? []), name]);
  }
  // a path template's placeholders are parameters, declared or not
  const fromPath = Object.entries(action.parameters ?? {}).filter(([, parameter]) => parameter.in === 'path');
  const declared = new Set(fromPath.map(([name, parameter]) => parameter.name ?? name));
  for (const name of placeholders(action.match?.path ?? '')) {
    if (!declared.has(name) && !parameters.has(name)) parameters.set(name, { type: 'string' });
  }
  // and so is what a request must have to be recognised
  for (const name of selectors(action)) if (!parameters.has(name)) parameters.set(name, { type: 'string' });
  return {
    toolId: toolIdOf(tool),
    action: action.name,
    effect: action.effect,
    risk: Math.max(riskIndex(tool.spec.riskTier ?? 'medium'), riskIndex(action.riskTier)),
    open: (action.undeclared ?? (action.effect === 'read' ? 'Allow' : 'Refuse')) === 'Allow',
    parameters,
    byRole,
  };
}

/** Query fields and headers of match that no parameter declares. */
function selectors({ match, parameters = {} }: ToolAction): string[] {
  const declared = new Set(
    Object.entries(parameters).map(([name, { in: place, name: wire = name }]) =>
      place === 'header' ? `header ${wire.toLowerCase()}` : `${place} ${wire}`,
    ),
  );
  return [
    ...(match?.query ?? []).filter((wire) => !declared.has(`query ${wire}`)),
    ...(match?.headers ?? []).map((wire) => wire.toLowerCase()).filter((wire) => !declared.has(`header ${wire}`)),
  ];
}

function parameterContract(parameter: ToolParameter): ParameterContract {
  const { role, format, items, type, scale } = parameter;
  return {
    type: policyType(parameter),
    ...(type === 'integer' && scale === undefined ? { whole: true } : {}),
    ...(items === undefined ? {} : { items: policyType({ type: items }) }),
    ...(role === undefined ? {} : { role }),
    ...(format === undefined ? {} : { format }),
  };
}
