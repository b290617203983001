/** Seeded tenants: tools, registrations, policies with every kind of rule, and candidates in every stage. */
import type { Stage } from '../../../../policy/compiler/agent-slice.ts';
import type { LoadedResource, Resource } from '../../../../policy/resources/resource.ts';
import type {
  AgentPolicy,
  AgentRegistration,
  AgentTenant,
  AgentTool,
  Rule,
  Scope,
  ToolAction,
} from '../../../../policy/resources/types.generated.ts';
import type { PolicyWithState, Tenant } from '../reference/evaluate.ts';
import { AGENTS, compact, randomRule, STRANGER } from './generate-rules.ts';
import type { Random } from './random.ts';
import { PARAMETERS } from './vocabulary.ts';

export const TENANT = 'acme';
export const PLATFORM = 'aegis-system';
const apiVersion = 'aegis.dev/v1alpha1';

export function loaded<T extends Resource>(object: T): LoadedResource<T> {
  const place = { file: `${object.metadata.name}.yaml`, line: 1, column: 1 };
  return { object, locate: () => place, locateKey: () => place };
}

function randomTool(random: Random, toolId: string): AgentTool {
  const actions = ['read', 'write', 'send'].slice(0, 1 + random.below(3)).map((name): ToolAction => {
    const effect = name === 'read' ? 'read' : 'write';
    const chosen = random.some(Object.keys(PARAMETERS), 0.35);
    return compact<ToolAction>({
      name: random.chance(0.2) ? name : `${toolId}.${name}`,
      match: { method: 'POST', path: `/${name}` },
      effect,
      riskTier: random.maybe(0.3, () => random.pick(['low', 'high', 'critical'] as const)),
      parameters: Object.fromEntries(chosen.map((key) => [key, PARAMETERS[key]])) as NonNullable<
        ToolAction['parameters']
      >,
      undeclared: random.maybe(0.3, () => random.pick(['Refuse', 'Allow'] as const)),
    });
  });
  const riskTier = random.maybe(0.5, () => random.pick(['low', 'medium', 'high'] as const));
  const upstream = { url: `https://${toolId}.test` };
  return {
    apiVersion,
    kind: 'AgentTool',
    metadata: { name: toolId, namespace: TENANT },
    spec: { protocol: 'HTTP', upstream, actions, ...(riskTier === undefined ? {} : { riskTier }) },
  };
}

function randomRegistration(random: Random, name: string, tools: readonly AgentTool[]): AgentRegistration {
  const grants = random.some(tools, 0.8).map(({ metadata, spec }) => {
    const actions = random.maybe(0.15, () => random.some((spec.actions ?? []).map((action) => action.name)));
    return { toolId: metadata.name, ...(actions === undefined ? {} : { actions }) };
  });
  const others = [...AGENTS.filter((agent) => agent !== name), STRANGER];
  const delegation = {
    ...(random.chance(0.7) ? { acceptsFrom: random.some(others) } : {}),
    ...(random.chance(0.6) ? { selfOrigin: random.chance(0.8) } : {}),
    ...(random.chance(0.4) ? { maxDepth: random.below(3) } : {}),
  };
  return {
    apiVersion,
    kind: 'AgentRegistration',
    metadata: { name, namespace: TENANT },
    spec: compact<AgentRegistration['spec']>({
      owner: 'x@example.com',
      workload: { selector: { matchLabels: { app: name } }, serviceAccountName: name },
      tools: grants,
      purpose: random.maybe(0.7, () => random.some(['care', 'billing', 'audit'], 0.4)),
      delegation: random.maybe(0.75, () => delegation),
      unmatched: random.maybe(0.3, () => 'Observe' as const),
      budget: random.maybe(0.15, () => ({ limits: [{ name: 'daily', rate: { max: 5, window: '24h' } }] })),
      suspended: random.maybe(0.05, () => true),
    }),
  };
}

function randomScope(random: Random, tool: AgentTool, tools: readonly AgentTool[]): Scope {
  const toolIds = [
    ...new Set([
      tool.metadata.name,
      ...random.some(
        tools.map(({ metadata }) => metadata.name),
        0.4,
      ),
    ]),
  ];
  return random.pick<() => Scope>([
    () => ({ tenantWide: true }),
    () => ({ agents: random.some(AGENTS, 0.6) }),
    () => ({ tools: toolIds }),
    () => ({ agents: random.some(AGENTS, 0.6), tools: [tool.metadata.name] }),
    () => ({ agents: random.some(AGENTS, 0.6), tools: toolIds }),
  ])();
}

function randomPolicy(random: Random, id: string, tools: readonly AgentTool[]): AgentPolicy {
  const [namespace, name] = id.split('/') as [string, string];
  const tool = random.pick(tools);
  const rules: Rule[] = [];
  for (let rest = 1 + random.below(4); rest > 0; rest--) {
    const action = random.pick(tool.spec.actions ?? []);
    rules.push(randomRule(random, action, `r${rules.length}`, namespace === PLATFORM));
  }
  return {
    apiVersion,
    kind: 'AgentPolicy',
    metadata: { name, namespace },
    spec: { scope: randomScope(random, tool, tools), rules },
  };
}

