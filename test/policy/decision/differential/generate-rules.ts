import type {
  Conditions,
  FailureVerdict,
  Limit,
  ParameterConditions,
  Rule,
  Sanitize,
  TimeWindow,
  ToolAction,
} from '../../../../policy/resources/types.generated.ts';
import type { Random } from './random.ts';
import { LISTED, PARAMETERS } from './vocabulary.ts';

/** Without the members that are undefined. */
export function compact<T extends object>(value: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}

const FAILURES: FailureVerdict[] = ['deny', 'approval_needed', 'sanitize'];
const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata'];
const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
export const AGENTS = ['alpha', 'beta', 'gamma'];
/** Named in policies and delegations, but not registered. */
export const STRANGER = 'stranger';

const LISTS_HOSTS = ['url', 'host', 'ip', 'links', 'target'];

function numberTest(random: Random): ParameterConditions {
  return random.pick<() => ParameterConditions>([
    () => ({ max: random.pick(LISTED.max) }),
    () => ({ min: random.pick(LISTED.min) }),
    () => ({ range: { min: random.pick(LISTED.min), max: random.pick([5000, '5000.5', 999999999999999]) } }),
    () => ({ enum: random.some(LISTED.numbers) }),
  ])();
}

function textTest(random: Random, name: string): ParameterConditions {
  if (name === 'path' && random.chance(0.8)) return { pathWithin: random.some(LISTED.paths, 0.3) };
  if (LISTS_HOSTS.includes(name) && random.chance(0.8)) {
    return random.chance(0.5) ? { hosts: random.some(LISTED.hosts, 0.3) } : { cidrs: random.some(LISTED.cidrs, 0.3) };
  }
  return random.pick<() => ParameterConditions>([
    () => ({ enum: random.some(LISTED.words) }),
    () => ({ pattern: random.pick(LISTED.patterns) }),
    () => ({ maxLength: random.pick(LISTED.lengths) }),
  ])();
}

function parameterConditions(random: Random, name: string): ParameterConditions {
  const { type, items = type } = PARAMETERS[name] as { type: string; items?: string };
  const pick = (): ParameterConditions => {
    if (items === 'object') return { required: true };
    if (random.chance(0.12)) return random.chance(0.7) ? { required: true } : { forbidden: true };
    if (items === 'integer' || items === 'number') return numberTest(random);
    if (items === 'boolean') return { enum: random.pick([['true'], ['false'], ['true', 'false']]) };
    return textTest(random, name);
  };
  return random.chance(0.2) ? { ...pick(), ...pick() } : pick();
}

function timeWindow(random: Random): TimeWindow {
  const times = ['00:00', '06:30', '09:00', '12:00', '17:30', '22:00', '24:00'];
  const from = random.pick(times.slice(0, -1));
  const to = random.pick(times.filter((time) => time !== from));
  return compact<TimeWindow>({
    days: random.maybe(0.6, () => random.some(DAYS, 0.4)),
    from,
    to,
    timeZone: random.maybe(0.7, () => random.pick(ZONES)),
  });
}

/** One well-known key that the action can answer, or any that it need not. */
function wellKnown(random: Random, names: readonly string[]): Conditions {
  const has = (role: string): boolean => names.some((name) => PARAMETERS[name]?.role === role);
  const byRole: [string, () => Conditions][] = [
    ['amount', () => ({ maxAmount: random.pick(LISTED.max) })],
    ['currency', () => ({ currency: random.pick(LISTED.currencies) })],
    ['destination', () => ({ dest: random.pick(LISTED.dests) })],
    ['region', () => ({ region: random.pick(LISTED.regions) })],
    ['channel', () => ({ allowedChannels: random.some(LISTED.words) })],
  ];
  const chain = (): Conditions => ({
    chain: random.pick([
      { allowedCallers: random.some([...AGENTS, STRANGER]) },
      { maxDepth: random.below(3) },
      { requireOrigin: random.some([...AGENTS, STRANGER]) },
      { maxDepth: 1, requireOrigin: random.some(AGENTS) },
    ]),
  });
  const windows = (): Conditions => ({
    timeWindows: [timeWindow(random), ...(random.chance(0.3) ? [timeWindow(random)] : [])],
  });
  const always = [() => ({ purpose: random.pick(LISTED.purposes) }), windows, chain];
  return random.pick([...byRole.filter(([role]) => has(role)).map(([, make]) => make), ...always])();
}

