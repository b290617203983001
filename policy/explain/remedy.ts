/** What the call has, and what would have to change, for a condition that does not hold. */

import type { Condition, ValueCondition } from '../compiler/slice.ts';
import { compareDecimal, type DecimalLike } from '../decimal.ts';
import { stringifyExact } from '../decision/stringify.ts';
import type { DecisionInput } from '../decision/types.ts';
import { hostOf } from './canonical-text.ts';
import { valueFits } from './condition-state.ts';
import type { Remedy } from './explanation.ts';
import { own } from './own.ts';

export interface RemedyContext {
  /** The call, where whoever asks has handed it in. */
  input?: DecisionInput;
  /** Parameters whose values are never shown. */
  sensitive: ReadonlySet<string>;
  /** Purposes that the agent is registered for. */
  purposes: readonly string[];
  /** `spec.rules[0].conditions.maxAmount` */
  field: string;
}

const LONGEST = 80;

export function remedyOf(condition: Condition, context: RemedyContext): Remedy {
  switch (condition.k) {
    case 'never':
      return { change: "give the tool's contract what the condition needs, or narrow the rule's actions" };
    case 'required':
      return { given: `${condition.p} is missing`, call: `send ${condition.p}`, change: `remove ${context.field}` };
    case 'forbidden':
      return { given: `${condition.p} is given`, call: `leave ${condition.p} out`, change: `remove ${context.field}` };
    case 'each':
      return elementRemedy(condition, context);
    case 'purpose':
      return purposeRemedy(Object.keys(condition.v), context);
    case 'time':
      return timeRemedy(condition, context);
    case 'callers':
    case 'depth':
    case 'origin':
      return chainRemedy(condition, context);
    default:
      return parameterRemedy(condition, own(context.input?.params, condition.p), context);
  }
}

function parameterRemedy(c: ValueCondition, value: unknown, context: RemedyContext): Remedy {
  const { input, sensitive } = context;
  const call = `send ${wanted(c)}`;
  if (input === undefined) return { call, change: widened(c, undefined, context) };
  if (value === undefined || value === null) {
    return { given: `${c.p} is missing, and what is unknown does not fulfil a condition`, call };
  }
  if (sensitive.has(c.p)) {
    return { given: `${c.p} is sensitive, so its value is not shown`, call, change: widened(c, undefined, context) };
  }
  const given =
    c.k === 'length' ? `${c.p} is ${[...String(value)].length} characters long` : `${c.p} is ${shown(value)}`;
  return { given, call, change: widened(c, value, context) };
}

function elementRemedy({ p, c }: Extract<Condition, { k: 'each' }>, context: RemedyContext): Remedy {
  const values = own(context.input?.params, p);
  const call = `send only elements of ${wanted(c)}`;
  if (!Array.isArray(values)) return { ...(context.input && { given: `${p} is missing or no list` }), call };
  const failed = values.findIndex((value) => !valueFits(c, value));
  const value = context.sensitive.has(p) ? undefined : values[failed];
  const given = `element ${failed + 1} of ${p} is ${value === undefined ? 'refused (sensitive, not shown)' : shown(value)}`;
  return { given, call, change: widened(c, value, context) };
}

/** What passes, e.g. `amount of at most 5000`. */
function wanted(c: ValueCondition): string {
  switch (c.k) {
    case 'amount':
      return `${c.p} from 0 to ${c.v}`;
    case 'max':
      return `${c.p} of at most ${c.v}`;
    case 'min':
      return `${c.p} of at least ${c.v}`;
    case 'in':
      return `${c.p}: ${listed(Object.keys(c.v))}`;
    case 'one':
      return `${c.p}: ${listed(c.v.map(String))}`;
    case 'pattern':
      return `${c.p} matching ${c.v}`;
    case 'length':
      return `${c.p} of at most ${c.v} characters`;
    case 'path':
      return `${c.p} within ${listed(c.v.map(({ rooted, segments }) => (rooted ? '/' : '') + segments.join('/')))}`;
    case 'host':
      return `${c.p} with the host ${listed([...Object.keys(c.names), ...c.suffixes.map((suffix) => `*${suffix}`)])}`;
    case 'cidr':
      return `${c.p} with an address in ${listed(c.v)}`;
  }
}

