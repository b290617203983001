/** Brings the engines' answers and the reference's into one form, and finds where they differ. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../../policy/bundle/canonical-json.ts';
import { type CompiledTenant, compile } from '../../../../policy/compiler/compile.ts';
import type { Outcome, PolicyResult, Reason } from '../../../../policy/decision/types.ts';
import { NumberLiteral } from '../../../../policy/number-literal.ts';
import type { AgentTenant } from '../../../../policy/resources/types.generated.ts';
import type { Call } from '../reference/conditions.ts';
import { evaluate, type RefOutcome, type Tenant } from '../reference/evaluate.ts';
import { compileInput } from './generate.ts';

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Compiles the tenant; policies that the compiler refuses are taken out for all engines. */
export function compileTenant(tenant: Tenant): { tenant: Tenant; compiled: CompiledTenant; refused: string[] } {
  const { resources, options } = compileInput(tenant);
  const { tenants, rejected, findings } = compile(resources, {
    digest,
    platformNamespace: tenant.platformNamespace,
    ...options,
  });
  if (rejected.length > 0) {
    const policies = tenant.policies.filter(({ id }) => !rejected.includes(id));
    const errors = findings.filter(({ severity }) => severity === 'error').map(({ code }) => code);
    const rest = compileTenant({ ...tenant, policies });
    return { ...rest, refused: [...errors, ...rest.refused] };
  }
  return { tenant, compiled: tenants.find(({ name }) => name === tenant.name) as CompiledTenant, refused: [] };
}

const DAY = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const clocks = new Map<string, Intl.DateTimeFormat>();

/** What the host adds: the local weekday and minute in the zones that the slice names. */
function localClocks(instant: Date, zones: readonly string[]): Record<string, { day: string; minute: number }> {
  const local: Record<string, { day: string; minute: number }> = {};
  for (const timeZone of zones) {
    const fields = { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone } as const;
    const clock = clocks.get(timeZone) ?? new Intl.DateTimeFormat('en-US', fields);
    clocks.set(timeZone, clock);
    const parts = Object.fromEntries(clock.formatToParts(instant).map(({ type, value }) => [type, value]));
    const day = DAY.find((name) => name === parts.weekday) as string;
    local[timeZone] = { day, minute: Number(parts.hour) * 60 + Number(parts.minute) };
  }
  return local;
}

/** The decision input of a call, as the gateway would build it. */
export function toInput(call: Call, compiled: CompiledTenant): Record<string, unknown> {
  const { context: { instant, purpose } = {}, ...rest } = call;
  const bytes = compiled.agents.get(call.agent)?.bytes;
  const zones =
    bytes === undefined ? [] : (JSON.parse(Buffer.from(bytes).toString()) as { timeZones: string[] }).timeZones;
  const time = instant === undefined ? {} : { time: instant.toISOString(), local: localClocks(instant, zones) };
  return { ...rest, context: { ...(purpose === undefined ? {} : { purpose }), ...time } };
}

const sorted = (items: readonly string[]): string[] => [...new Set(items)].sort();
const named = ({ code, policy, rule }: Reason): string => {
  if (policy !== undefined) return `${policy}/${rule}`;
  return code === 'PARAMETER_TYPE' || code === 'UNDECLARED_PARAMETER' ? 'PARAMETER' : code;
};

function ofEngine({ verdict, reasons, obligations }: Outcome): RefOutcome {
  const names = sorted(reasons.map(named));
  return {
    verdict,
    reasons: names.includes('NO_PERMIT') ? ['NO_PERMIT'] : names,
    redact: obligations.redact,
    set: obligations.set,
    limits: obligations.limits.map(({ id, chargeOnly }) => (chargeOnly === true ? `${id}!` : id)),
    approval: obligations.approval,
  };
}

/** Order does not count, and what a denied call would be obliged to does not either. */
function comparable({ verdict, reasons, redact, set, limits, approval }: RefOutcome): string {
  if (verdict === 'deny') return canonicalJson({ verdict, reasons: sorted(reasons) });
  const changes = (items: unknown[]): string[] =>
    items
      .map((item) =>
        Object.entries(item as object)
          .map(([key, value]) => `${key}=${value}`)
          .sort()
          .join(),
      )
      .sort();
  return canonicalJson({
    verdict,
    reasons: sorted(reasons),
    redact: changes(redact),
    set: changes(set),
    limits: [...limits].sort(),
    approval: approval === null ? null : { risk: approval.risk, rules: sorted(approval.rules) },
  });
}

