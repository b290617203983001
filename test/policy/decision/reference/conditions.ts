/** Conditions of a rule on one call, in three values; see docs/decisions/0003-rule-semantics.md. */
import { RE2JS } from 're2js';
import type {
  AgentRegistration,
  Conditions,
  FailureVerdict,
  ParameterConditions,
  TimeWindow,
  ToolAction,
  ToolParameter,
} from '../../../../policy/resources/types.generated.ts';
import { cidrTruth, compareNumbers, hostTruth, pathTruth, type Truth, truth, typeOf } from './values.ts';

export interface Call {
  tenant?: unknown;
  agent: string;
  tool: string;
  action: string;
  params: unknown;
  /** `instant` is the time of the call; the host turns it into local clocks. */
  context?: { purpose?: unknown; instant?: Date };
  chain?: unknown;
  cohort?: Record<string, boolean>;
}

export interface CallSite {
  call: Call;
  action: ToolAction;
  registration: AgentRegistration;
}

/** A condition with its truth for the call, and what it says about failing by itself. */
export interface Judged {
  truth: Truth;
  onFail?: FailureVerdict | undefined;
}

export const ROLES = {
  maxAmount: 'amount',
  currency: 'currency',
  dest: 'destination',
  region: 'region',
  allowedChannels: 'channel',
} as const;

type RoleKey = keyof typeof ROLES;

export function judge(conditions: Conditions | undefined, site: CallSite): Judged[] {
  if (conditions === undefined) return [];
  const judged = (Object.keys(ROLES) as RoleKey[]).flatMap((key) => judgeRole(key, conditions, site));
  for (const [name, tests] of Object.entries(conditions.params ?? {})) {
    const parameter = site.action.parameters?.[name];
    for (const one of singleTests(tests)) {
      judged.push({ truth: namedTruth(site, name, parameter, one), onFail: tests.onFail });
    }
  }
  if (conditions.purpose !== undefined) {
    judged.push({ truth: purposeTruth(conditions.purpose, site), onFail: conditions.onFail?.purpose });
  }
  if (conditions.timeWindows !== undefined) {
    judged.push({ truth: timeTruth(conditions.timeWindows, site), onFail: conditions.onFail?.timeWindows });
  }
  return [...judged, ...judgeChain(conditions, site)];
}

/** Every parameter of the role must pass; without one nothing can be decided. */
function judgeRole(key: RoleKey, conditions: Conditions, site: CallSite): Judged[] {
  const wanted = conditions[key];
  if (wanted === undefined) return [];
  const onFail = conditions.onFail?.[key];
  const bound = Object.entries(site.action.parameters ?? {}).filter(([, { role }]) => role === ROLES[key]);
  if (bound.length === 0) return [{ truth: 'unknown', onFail }];
  return bound.map(([name, parameter]) => {
    const test = (value: unknown): Truth => roleTruth(key, wanted, value, parameter);
    return { truth: parameterTruth(site, name, parameter, test), onFail };
  });
}

function judgeChain(conditions: Conditions, site: CallSite): Judged[] {
  const judged: Judged[] = [];
  const callers = ((site.call.chain as string[] | undefined) ?? [site.call.agent]).slice(0, -1);
  const { allowedCallers, maxDepth, requireOrigin } = conditions.chain ?? {};
  const onFail = conditions.onFail?.chain;
  if (allowedCallers !== undefined) {
    judged.push({ truth: truth(callers.every((caller) => allowedCallers.includes(caller))), onFail });
  }
  if (maxDepth !== undefined) judged.push({ truth: truth(callers.length <= maxDepth), onFail });
  if (requireOrigin !== undefined) {
    judged.push({ truth: truth(requireOrigin.includes(callers[0] ?? site.call.agent)), onFail });
  }
  return judged;
}

/** One object per key; a range is a smallest and a largest value. */
function singleTests(tests: ParameterConditions): ParameterConditions[] {
  const { onFail: _, range, ...rest } = tests;
  const single = Object.entries(rest).map(([key, value]) => ({ [key]: value }) as ParameterConditions);
  return range === undefined ? single : [...single, { min: range.min }, { max: range.max }];
}

/** A parameter that the contract does not name can only stand in a policy of the platform. */
function namedTruth(
  site: CallSite,
  name: string,
  parameter: ToolParameter | undefined,
  test: ParameterConditions,
): Truth {
  if (parameter === undefined) return 'unknown';
  const present = Object.hasOwn(site.call.params as object, name);
  if (test.required !== undefined) return truth(present || !test.required);
  if (test.forbidden !== undefined) return truth(!present || !test.forbidden);
  return parameterTruth(site, name, parameter, (value) => valueTruth(test, value, parameter));
}

