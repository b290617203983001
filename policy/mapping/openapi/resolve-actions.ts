import type { AgentToolSpec, ToolAction, ToolParameter } from '../../resources/types.generated.ts';
import { suggestName } from '../../validation/suggest-name.ts';
import { parseTemplate } from '../path-template.ts';
import { basePath } from './base-path.ts';
import { type BodyPlace, bodyParameters } from './body-parameters.ts';
import { type OpenApiDocument, type Operation, parametersOf, parseOpenApi } from './document.ts';
import { type Declared, headParameters } from './head-parameters.ts';
import { Unusable } from './json.ts';

/** What the operation of an action makes of it, or why it cannot be used. */
export interface ActionProblem {
  /** Index into `spec.actions`; absent where the document itself is the problem. */
  action?: number;
  severity: 'error' | 'info';
  message: string;
}

export interface ResolvedActions {
  actions: ToolAction[];
  problems: ActionProblem[];
}

const BODY_PLACES: ReadonlySet<string> = new Set(['json', 'form', 'multipart']);

function theOperation({ operations }: OpenApiDocument, id: string): Operation {
  const [operation, other] = operations.get(id) ?? [];
  if (operation === undefined) {
    const close = suggestName(id, [...operations.keys()]);
    throw new Unusable(`the document has none of this id${close === undefined ? '' : `; did you mean "${close}"?`}`);
  }
  if (other !== undefined) {
    throw new Unusable(`the document has several of this id (${operation.path} and ${other.path})`);
  }
  return operation;
}

/** Where a parameter stands on the wire: two of the same place are the same one. */
function wireKey(name: string, parameter: ToolParameter): string {
  const wire = parameter.in === 'json' ? (parameter.pointer ?? `/${parameter.name ?? name}`) : (parameter.name ?? name);
  return `${parameter.in} ${parameter.in === 'header' ? wire.toLowerCase() : wire}`;
}

/** A parameter of the action is where the document has the one of the same name and place, unless it says where. */
function placed(name: string, own: ToolParameter, described: Declared): ToolParameter {
  const same = described.get(name);
  const silent = own.name == null && own.pointer == null;
  if (!silent || same === undefined || same.in !== own.in) return own;
  return {
    ...own,
    ...(same.name !== undefined && { name: same.name }),
    ...(same.pointer !== undefined && { pointer: same.pointer }),
  };
}

/** What the action says of a parameter wins; what the document requires stays required. */
function merged(own: Record<string, ToolParameter>, described: Declared): Record<string, ToolParameter> {
  const declared = Object.entries(own).map(([name, parameter]) => [name, placed(name, parameter, described)] as const);
  const claimed = new Set(declared.map(([name, parameter]) => wireKey(name, parameter)));
  const required = new Set(
    [...described].filter(([, parameter]) => parameter.required === true).map(([name, each]) => wireKey(name, each)),
  );
  const others = [...described].filter(
    ([name, parameter]) => !claimed.has(wireKey(name, parameter)) && !Object.hasOwn(own, name),
  );
  return Object.fromEntries([
    ...others,
    ...declared.map(([name, parameter]): [string, ToolParameter] => [
      name,
      required.has(wireKey(name, parameter)) ? { ...parameter, required: true } : parameter,
    ]),
  ]);
}

function template(base: string, path: string): string {
  const whole = `${base}${path}`;
  parseTemplate(whole, (message) => {
    throw new Unusable(message.replace(/\.$/, ''));
  });
  return whole;
}

function resolveAction(
  document: OpenApiDocument,
  action: ToolAction,
  operationId: string,
  toolUrl: string | undefined,
): { action: ToolAction; open: string[] } {
  const found = theOperation(document, operationId);
  const { root } = document;
  const own = action.parameters ?? {};
  const wanted = Object.values(own).find((parameter) => BODY_PLACES.has(parameter.in))?.in as BodyPlace | undefined;
  const head = headParameters(root, parametersOf(root, found));
  const body = bodyParameters(root, found.operation, wanted);
  for (const [name, parameter] of body.declared) {
    // The same name in head and body: both stay, told apart by the place.
    if (head.has(name)) head.set(`${parameter.in}.${name}`, { ...parameter, ...(parameter.in !== 'json' && { name }) });
    else head.set(name, parameter);
  }
  const path = template(basePath(root, found.item, found.operation, toolUrl), found.path);
  const { match: _, ...rest } = action;
  return {
    action: { ...rest, match: { method: found.method as never, path }, parameters: merged(own, head) },
    open: body.open,
  };
}

/**
 * The actions of a tool with every `operationId` replaced by the method, path template and parameters that the
 * document gives it. An action that cannot be resolved keeps its `operationId` and has a problem.
 */
export function resolveActions(spec: AgentToolSpec, text: string): ResolvedActions {
  const problems: ActionProblem[] = [];
  const actions = spec.actions ?? [];
  let document: OpenApiDocument;
  try {
    document = parseOpenApi(text);
  } catch (error) {
    if (!(error instanceof Unusable)) throw error;
    return {
      actions,
      problems: [{ severity: 'error', message: `The OpenAPI document cannot be used: ${error.message}.` }],
    };
  }
  const resolved = actions.map((action, index) => {
    const operationId = action.match?.operationId;
    if (operationId == null) return action;
    try {
      const { action: made, open } = resolveAction(document, action, operationId, spec.upstream.url);
      if (open.length > 0) {
        const names = open.slice(0, 8).join(', ') + (open.length > 8 ? ', …' : '');
        const message = `The operation "${operationId}" gives no single type to ${names}: not declared, so refused where the action refuses undeclared fields.`;
        problems.push({ action: index, severity: 'info', message });
      }
      return made;
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      const message = `The operation "${operationId}" cannot be used: ${error.message}.`;
      problems.push({ action: index, severity: 'error', message });
      return action;
    }
  });
  return { actions: resolved, problems };
}