function grantAll(): AgentPolicy {
  const metadata = { name: 'base', namespace: TENANT };
  return {
    apiVersion,
    kind: 'AgentPolicy',
    metadata,
    spec: { scope: { tenantWide: true }, rules: [{ name: 'all', actions: ['*'] }] },
  };
}

/** Lets some Permits name Restricts; which of these are valid is for the engines to say. */
function addOverrides(random: Random, policies: readonly AgentPolicy[]): void {
  const named = policies.flatMap(({ metadata, spec }) =>
    spec.rules
      .filter((rule) => rule.type === 'Restrict' && rule.overridable === true)
      .map((rule) => `${metadata.namespace}/${metadata.name}/${rule.name}`),
  );
  for (const { metadata, spec } of policies) {
    const others = named.filter((reference) => !reference.startsWith(`${metadata.namespace}/${metadata.name}/`));
    for (const rule of spec.rules) {
      if (rule.type !== 'Restrict' && others.length > 0 && random.chance(0.3))
        rule.overrides = random.some(others, 0.4);
    }
  }
}

export function randomTenant(random: Random): Tenant {
  const tools = ['pay', 'files', 'web'].slice(0, 1 + random.below(3)).map((id) => randomTool(random, id));
  const registrations = AGENTS.map((name) => randomRegistration(random, name, tools));
  const policies: PolicyWithState[] = [];
  const ids = ['a', 'b', 'c', 'd', 'e'].slice(0, 1 + random.below(5)).map((name) => `${TENANT}/${name}`);
  if (random.chance(0.35)) ids.push(`${PLATFORM}/guard`);
  for (const id of ids) {
    const kind = random.below(10);
    policies.push(
      compact<PolicyWithState>({
        id,
        stable: kind < 9 ? randomPolicy(random, id, tools) : undefined,
        candidate:
          kind < 6
            ? undefined
            : {
                policy: randomPolicy(random, id, tools),
                stage: random.pick(['shadow', 'partial', 'enforce'] as const),
              },
      }),
    );
  }
  if (random.chance(0.6)) policies.push({ id: `${TENANT}/base`, stable: grantAll() });
  addOverrides(random, policies.flatMap(revisionsOf));
  const resource = random.maybe(0.3, () => randomTenantResource(random));
  const pairs = AGENTS.flatMap((agent) => tools.map(({ metadata }) => `${agent}/${metadata.name}`));
  return compact<Tenant>({
    name: TENANT,
    platformNamespace: PLATFORM,
    resource,
    tools: new Map(tools.map((tool) => [tool.metadata.name, tool])),
    registrations: new Map(registrations.map((registration) => [registration.metadata.name, registration])),
    policies,
    everEnforced: new Set(random.some(pairs, 0.2).filter(() => random.chance(0.5))),
  });
}

function randomTenantResource(random: Random): AgentTenant {
  const limits = [{ name: 'all', rate: { max: 1000, window: '1h' } }];
  const spec = compact<AgentTenant['spec']>({
    budget: random.maybe(0.4, () => ({ limits })),
    defaults: random.maybe(0.5, () => ({ maxDepth: random.below(3) })),
  });
  return { apiVersion, kind: 'AgentTenant', metadata: { name: TENANT }, spec };
}

export function revisionsOf({ stable, candidate }: PolicyWithState): AgentPolicy[] {
  return [stable, candidate?.policy].filter((policy) => policy !== undefined);
}

/** What the compiler is given: resources, and which revisions of each policy take part. */
export function compileInput(tenant: Tenant) {
  const own = new Map(tenant.policies.map((policy) => [policy.id, policy]));
  const newest = tenant.policies.flatMap((policy) => revisionsOf(policy).slice(-1));
  const others = [
    ...tenant.tools.values(),
    ...tenant.registrations.values(),
    ...(tenant.resource ? [tenant.resource] : []),
  ];
  const handles = new Map<AgentPolicy, LoadedResource<AgentPolicy>>();
  const handle = (policy: AgentPolicy): LoadedResource<AgentPolicy> => {
    const known = handles.get(policy) ?? loaded(policy);
    handles.set(policy, known);
    return known;
  };
  return {
    resources: [...others.map(loaded), ...newest.map(handle)] as LoadedResource[],
    options: {
      stateOf: ({ object }: LoadedResource<AgentPolicy>) => {
        const { stable, candidate } = own.get(
          `${object.metadata.namespace}/${object.metadata.name}`,
        ) as PolicyWithState;
        return {
          ...(stable === undefined ? {} : { stable: handle(stable) }),
          ...(candidate === undefined
            ? {}
            : { candidate: { policy: handle(candidate.policy), stage: candidate.stage as Stage } }),
        };
      },
      everEnforced: (_: string, agent: string, tool: string) => tenant.everEnforced.has(`${agent}/${tool}`),
    },
  };
}