/** On an array every element must pass; it is refuted only where each one is decidable and none passes. */
function parameterTruth(
  site: CallSite,
  name: string,
  { type, role, items = 'string' }: ToolParameter,
  test: (value: unknown) => Truth,
): Truth {
  const params = site.call.params as Record<string, unknown>;
  if (!Object.hasOwn(params, name)) return 'unknown';
  const value = params[name];
  if (type !== 'array' || role === 'amount') return test(value);
  if (!Array.isArray(value)) return 'unknown';
  const wanted = items === 'integer' ? 'number' : items;
  const elements = value.map((element) => (typeOf(element) === wanted ? test(element) : 'unknown'));
  if (elements.every((element) => element === 'yes')) return 'yes';
  return elements.every((element) => element === 'no') ? 'no' : 'unknown';
}

function roleTruth(key: RoleKey, wanted: unknown, value: unknown, { format }: ToolParameter): Truth {
  if (key === 'maxAmount') {
    if (typeOf(value) !== 'number' || compareNumbers(value, 0) < 0) return 'unknown';
    return truth(compareNumbers(value, wanted) <= 0);
  }
  if (typeof value !== 'string') return 'unknown';
  if (key === 'dest') return hostTruth(value, [wanted as string], format === 'uri');
  return truth((Array.isArray(wanted) ? wanted : [wanted]).includes(value));
}

function valueTruth(test: ParameterConditions, value: unknown, { format }: ToolParameter): Truth {
  const uri = format === 'uri';
  const type = typeOf(value);
  if (test.enum !== undefined) {
    if (type === 'number') return truth(test.enum.some((one) => compareNumbers(one, value) === 0));
    return type === 'string' || type === 'boolean' ? truth(test.enum.map(String).includes(String(value))) : 'unknown';
  }
  if (type === 'number') {
    if (test.max !== undefined) return truth(compareNumbers(value, test.max) <= 0);
    if (test.min !== undefined) return truth(compareNumbers(value, test.min) >= 0);
  }
  if (typeof value !== 'string') return 'unknown';
  if (test.pattern !== undefined && [...value].length > 10_000) return 'unknown';
  if (test.pattern !== undefined) return truth(RE2JS.compile(test.pattern).matcher(value).find());
  if (test.maxLength !== undefined) return truth([...value].length <= test.maxLength);
  if (test.pathWithin !== undefined) return pathTruth(value, test.pathWithin);
  if (test.hosts !== undefined) return hostTruth(value, test.hosts, uri);
  return test.cidrs === undefined ? 'unknown' : cidrTruth(value, test.cidrs, uri);
}

function purposeTruth(wanted: string, { call, registration }: CallSite): Truth {
  const registered = registration.spec.purpose ?? [];
  const named = call.context?.purpose;
  const purposes = named === undefined ? registered : registered.filter((purpose) => purpose === named);
  if (purposes.length === 0) return 'unknown';
  if (purposes.every((purpose) => purpose === wanted)) return 'yes';
  return purposes.length === 1 ? 'no' : 'unknown';
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;

function timeTruth(windows: readonly TimeWindow[], { call }: CallSite): Truth {
  const instant = call.context?.instant;
  return instant === undefined ? 'unknown' : truth(windows.some((window) => inWindow(window, instant)));
}

/** The local wall clock as a UTC date, so that the window can be laid out from each of the last two midnights. */
function inWindow({ days, from, to, timeZone }: TimeWindow, instant: Date): boolean {
  const wall = new Date(`${instant.toLocaleString('sv-SE', { timeZone: timeZone ?? 'UTC' }).replace(' ', 'T')}Z`);
  const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3));
  const length = (minutes(to) - minutes(from) + 1440) % 1440 || 1440;
  return [0, 1].some((back) => {
    const midnight = Date.UTC(wall.getUTCFullYear(), wall.getUTCMonth(), wall.getUTCDate() - back);
    const day = DAYS[new Date(midnight).getUTCDay()] as (typeof DAYS)[number];
    const start = midnight + minutes(from) * 60_000;
    return (days ?? DAYS).includes(day) && wall.getTime() >= start && wall.getTime() < start + length * 60_000;
  });
}
