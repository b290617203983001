import type { ActionContract, ParameterContract } from '../../policy/mapping/contract.ts';
import { fieldPaths } from './field-name.ts';
import { escapeToken, pointerTokens } from './json-pointer.ts';

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
  multipart: Map<string, ParameterContract>;
  /** Required ones by the stage that must have found them. */
  required: { head: ParameterContract[]; body: ParameterContract[] };
  scaled: ParameterContract[];
  currency: ParameterContract | undefined;
  /** Wire names of every place as `fieldPaths` spells them; an undeclared field must not shadow one of them. */
  names: Set<string>;
  /** Those of the path: frameworks merge them with fields of query and form, and differ in which of them wins. */
  pathNames: Set<string>;
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

const HEAD_PLACES: ReadonlySet<string> = new Set(['path', 'query', 'header']);
const BODY_PLACES: ReadonlySet<string> = new Set(['form', 'json', 'body', 'multipart']);

/** A parameter with `in: body` as what it is in a body of that kind. */
export function inBodyOf(kind: 'form' | 'json', parameter: ParameterContract): ParameterContract {
  if (parameter.in !== 'body') return parameter;
  return { ...parameter, in: kind, wire: kind === 'form' ? parameter.wire : `/${escapeToken(parameter.wire)}` };
}

export function planAction(action: ActionContract): ActionPlan {
  const parameters = action.parameters.flatMap((parameter) =>
    parameter.in === 'body' ? [inBodyOf('form', parameter), inBodyOf('json', parameter)] : [parameter],
  );
  const required = action.parameters.filter((parameter) => parameter.required);
  const json = parameters
    .filter((parameter) => parameter.in === 'json')
    .map((parameter) => ({ parameter, tokens: pointerTokens(parameter.wire) }));
  const jsonPlan = emptyPlan();
  for (const { parameter, tokens } of json) addPointer(jsonPlan, tokens, parameter);
  const path = parameters.filter((parameter) => parameter.in === 'path');
  const flat = parameters.filter(({ in: place }) => place === 'query' || place === 'form' || place === 'multipart');
  return {
    action,
    query: byWire(parameters, 'query'),
    form: byWire(parameters, 'form'),
    json,
    jsonPlan,
    header: parameters.filter((parameter) => parameter.in === 'header'),
    path,
    multipart: byWire(parameters, 'multipart'),
    required: {
      head: required.filter((parameter) => HEAD_PLACES.has(parameter.in)),
      body: required.filter((parameter) => BODY_PLACES.has(parameter.in)),
    },
    scaled: action.parameters.filter((parameter) => parameter.scale !== undefined),
    currency: action.parameters.find((parameter) => parameter.role === 'currency'),
    names: new Set([
      ...flat.flatMap((parameter) => fieldPaths(parameter.wire)),
      ...json.flatMap(({ tokens }) => tokens.slice(0, 1).flatMap(fieldPaths)),
    ]),
    pathNames: new Set(path.flatMap(({ wire }) => fieldPaths(wire))),
  };
}
