import { canonicalJson } from '../bundle/canonical-json.ts';
import { AegisError, type Finding } from '../errors.ts';
import { compileToolContract } from '../mapping/contract.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentTool } from '../resources/types.generated.ts';
import { findingAt } from './finding-at.ts';

/** Canonical JSON of the request mapping. A tool whose requests cannot be mapped without a doubt is left out. */
export function toolContractText(toolId: string, tool: LoadedResource<AgentTool>, findings: Finding[]): string | undefined {
  try {
    return canonicalJson(compileToolContract(toolId, tool.object.spec));
  } catch (error) {
    if (!(error instanceof AegisError)) throw error;
    const [, subject = ''] = /^Tool \S+: (\S+):/.exec(error.message) ?? [];
    const actions = tool.object.spec.actions ?? [];
    const index = actions.findIndex(({ name }) => subject === name || subject.startsWith(`${name}.`));
    const action = actions[index];
    const parameter = subject.slice((action?.name.length ?? 0) + 1);
    const below = Object.hasOwn(action?.parameters ?? {}, parameter) ? ['parameters', parameter] : ['name'];
    const path = action === undefined ? ['spec', 'actions'] : ['spec', 'actions', index, ...below];
    findings.push(findingAt(tool, error.code, 'error', path, error.message));
    return undefined;
  }
}
