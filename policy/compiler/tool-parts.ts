/** The tools of a tenant as slices hold them; one whose requests cannot be mapped without a doubt is left out. */
import { canonicalJson } from '../bundle/canonical-json.ts';
import { AegisError, type Finding } from '../errors.ts';
import { compileToolContract } from '../mapping/contract.ts';
import type { LoadedResource } from '../resources/resource.ts';
import type { AgentTool } from '../resources/types.generated.ts';
import type { SlicePart } from './agent-slice.ts';
import type { CompileCache } from './compile-cache.ts';
import { findingAt } from './finding-at.ts';

/** By toolId. */
export function toolParts(
  tools: ReadonlyMap<string, LoadedResource<AgentTool>>,
  unusable: ReadonlySet<LoadedResource<AgentTool>>,
  cache: CompileCache,
  findings: Finding[],
): Map<string, SlicePart> {
  const parts = new Map<string, SlicePart>();
  for (const [toolId, tool] of tools) {
    if (unusable.has(tool)) continue;
    try {
      const contract = compileToolContract(toolId, tool.object.spec);
      parts.set(toolId, {
        toolId,
        actions: cache.contractsOf(tool),
        contract: canonicalJson(contract),
        upstream: contract.upstream,
        observing: (limits) => canonicalJson({ ...contract, unmatched: { limits } }),
      });
    } catch (error) {
      if (!(error instanceof AegisError)) throw error;
      findings.push(findingAt(tool, error.code, 'error', subjectPath(tool.object, error.message), error.message));
    }
  }
  return parts;
}

/** What a message such as `Tool stripe: pay.amount: …` is about. */
function subjectPath({ spec }: AgentTool, message: string): (string | number)[] {
  const [, subject = ''] = /^Tool \S+: (\S+):/.exec(message) ?? [];
  const actions = spec.actions ?? [];
  const index = actions.findIndex(({ name }) => subject === name || subject.startsWith(`${name}.`));
  const action = actions[index];
  if (action === undefined) return ['spec', 'actions'];
  const parameter = subject.slice(action.name.length + 1);
  const below = Object.hasOwn(action.parameters ?? {}, parameter) ? ['parameters', parameter] : ['name'];
  return ['spec', 'actions', index, ...below];
}
