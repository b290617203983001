/** Finds conditions that no call can meet together: a small finite-domain check per parameter. */
import { compareDecimal } from '../../decimal.ts';
import { matchesPattern } from '../../regex/match-pattern.ts';
import type { Amount, Condition, ConditionTest, NameSet } from '../slice.ts';

export interface Contradiction {
  /** What cannot be met, e.g. `amount` or `the purpose`. */
  subject: string;
  message: string;
}

interface Domain {
  low?: Amount;
  high?: Amount;
  names?: Set<string>;
  listed?: Set<string>;
  maxLength?: number;
  patterns: string[];
  forbidden: boolean;
  /** Some test needs a value. */
  needed: boolean;
}

/** The first parameter (or the purpose) for which no value satisfies all the conditions, if there is one. */
export function findContradiction(conditions: readonly ConditionTest[]): Contradiction | undefined {
  const domains = new Map<string, Domain>();
  let purposes: Set<string> | undefined;
  for (const condition of conditions) {
    if (condition.k === 'purpose') purposes = intersect(purposes, Object.keys(condition.v));
    else if ('p' in condition) narrow(domainOf(domains, condition.p), condition);
  }
  if (purposes?.size === 0) return { subject: 'the purpose', message: 'Different purposes are required at once.' };
  for (const [subject, domain] of domains) {
    const why = emptiness(domain);
    if (why !== undefined) return { subject, message: `No value of "${subject}" can hold: ${why}.` };
  }
  return undefined;
}

function domainOf(domains: Map<string, Domain>, name: string): Domain {
  let domain = domains.get(name);
  if (domain === undefined) {
    domain = { patterns: [], forbidden: false, needed: false };
    domains.set(name, domain);
  }
  return domain;
}

function narrow(domain: Domain, test: Extract<ConditionTest, { p: string }>): void {
  if (test.k === 'forbidden') {
    domain.forbidden = true;
    return;
  }
  // an empty list satisfies any test of its elements, so that arrays are not analysed further
  if (test.k === 'each') return;
  domain.needed = true;
  const bounds = test.k === 'amount' ? { low: 0, high: test.v } : test.k === 'max' ? { high: test.v } : undefined;
  const low = test.k === 'min' ? test.v : bounds?.low;
  const high = bounds?.high;
  if (high !== undefined && (domain.high === undefined || compareDecimal(high, domain.high) < 0)) domain.high = high;
  if (low !== undefined && (domain.low === undefined || compareDecimal(low, domain.low) > 0)) domain.low = low;
  if (test.k === 'in') domain.names = intersect(domain.names, Object.keys(test.v as NameSet));
  if (test.k === 'one') domain.listed = intersect(domain.listed, test.v.map(String));
  if (test.k === 'pattern') domain.patterns.push(test.v);
  if (test.k === 'length') domain.maxLength = Math.min(domain.maxLength ?? test.v, test.v);
}

function intersect(known: Set<string> | undefined, values: readonly string[]): Set<string> {
  return new Set(known === undefined ? values : values.filter((value) => known.has(value)));
}

function emptiness(domain: Domain): string | undefined {
  const { low, high, names, listed, maxLength, patterns } = domain;
  if (domain.forbidden && domain.needed) return 'it is forbidden and needed at once';
  if (low !== undefined && high !== undefined && compareDecimal(low, high) > 0) return `${low} is above ${high}`;
  if (names?.size === 0 || listed?.size === 0) return 'the permitted lists have nothing in common';
  if (names !== undefined && maxLength !== undefined && [...names].every((name) => [...name].length > maxLength)) {
    return 'every permitted value is too long';
  }
  if (names !== undefined && [...names].every((name) => !patterns.every((each) => matchesPattern(each, name)))) {
    return 'no permitted value matches the pattern';
  }
  if (listed !== undefined && [...listed].every((value) => outside(value, low, high))) {
    return 'every permitted value is out of range';
  }
  return undefined;
}

function outside(value: string, low: Amount | undefined, high: Amount | undefined): boolean {
  if (value === 'true' || value === 'false') return false;
  return (
    (low !== undefined && compareDecimal(value, low) < 0) || (high !== undefined && compareDecimal(value, high) > 0)
  );
}

/** Conditions whose failure denies: the ones that every allowed call must meet. */
export function mandatory(conditions: readonly Condition[] | undefined): Condition[] {
  return (conditions ?? []).filter(({ bad }) => bad === 4);
}
