/** What the operator says of the registration, and what its calls need: tools, policies, a way out. */
import { type Check, failed, ok, skipped, unknown } from './check.ts';
import { egressYaml, proposeEgress } from './propose-egress.ts';
import {
  conditionOf,
  type Listed,
  type LiveEvent,
  type Policy,
  type Read,
  type Registration,
  type Tool,
} from './snapshot.ts';

/** In the order in which they depend on each other. */
const CONDITIONS = ['Accepted', 'BundlePublished', 'Injected', 'Programmed'];
/** Events that are shown. */
const MAX_EVENTS = 5;

export interface Around {
  policies: Listed<Policy>;
  tools: Listed<Tool>;
  violations: Read<readonly LiveEvent[]>;
}

export function registrationChecks(registration: Registration, around: Around): Check[] {
  return [
    ...conditionChecks(registration),
    ...warned(registration),
    suspended(registration),
    ...toolChecks(registration, around.tools),
    policyCheck(registration, around.policies),
    refusedCalls(registration, around.violations),
    egress(registration),
  ];
}

function describeCommand({ metadata }: Registration): string {
  return `kubectl describe agreg ${metadata.name} -n ${metadata.namespace}`;
}

/** The first that does not hold is the one to look at. */
export function conditionChecks(registration: Registration): Check[] {
  const { metadata, status } = registration;
  if (status?.observedGeneration !== metadata.generation) {
    const why = 'The operator has not looked at this version of the registration: it is not running, or far behind.';
    const next = 'kubectl get pods -A -l app.kubernetes.io/name=aegis-operator';
    return [failed('operator has seen it', 'OperatorBehind', why, next)];
  }
  return [ok('operator has seen it'), ...CONDITIONS.map((type) => conditionCheck(registration, type))];
}

function conditionCheck(registration: Registration, type: string): Check {
  const condition = conditionOf(registration, type);
  if (condition === undefined) return skipped(type, 'this version of the operator does not say');
  const { status, reason, message } = condition;
  if (status === 'False') return failed(type, reason, message, describeCommand(registration));
  if (status !== 'True') return skipped(type, message);
  const { injected = 0, acknowledged = 0, matched = 0 } = registration.status?.pods ?? {};
  if (type === 'Programmed') return ok(type, `${acknowledged} of ${injected} gateways have the newest bundle`);
  return ok(type, type === 'Injected' ? `${injected} of ${matched} pods; ${reason}` : undefined);
}

/** What the operator says beside its conditions: it works, and is probably not meant. */
function warned({ status }: Registration): Check[] {
  return (status?.warnings ?? []).map((warning) => skipped('the operator warns', warning));
}

function suspended({ spec, metadata }: Registration): Check {
  const title = 'not suspended';
  if (spec.suspended !== true) return ok(title);
  const next = `set spec.suspended: false in AgentRegistration ${metadata.name}`;
  return failed(title, 'Suspended', 'The agent is suspended: every call is refused.', next);
}

function toolChecks(registration: Registration, { items, incomplete }: Listed<Tool>): Check[] {
  const title = 'tools exist';
  const wanted = (registration.spec.tools ?? []).map(({ toolId }) => toolId).sort();
  if (wanted.length === 0) return [skipped(title, 'the registration names none: every call of a tool is refused')];
  const known = new Map(items.map((tool) => [tool.spec.toolId ?? tool.metadata.name, tool]));
  const problems = wanted.flatMap((id): Check[] => {
    const tool = known.get(id);
    if (tool === undefined && incomplete !== undefined) return [unknown(`tool ${id}`, incomplete)];
    if (tool === undefined) {
      const why = `There is no AgentTool "${id}": calls of it are refused.`;
      return [failed(`tool ${id}`, 'UnknownTool', why, 'kubectl get agtool -A')];
    }
    const accepted = conditionOf(tool, 'Accepted');
    if (accepted?.status !== 'False') return [];
    const next = `kubectl describe agtool ${tool.metadata.name} -n ${tool.metadata.namespace}`;
    return [failed(`tool ${id}`, accepted.reason, accepted.message, next)];
  });
  return problems.length > 0 ? problems : [ok(title, wanted.join(', '))];
}