function widened(c: ValueCondition, value: unknown, { field }: RemedyContext): string {
  const known = value !== undefined;
  switch (c.k) {
    case 'amount':
      if (known && compareDecimal(value as DecimalLike, 0) < 0) return 'none: an amount is never negative';
      return known ? `set ${field} to ${shown(value)} or more` : `raise ${field}`;
    case 'max':
      return known ? `set ${field} to ${shown(value)} or more` : `raise ${field}`;
    case 'min':
      return known ? `set ${field} to ${shown(value)} or less` : `lower ${field}`;
    case 'length':
      return known ? `set ${field} to ${[...String(value)].length} or more` : `raise ${field}`;
    case 'host': {
      const host = known ? hostOf(value, c.uri) : undefined;
      return host === undefined ? `add the host to ${field}` : `add ${host} to ${field}`;
    }
    case 'in':
    case 'one':
      return known ? `accept ${shown(value)} in ${field}` : `accept the value in ${field}`;
    default:
      return `widen ${field}`;
  }
}

function purposeRemedy(purposes: readonly string[], { input, purposes: registered }: RemedyContext): Remedy {
  const wantedText = listed(purposes);
  const named = input?.context?.purpose;
  const has = registered.length === 0 ? 'no purpose' : registered.join(', ');
  if (named !== undefined) {
    const known = registered.includes(named) ? '' : `, which the agent is not registered for (${has})`;
    return { given: `the call names the purpose ${named}${known}`, call: `name the purpose ${wantedText}` };
  }
  const given = `the call names no purpose, and the agent is registered for ${has}`;
  const able = purposes.some((purpose) => registered.includes(purpose));
  if (able) return { given, call: `name the purpose ${wantedText} in context.purpose` };
  return { given, change: `add ${wantedText} to spec.purpose of the AgentRegistration` };
}

function timeRemedy({ v }: Extract<Condition, { k: 'time' }>, { input, field }: RemedyContext): Remedy {
  const windows = v.map(({ tz, days, from, to }) => {
    const names = Object.keys(days);
    const when = names.length === 7 ? 'daily' : DAYS.filter((day) => names.includes(day)).join(' ');
    return `${when} ${clock(from)}-${clock(to)} ${tz}`;
  });
  const zone = v[0]?.tz;
  const now = zone === undefined ? undefined : own(input?.context?.local, zone);
  return {
    ...(now && { given: `the call is made on ${now.day} at ${clock(now.minute)} ${zone}` }),
    call: `call again within: ${windows.join(', ')}`,
    change: `widen ${field}`,
  };
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;
}

function chainRemedy(c: Extract<Condition, { k: 'callers' | 'depth' | 'origin' }>, context: RemedyContext): Remedy {
  const { input, field } = context;
  const chain = input?.chain ?? (input === undefined ? [] : [input.agent]);
  const callers = chain.slice(0, -1);
  if (c.k === 'depth') {
    return {
      ...(input && { given: `the chain has ${callers.length} callers: ${callers.join(' > ')}` }),
      call: `call through at most ${c.v} agents`,
      change: input ? `set ${field} to ${callers.length} or more` : `raise ${field}`,
    };
  }
  const allowed = listed(Object.keys(c.v));
  if (c.k === 'origin') {
    const origin = chain[0];
    return {
      ...(origin !== undefined && { given: `the chain starts with ${origin}` }),
      call: `start the chain with ${allowed}`,
      change: origin === undefined ? `widen ${field}` : `add ${origin} to ${field}`,
    };
  }
  const other = callers.find((caller) => !Object.hasOwn(c.v, caller));
  return {
    ...(other !== undefined && { given: `${other} is among the callers` }),
    call: `let only ${allowed} call`,
    change: other === undefined ? `widen ${field}` : `add ${other} to ${field}`,
  };
}

function listed(values: readonly string[]): string {
  const first = values.slice(0, 6).join(', ');
  const text = values.length > 6 ? `${first} … (${values.length})` : first;
  return values.length > 1 ? `one of ${text}` : text;
}

function shown(value: unknown): string {
  const text = stringifyExact(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}
