/** Parameters with `in: context`: the host knows them (where the call goes), the caller does not say them. */
import type { ToolContract } from '../mapping/contract.ts';
import type { DecisionInput } from './types.ts';

type Source = readonly [parameter: string, path: readonly string[]];

/** Per action name the parameters that are read from `input.context`; actions without any are absent. */
export type ContextParameters = ReadonlyMap<string, readonly Source[]>;

export function contextParameters(contract: ToolContract): ContextParameters {
  const byAction = new Map<string, readonly Source[]>();
  for (const { name, parameters } of contract.actions) {
    const sources = parameters
      .filter((parameter) => parameter.in === 'context')
      .map((parameter): Source => [parameter.name, parameter.wire.split('.')]);
    if (sources.length > 0) byAction.set(name, sources);
  }
  return byAction;
}

/** The input with these parameters taken from its context wherever the context has them. */
export function withContextParameters(input: DecisionInput, sources: readonly Source[] | undefined): DecisionInput {
  if (sources === undefined) return input;
  const params = { ...input.params };
  for (const [name, path] of sources) {
    const value = path.reduce<unknown>((at, step) => member(at, step), input.context);
    if (value !== undefined) params[name] = value;
  }
  return { ...input, params };
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
