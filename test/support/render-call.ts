/** The raw request that a tool's contract would read as a given call: the mapping, the other way round. */
import { stringifyExact } from '../../policy/decision/stringify.ts';
import type { ActionContract, ParameterContract, ToolContract } from '../../policy/mapping/contract.ts';

export interface RenderedCall {
  method: string;
  /** Relative to the tool's base URL. */
  path: string;
  headers: Record<string, string>;
  body: string;
}

function wireText({ type, scale }: ParameterContract, value: unknown): string {
  const text = typeof value === 'object' ? stringifyExact(value) : String(value);
  const minor = scale === 'byCurrency' ? 2 : scale;
  if (minor === undefined || type === 'string' || !/^-?[0-9]+(\.[0-9]+)?$/.test(text)) return text;
  return String(Number(text) * 10 ** minor);
}

function setPointer(into: Record<string, unknown>, pointer: string, value: unknown): void {
  const tokens = pointer.slice(1).split('/');
  let node = into;
  for (const token of tokens.slice(0, -1)) {
    node[token] ??= {};
    node = node[token] as Record<string, unknown>;
  }
  node[tokens.at(-1) as string] = value;
}

const REPLACED = /\{([^}.]+)(?:\.\.\.)?\}/g;

function place(action: ActionContract, params: Readonly<Record<string, unknown>>): RenderedCall {
  const match = action.match as { method: string; path: string };
  const query = new URLSearchParams();
  const form = new URLSearchParams();
  const json: Record<string, unknown> = {};
  const headers: Record<string, string> = {};
  const path = new Map<string, string>();
  for (const parameter of action.parameters) {
    const value = params[parameter.name];
    if (value === undefined) continue;
    const { wire } = parameter;
    if (parameter.in === 'path') path.set(wire, encodeURIComponent(wireText(parameter, value)));
    else if (parameter.in === 'query') query.append(wire, wireText(parameter, value));
    else if (parameter.in === 'form') form.append(wire, wireText(parameter, value));
    else if (parameter.in === 'header') headers[wire] = wireText(parameter, value);
    else if (parameter.in === 'json') setPointer(json, wire, value);
  }
  const undeclared = Object.keys(params).filter((name) => !action.parameters.some((each) => each.name === name));
  for (const name of undeclared) query.append(name, String(params[name]));
  const hasJson = Object.keys(json).length > 0;
  if (hasJson) headers['content-type'] = 'application/json';
  else if (form.size > 0) headers['content-type'] = 'application/x-www-form-urlencoded';
  const target = match.path.replaceAll(REPLACED, (_, name: string) => path.get(name) ?? 'none');
  return {
    method: match.method,
    path: query.size > 0 ? `${target}?${query}` : target,
    headers,
    body: hasJson ? stringifyExact(json) : form.toString(),
  };
}

/** Calls that no action of the contract can mean become requests that none matches. */
export function renderCall(
  contract: ToolContract | undefined,
  action: string,
  params: Readonly<Record<string, unknown>>,
): RenderedCall {
  const found = contract?.actions.find(({ name }) => name === action);
  if (found === undefined || found.match === null || !('path' in found.match)) {
    return { method: 'POST', path: '/no-such-action', headers: {}, body: '' };
  }
  return place(found, params);
}
