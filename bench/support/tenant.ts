/** A synthetic tenant: tools, agents and policies in any number, the same for the same arguments. */
import type { LoadedResource, Resource } from '../../policy/resources/resource.ts';

const API = 'aegis.dev/v1alpha1';
/** The tenant is its namespace. */
export const TENANT = 'bench';

export interface TenantSize {
  policies: number;
  agents: number;
  tools: number;
  actionsPerTool: number;
  /** Policies of agent-0 at most; what is above goes to the others. All are spread evenly when absent. */
  own?: number;
}

/** The call that every size allows in the same way: one amount, one currency, one regular expression. */
export const ALLOWED_CALL = {
  agent: 'agent-0',
  tool: 'tool-0',
  action: 'action-0',
  params: { amount: 4999, currency: 'USD', memo: 'invoice for twelve blue widgets' },
};

function loaded(object: Resource): LoadedResource {
  const location = { file: 'bench.yaml', line: 1, column: 1 };
  return { object, locate: () => location, locateKey: () => location };
}

function tool(index: number, actions: number): LoadedResource {
  return loaded({
    apiVersion: API,
    kind: 'AgentTool',
    metadata: { name: `tool-${index}`, namespace: TENANT },
    spec: {
      protocol: 'HTTP',
      upstream: { url: 'https://api.example.com' },
      riskTier: 'high',
      actions: Array.from({ length: actions }, (_, action) => ({
        name: `action-${action}`,
        effect: 'write',
        match: { method: 'POST', path: `/v1/things/${action}` },
        parameters: {
          amount: { in: 'json', type: 'number', role: 'amount' },
          currency: { in: 'json', type: 'string', role: 'currency' },
          memo: { in: 'json', type: 'string' },
        },
      })),
    },
  });
}

function agent(index: number, tools: number): LoadedResource {
  const name = `agent-${index}`;
  return loaded({
    apiVersion: API,
    kind: 'AgentRegistration',
    metadata: { name, namespace: TENANT },
    spec: {
      owner: 'bench@example.com',
      workload: { selector: { matchLabels: { app: name } }, serviceAccountName: name },
      tools: Array.from({ length: tools }, (_, i) => ({ toolId: `tool-${i}` })),
      unmatched: 'Deny',
    },
  });
}

/** Policy `index`; `cap` is what an edit changes. Policies spread over agents first, then over tools and actions. */
export function policy(index: number, size: TenantSize, cap = 5000): LoadedResource {
  const pair = Math.floor(index / size.agents);
  const turn = index % size.agents;
  const agent = turn === 0 && pair >= (size.own ?? Number.POSITIVE_INFINITY) ? 1 + (pair % (size.agents - 1)) : turn;
  return loaded({
    apiVersion: API,
    kind: 'AgentPolicy',
    metadata: { name: `policy-${index}`, namespace: TENANT },
    spec: {
      scope: { agents: [`agent-${agent}`], tools: [`tool-${pair % size.tools}`] },
      rules: [
        {
          name: 'cap',
          type: 'Permit',
          actions: [`action-${Math.floor(pair / size.tools) % size.actionsPerTool}`],
          conditions: { maxAmount: cap, currency: 'USD', params: { memo: { pattern: '^[a-z ]+$' } } },
          outcome: 'allow',
          failureAction: 'approval_needed',
          riskTier: 'high',
        },
      ],
      change: { author: 'bench@example.com', reason: 'bench' },
    },
  });
}

export function tenantResources(size: TenantSize, cap?: number): LoadedResource[] {
  return [
    ...Array.from({ length: size.tools }, (_, i) => tool(i, size.actionsPerTool)),
    ...Array.from({ length: size.agents }, (_, i) => agent(i, size.tools)),
    ...Array.from({ length: size.policies }, (_, i) => policy(i, size, cap)),
  ];
}
