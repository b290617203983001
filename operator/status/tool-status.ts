import type { AgentTool } from '../../policy/resources/types.generated.ts';
import { acceptanceAspects } from './acceptance-aspects.ts';
import { conditionsOf } from './aspect.ts';
import { warningsOf } from './finding-text.ts';
import { present, safeCount, safeName } from './safe-values.ts';
import type { ToolView } from './views.ts';

const TEXTS = {
  lastGood: 'The last good version stays in use.',
  none: 'The tool is in no bundle: no agent can use it.',
  published: 'In the committed bundles that need it.',
};

/** Status of an AgentTool. Only the times of `previous` matter. */
export function toolStatus(
  view: ToolView,
  previous: AgentTool['status'] | undefined,
  now: number,
): NonNullable<AgentTool['status']> {
  const { generation, toolId, tenant, revision, actions, usedBy, findings, published } = view;
  const unused = usedBy === 0;
  const ready = unused
    ? { reason: 'NotUsed', message: 'Accepted; no registration names it.' }
    : { reason: 'Published', message: 'Agents that are registered for it can use it.' };
  const chain = acceptanceAspects(view, published, TEXTS, now);
  return {
    observedGeneration: generation,
    conditions: conditionsOf({ generation, chain, ready }, previous?.conditions, now),
    ...present({ toolId: safeName(toolId, 63), tenant: safeName(tenant, 63), revision: safeName(revision, 71) }),
    actions: safeCount(actions),
    ...warningsOf(findings),
  };
}
