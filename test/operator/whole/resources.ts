/** A small cluster's resources, each in good versions and in bad ones. The label says which it is. */
import type { KubeObject, ResourceType } from '../../../operator/kube/types.ts';
import { AGENT_POLICY, AGENT_REGISTRATION, AGENT_TENANT, AGENT_TOOL } from '../../../operator/model/resource-types.ts';
import { NAMESPACE } from './names.ts';

export type Variant = 'good' | 'typo' | 'unbound' | 'stranger' | 'shadow';

export interface Resource {
  type: ResourceType;
  namespace?: string;
  name: string;
  variants: readonly Variant[];
  spec(variant: Variant, n: number): object;
}

const LABEL = 'sim';

function tool(namespace: string, name: string): Resource {
  return {
    type: AGENT_TOOL,
    namespace,
    name,
    variants: ['good', 'good', 'good', 'typo', 'unbound'],
    spec: (variant, n) => ({
      protocol: 'HTTP',
      upstream: { url: `https://${name}.example.com` },
      riskTier: (['low', 'high', 'critical'] as const)[n % 3],
      actions: [
        {
          name: 'send',
          effect: 'write',
          match: { method: 'POST', path: '/v1/send' },
          // without them the policies that name them cannot be bound
          ...(variant !== 'unbound' && { parameters: { amount: { in: 'form', type: 'integer' } } }),
        },
      ],
      ...(variant === 'typo' && { action: [] }),
    }),
  };
}

function agent(namespace: string, name: string, tools: readonly string[]): Resource {
  return {
    type: AGENT_REGISTRATION,
    namespace,
    name,
    variants: ['good', 'good', 'typo'],
    spec: (variant, n) => ({
      owner: `team-${n}@example.com`,
      workload: { selector: { matchLabels: { app: name } }, serviceAccountName: name },
      tools: tools.map((toolId) => ({ toolId })),
      delegation: { selfOrigin: true },
      ...(n % 3 === 2 && { suspended: true }),
      ...(variant === 'typo' && { ownr: 'x' }),
    }),
  };
}

function policy(namespace: string, name: string, agents: readonly string[], toolId: string): Resource {
  return {
    type: AGENT_POLICY,
    namespace,
    name,
    variants: ['good', 'good', 'good', 'typo', 'unbound', 'stranger', 'shadow'],
    spec: (variant, n) => ({
      scope: { agents: variant === 'stranger' ? ['nobody'] : [...agents], tools: [toolId] },
      rules: [
        {
          name: 'cap',
          actions: ['send'],
          conditions: { params: { [variant === 'unbound' ? 'nowhere' : 'amount']: { max: 100 + n } } },
        },
      ],
      rollout: { profile: 'immediate', ...(variant === 'shadow' && { targetStage: 'Shadow' }) },
      ...(n % 7 === 6 && { suspend: true }),
      ...(variant === 'typo' && { scop: {} }),
    }),
  };
}

function tenant(name: string, lists: readonly (readonly string[])[]): Resource {
  return {
    type: AGENT_TENANT,
    name,
    variants: ['good', 'good', 'typo'],
    spec: (variant, n) => ({
      namespaces: [...(lists[n % lists.length] ?? [])],
      ...(variant === 'typo' && { namespace: 'x' }),
    }),
  };
}

export const NAMESPACES = [NAMESPACE, 'fintech', 'desk', 'ops'];

export const RESOURCES: readonly Resource[] = [
  tenant('fintech', [['fintech', 'desk'], ['fintech']]),
  tenant('rival', [['desk'], ['desk', 'ops']]),
  tool('fintech', 'pay'),
  tool('ops', 'pay'),
  tool(NAMESPACE, 'mail'),
  agent('fintech', 'buyer', ['pay', 'mail']),
  agent('fintech', 'planner', ['mail']),
  agent('desk', 'trader', ['mail']),
  agent('ops', 'runner', ['pay']),
  policy('fintech', 'caps', ['buyer'], 'pay'),
  policy('fintech', 'mails', ['buyer', 'planner'], 'mail'),
  policy('desk', 'trades', ['trader'], 'mail'),
  policy('ops', 'runs', ['runner'], 'pay'),
];

export function objectOf({ type, namespace, name, spec }: Resource, variant: Variant, n: number): KubeObject {
  return {
    apiVersion: `${type.group}/${type.version}`,
    kind: type.kind,
    metadata: { name, ...(namespace !== undefined && { namespace }), labels: { [LABEL]: variant } },
    spec: spec(variant, n),
  } as KubeObject;
}

export function variantOf({ metadata }: KubeObject): Variant {
  return (metadata.labels?.[LABEL] ?? 'good') as Variant;
}
