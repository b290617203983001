import type { ActionContract, ParameterContract } from '../../policy/mapping/contract.ts';
import { fieldPath } from './field-name.ts';
import { pointerTokens } from './json-pointer.ts';

/** The declared members of a JSON body: a node with a parameter covers everything below it. */
export interface JsonPlan {
  parameter: ParameterContract | undefined;
  members: Map<string, JsonPlan>;
}

/** An action's contract, arranged for reading requests; made once per activation. */
export interface ActionPlan {
  action: ActionContract;
  query: Map<string, ParameterContract>;
  form: Map<string, ParameterContract>;
  json: { parameter: ParameterContract; tokens: string[] }[];
  jsonPlan: JsonPlan;
  header: ParameterContract[];
  path: ParameterContract[];
  multipart: boolean;
  scaled: ParameterContract[];
  currency: ParameterContract | undefined;
  /** Wire names of every place as `fieldPath` spells them; an undeclared field must not shadow one of them. */
  names: Set<string>;
}

function emptyPlan(): JsonPlan {
  return { parameter: undefined, members: new Map() };
}

function addPointer(root: JsonPlan, tokens: readonly string[], parameter: ParameterContract): void {
  let node = root;
  for (const token of tokens) {
    let next = node.members.get(token);
    if (next === undefined) {
      next = emptyPlan();
      node.members.set(token, next);
    }
    node = next;
  }
  node.parameter = parameter;
}

function byWire(
  parameters: readonly ParameterContract[],
  place: ParameterContract['in'],
): Map<string, ParameterContract> {
  return new Map(
    parameters.filter((parameter) => parameter.in === place).map((parameter) => [parameter.wire, parameter]),
  );
}

export function planAction(action: ActionContract): ActionPlan {
  const { parameters } = action;
  const json = parameters
    .filter((parameter) => parameter.in === 'json')
    .map((parameter) => ({ parameter, tokens: pointerTokens(parameter.wire) }));
  const jsonPlan = emptyPlan();
  for (const { parameter, tokens } of json) addPointer(jsonPlan, tokens, parameter);
  const flat = parameters.filter((parameter) => parameter.in === 'query' || parameter.in === 'form');
  return {
    action,
    query: byWire(parameters, 'query'),
    form: byWire(parameters, 'form'),
    json,
    jsonPlan,
    header: parameters.filter((parameter) => parameter.in === 'header'),
    path: parameters.filter((parameter) => parameter.in === 'path'),
    multipart: parameters.some((parameter) => parameter.in === 'multipart'),
    scaled: parameters.filter((parameter) => parameter.scale !== undefined),
    currency: parameters.find((parameter) => parameter.role === 'currency'),
    names: new Set([
      ...flat.map((parameter) => fieldPath(parameter.wire)),
      ...json.flatMap(({ tokens }) => tokens.slice(0, 1).map(fieldPath)),
    ]),
  };
}