/** Which policies speak about the agent's tools, and how far they are. */
function policyCheck(registration: Registration, { items, incomplete }: Listed<Policy>): Check {
  const title = 'policies cover its tools';
  const tools = (registration.spec.tools ?? []).map(({ toolId }) => toolId).sort();
  if (tools.length === 0) return skipped(title, 'there are no tools');
  const agent = registration.spec.agentId ?? registration.metadata.name;
  const about = items.filter(({ spec }) => spec.scope.agents?.includes(agent) ?? true);
  const covers = ({ spec }: Policy, tool: string) => spec.scope.tools?.includes(tool) ?? true;
  const lines = about
    .filter((policy) => tools.some((tool) => covers(policy, tool)))
    .map(policyLine)
    .sort();
  const open = tools.filter((tool) => !about.some((policy) => policy.spec.suspend !== true && covers(policy, tool)));
  if (open.length === 0) return ok(title, undefined, lines);
  if (incomplete !== undefined) return unknown(title, incomplete);
  // the first step of every introduction: to look is what was asked for
  if (registration.spec.unmatched === 'Observe') {
    return {
      ...skipped(title, `none about ${open.join(', ')}: calls pass (unmatched: Observe)`),
      ...(lines.length > 0 && { lines }),
    };
  }
  const why = `No policy speaks about ${open.join(', ')} for agent ${agent}: what no policy allows is refused.`;
  const namespace = registration.metadata.namespace;
  return { ...failed(title, 'NoPolicy', why, `kubectl get agpol -n ${namespace}`), ...(lines.length > 0 && { lines }) };
}

function policyLine({ metadata, spec, status }: Policy): string {
  const stage = spec.suspend === true ? 'suspended' : (status?.rollout?.stage ?? 'not seen by the operator yet');
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  const note = ready?.status === 'False' ? ` (${ready.reason})` : '';
  const shadow = stage === 'Shadow' && status?.rollout?.stableRevision === undefined ? ': enforces nothing yet' : '';
  return `${metadata.namespace}/${metadata.name}: ${stage}${shadow}${note}`;
}

function refusedCalls({ metadata }: Registration, violations: Read<readonly LiveEvent[]>): Check {
  const title = 'refused calls';
  if (!violations.ok) return unknown(title, violations.why);
  const own = violations.value
    .filter(({ regarding }) => regarding?.kind === 'AgentRegistration' && regarding.name === metadata.name)
    .sort((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1));
  if (own.length === 0) return ok(title, 'no recent PolicyViolation');
  const lines = own.slice(0, MAX_EVENTS).map((event) => `${timeOf(event).slice(0, 19)} ${event.note ?? ''}`);
  const count = `${own.length} recent ${own.length === 1 ? 'PolicyViolation' : 'PolicyViolations'}`;
  return { ...skipped(title, count), lines };
}

function timeOf({ eventTime, series, metadata }: LiveEvent): string {
  return series?.lastObservedTime ?? eventTime ?? metadata.creationTimestamp ?? '';
}

function egress({ metadata, spec, status }: Registration): Check {
  const title = 'observed egress';
  const observed = status?.egress?.observed ?? [];
  const allowed = spec.egress?.allow ?? [];
  if (observed.length === 0) return skipped(title, 'nothing that goes to no tool was seen');
  const seen = observed.map(({ destination, port, protocol, connections, refused }) => {
    const times = `${connections} ${connections === 1 ? 'connection' : 'connections'}`;
    return `${destination}:${port}/${protocol}: ${times}, ${refused ? 'refused' : 'passed'}`;
  });
  const { add, unresolved } = proposeEgress(observed, allowed);
  const proposal =
    add.length === 0
      ? []
      : ['', `If the others are wanted, in AgentRegistration ${metadata.name}:`, ...egressYaml(allowed, add)];
  const more = unresolved.length === 0 ? [] : ['', `Need an address (cidr) to be allowed: ${unresolved.join(', ')}`];
  const count = observed.length === 1 ? '1 destination' : `${observed.length} destinations`;
  return ok(title, `${count} beside its tools`, [...seen, ...proposal, ...more]);
}
