import type { ResourceType } from '../kube/types.ts';

function aegis(kind: string, plural: string, namespaced: boolean): ResourceType {
  return { group: 'aegis.dev', version: 'v1alpha1', plural, kind, namespaced };
}

export const AGENT_POLICY = aegis('AgentPolicy', 'agentpolicies', true);
export const AGENT_REGISTRATION = aegis('AgentRegistration', 'agentregistrations', true);
export const AGENT_TOOL = aegis('AgentTool', 'agenttools', true);
export const AGENT_TENANT = aegis('AgentTenant', 'agenttenants', false);

function core(kind: string, plural: string, namespaced = true): ResourceType {
  return { group: '', version: 'v1', plural, kind, namespaced };
}

export const NAMESPACE = core('Namespace', 'namespaces', false);
export const CONFIG_MAP = core('ConfigMap', 'configmaps');
export const SECRET = core('Secret', 'secrets');
export const POD = core('Pod', 'pods');
