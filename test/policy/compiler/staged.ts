/** Three agents with one tool, and versions of one policy that differ in how much may be paid at once. */
import { toHex } from '../../../policy/bundle/encoding.ts';
import type { CompileOptions } from '../../../policy/compiler/compile-options.ts';
import type { LoadedResource } from '../../../policy/resources/resource.ts';
import type { AgentPolicy } from '../../../policy/resources/types.generated.ts';
import { loadYaml } from '../../../policy/source/load-yaml.ts';
import { applyDefaults } from '../../../policy/validation/apply-defaults.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';

const encoder = new TextEncoder();

export const OPTIONS: CompileOptions = { digest: (text) => toHex(nodeCrypto.sha256(encoder.encode(text))) };

export function load(text: string): LoadedResource[] {
  const { resources, findings } = loadYaml(text, 'staged.yaml');
  if (findings.length > 0) throw new Error(findings[0]?.message);
  return resources.map((resource) => ({ ...resource, object: applyDefaults(resource.object) }));
}

const header = (kind: string, name: string, namespace = 'shop'): string =>
  `apiVersion: aegis.dev/v1alpha1\nkind: ${kind}\nmetadata: {name: ${name}, namespace: ${namespace}}\nspec:\n`;

export const AGENTS = ['one', 'two', 'three'];

export function toolText(parameters = ''): string {
  return `${header('AgentTool', 'pay')}  protocol: HTTP
  upstream: {url: "https://pay.test"}
  actions:
  - name: create
    effect: write
    match: {method: POST, path: /pay}
    parameters:
      amount: {in: json, type: integer, role: amount}
${parameters}`;
}

export function agentText(name: string): string {
  return `${header('AgentRegistration', name)}  owner: x@example.com
  workload: {selector: {matchLabels: {app: ${name}}}, serviceAccountName: ${name}}
  tools: [{toolId: pay}]
  delegation: {selfOrigin: true}
`;
}

export function policyText(max: number, more = '', name = 'caps'): string {
  return `${header('AgentPolicy', name)}  scope: {tools: [pay]}
  rules: [{name: cap, actions: [create], conditions: {maxAmount: ${max}}}]
${more}`;
}

export function policyOf(text: string): LoadedResource<AgentPolicy> {
  return load(text)[0] as LoadedResource<AgentPolicy>;
}

/** All but the policies. */
export function surroundings(tool = toolText()): LoadedResource[] {
  return load([tool, ...AGENTS.map(agentText)].join('---\n'));
}