/** Conditions on what the action declares. */
function conditions(random: Random, action: ToolAction, onFail: boolean): Conditions {
  const names = Object.keys(action.parameters ?? {});
  const failure = (): FailureVerdict | undefined => random.maybe(onFail ? 0.3 : 0, () => random.pick(FAILURES));
  const result: Conditions = {};
  const params: Record<string, ParameterConditions> = {};
  const own: Record<string, FailureVerdict> = {};
  for (let rest = 1 + random.below(3); rest > 0; rest--) {
    const verdict = failure();
    if (names.length > 0 && random.chance(0.45)) {
      const name = random.pick(names);
      params[name] = { ...parameterConditions(random, name), ...(verdict === undefined ? {} : { onFail: verdict }) };
    } else {
      const added = wellKnown(random, names);
      Object.assign(result, added);
      for (const key of Object.keys(added)) if (verdict !== undefined) own[key] = verdict;
    }
  }
  if (Object.keys(params).length > 0) result.params = params;
  if (Object.keys(own).length > 0) result.onFail = own as NonNullable<Conditions['onFail']>;
  return result;
}

function sanitize(random: Random, action: ToolAction): Sanitize {
  const names = Object.keys(action.parameters ?? {});
  const request = random.some(names, 0.2).flatMap((param): NonNullable<Sanitize['request']> => {
    const type = PARAMETERS[param]?.type;
    if (type === 'string')
      return [
        random.pick([
          { param, op: 'redact' },
          { param, op: 'set', value: 'none' },
        ] as const),
      ];
    if (type === 'integer') return [{ param, op: 'clamp', value: 100 }];
    return [{ param, op: 'drop' }];
  });
  return request.length === 0 ? { response: [{ pointer: '/secret', op: 'mask' }] } : { request };
}

function limit(random: Random, action: ToolAction, name: string): Limit {
  const parameter = random.pick(['amount', 'count']);
  const summed = Object.keys(action.parameters ?? {}).includes(parameter);
  if (!summed || random.chance(0.5)) return { name, rate: { max: 1 + random.below(9), window: '1m' } };
  return { name, per: 'Tool', budget: { parameter, max: '99.50', window: 'day' } };
}

function sanitizes(rule: Rule): boolean {
  const failures = [
    rule.outcome,
    rule.failureAction,
    ...Object.values(rule.conditions?.onFail ?? {}),
    ...Object.values(rule.conditions?.params ?? {}).map(({ onFail }) => onFail),
  ];
  return failures.includes('sanitize');
}

/** One valid rule about `action`, or about every action that declares what the rule needs. */
export function randomRule(random: Random, action: ToolAction, name: string, restrictOnly: boolean): Rule {
  const restrict = restrictOnly || random.chance(0.45);
  const denies = restrict && random.chance(0.3);
  const outcome = denies
    ? 'deny'
    : random.maybe(0.4, () => random.pick(['allow', 'approval_needed', 'sanitize'] as const));
  const rule = compact<Rule>({
    name,
    type: restrict ? 'Restrict' : 'Permit',
    actions: random.chance(0.25) ? ['*'] : [action.name],
    when: random.maybe(denies ? 0.9 : 0.5, () => conditions(random, action, false)),
    conditions: denies ? undefined : random.maybe(0.6, () => conditions(random, action, true)),
    outcome,
    failureAction: denies ? undefined : random.maybe(0.5, () => random.pick(FAILURES)),
    riskTier: random.maybe(0.2, () => random.pick(['low', 'high', 'critical'] as const)),
    overridable: restrict ? random.maybe(0.5, () => true) : undefined,
    limits: random.maybe(0.25, () => [limit(random, action, 'l1')]),
  });
  return sanitizes(rule) ? { ...rule, sanitize: sanitize(random, action) } : rule;
}