/** One line per difference between the reference and an engine; a candidate that is not listed changes nothing. */
export function differences(tenant: Tenant, call: Call, result: PolicyResult): string[] {
  const reference = evaluate(tenant, call);
  const found: string[] = [];
  const check = (where: string, expected: RefOutcome, actual: Outcome): void => {
    const [left, right] = [comparable(expected), comparable(ofEngine(actual))];
    if (left !== right) found.push(`${where}\n  reference ${left}\n  engine    ${right}`);
  };
  check('enforced', reference.enforced, result.enforced);
  const listed = new Map(result.candidates.map(({ policy, outcome }) => [policy, outcome]));
  for (const [id, expected] of reference.candidates)
    check(`candidate ${id}`, expected, listed.get(id) ?? result.enforced);
  for (const id of listed.keys()) if (!reference.candidates.has(id)) found.push(`candidate ${id} is not expected`);
  return found;
}

export function describe(tenant: Tenant, call: Call): string {
  const policies = tenant.policies.map(({ id, stable, candidate }) => ({ id, stable: stable?.spec, candidate }));
  const registrations = [...tenant.registrations.values()].map(({ metadata, spec }) => ({
    ...spec,
    name: metadata.name,
  }));
  const tools = [...tenant.tools.values()].map(({ metadata, spec }) => ({
    name: metadata.name,
    actions: spec.actions,
  }));
  return JSON.stringify({ policies, registrations, tools, tenant: tenant.resource?.spec, call }, null, 1);
}

/** Drops whatever does not take part in the difference: policies, rules, conditions, parameters, chain, cohort. */
export function minimise(tenant: Tenant, call: Call, differs: (tenant: Tenant, call: Call) => boolean): [Tenant, Call] {
  let current: [Tenant, Call] = [tenant, call];
  const still = (next: [Tenant, Call]): boolean => {
    try {
      return differs(...next);
    } catch {
      return false; // no longer a valid policy
    }
  };
  for (let changed = true; changed; ) {
    changed = false;
    for (const next of smaller(...current)) {
      if (!still(next)) continue;
      current = next;
      changed = true;
      break;
    }
  }
  return current;
}

function* smaller(tenant: Tenant, call: Call): Generator<[Tenant, Call]> {
  for (const path of paths(tenant.policies, 9)) yield [{ ...tenant, policies: without(tenant.policies, path) }, call];
  for (const path of paths(call, 4)) yield [tenant, without(call, path)];
  for (const [name, registration] of tenant.registrations) {
    for (const path of paths(registration.spec, 3)) {
      const spec = without(registration.spec, path);
      yield [{ ...tenant, registrations: new Map([...tenant.registrations, [name, { ...registration, spec }]]) }, call];
    }
  }
  if (Object.keys(tenant.resource?.spec ?? {}).length > 0)
    yield [{ ...tenant, resource: { ...(tenant.resource as AgentTenant), spec: {} } }, call];
}

const KEPT = new Set([
  ...['id', 'metadata', 'name', 'kind', 'apiVersion', 'scope', 'spec', 'owner', 'workload', 'policy', 'stage', 'rules'],
  ...['agent', 'tool', 'action', 'actions', 'params'],
]);
/** Not looked into: what remains would not be valid. */
const WHOLE = new Set(['metadata', 'scope', 'actions', 'sanitize', 'range', 'limits', 'instant']);

function paths(value: unknown, depth: number): (string | number)[][] {
  if (typeof value !== 'object' || value === null || value instanceof NumberLiteral || depth === 0) return [];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return keys.flatMap((key) => {
    const inside = WHOLE.has(String(key)) ? [] : paths((value as Record<string | number, unknown>)[key], depth - 1);
    const below = inside.map((path) => [key, ...path]);
    return KEPT.has(String(key)) ? below : [[key], ...below];
  });
}

function without<T>(value: T, [key, ...rest]: (string | number)[]): T {
  if (Array.isArray(value)) {
    const items =
      rest.length === 0 ? value.filter((_, i) => i !== key) : value.map((v, i) => (i === key ? without(v, rest) : v));
    return items as T;
  }
  const entries = Object.entries(value as object).flatMap(([name, member]) =>
    name !== key ? [[name, member]] : rest.length === 0 ? [] : [[name, without(member, rest)]],
  );
  return Object.fromEntries(entries) as T;
}
