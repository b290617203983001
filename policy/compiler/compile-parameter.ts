/** The tests of one named parameter: `params: {memo: {pattern: "^[a-z ]+$", maxLength: 80}}`. */

import { cidrContains, isCidr } from '../network/address.ts';
import { checkPattern } from '../regex/check-pattern.ts';
import type { FieldPath } from '../resources/resource.ts';
import type { ParameterConditions } from '../resources/types.generated.ts';
import type { ParameterContract, PolicyType } from './action-contract.ts';
import { hostPatterns } from './host-pattern.ts';
import type { Problems } from './problem.ts';
import type { Amount, ConditionTest, ValueCondition } from './slice.ts';
import { amount, nameSet } from './values.ts';

type Tested = [test: ConditionTest, message: string];
type Key = Exclude<keyof ParameterConditions, 'onFail'>;

/** The parameter types that each key can test. */
const FITTING: Record<Key, readonly PolicyType[] | 'any'> = {
  max: ['number'],
  min: ['number'],
  range: ['number'],
  enum: ['string', 'number', 'boolean'],
  pattern: ['string'],
  maxLength: ['string'],
  pathWithin: ['string'],
  hosts: ['string'],
  cidrs: ['string'],
  required: 'any',
  forbidden: 'any',
};

interface Subject {
  name: string;
  type: PolicyType;
  uri: boolean;
  path: FieldPath;
  problems: Problems;
}

/** Tests of the parameter `name`; on an array each element must pass. Problems are reported at the key's path. */
export function parameterTests(
  name: string,
  declared: ParameterContract,
  tests: ParameterConditions,
  path: FieldPath,
  problems: Problems,
): Tested[] {
  const each = declared.type === 'array';
  const type = each ? (declared.items ?? 'string') : declared.type;
  const subject: Subject = { name, type, uri: declared.format === 'uri', path, problems };
  const result: Tested[] = presence(name, tests);
  for (const key of Object.keys(FITTING) as Key[]) {
    const fitting = FITTING[key];
    if (tests[key] === undefined || fitting === 'any') continue;
    if (!fitting.includes(type)) {
      const message = `${key} cannot test "${name}", which is of type ${type}.`;
      problems.contract('AEGIS_TYPE_MISMATCH', [...path, key], message);
      result.push([{ k: 'never' }, message]);
      continue;
    }
    for (const [test, message] of valueTests(key, tests, subject)) {
      result.push([each ? { k: 'each', p: name, t: 'array', c: test } : test, message]);
    }
  }
  return result;
}

function presence(name: string, tests: ParameterConditions): Tested[] {
  const result: Tested[] = [];
  if (tests.required === true) result.push([{ k: 'required', p: name }, `${name} must be given.`]);
  if (tests.forbidden === true) result.push([{ k: 'forbidden', p: name }, `${name} must not be given.`]);
  return result;
}

function valueTests(key: Key, tests: ParameterConditions, subject: Subject): [ValueCondition, string][] {
  const { name: p, uri } = subject;
  switch (key) {
    case 'max':
    case 'min':
      return [bound(key, p, tests[key] as number | string)];
    case 'range':
      return [
        bound('min', p, tests.range?.min as number | string),
        bound('max', p, tests.range?.max as number | string),
      ];
    case 'enum':
      return enumeration(tests.enum as (string | number)[], subject);
    case 'pattern':
      return pattern(tests.pattern as string, subject);
    case 'maxLength': {
      const v = tests.maxLength as number;
      return [[{ k: 'length', p, t: 'string', v }, `${p} must be at most ${v} characters long.`]];
    }
    case 'pathWithin':
      return paths(tests.pathWithin as string | string[], subject);
    case 'hosts': {
      const hosts = tests.hosts as string[];
      return [[{ k: 'host', p, t: 'string', uri, ...hostPatterns(hosts) }, `The host of ${p} must be listed.`]];
    }
    case 'cidrs':
      return cidrs(tests.cidrs as string[], subject);
    default:
      return [];
  }
}

function bound(k: 'max' | 'min', p: string, value: number | string): [ValueCondition, string] {
  return [{ k, p, t: 'number', v: amount(value) }, `${p} must be at ${k === 'max' ? 'most' : 'least'} ${value}.`];
}

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

function enumeration(values: readonly (string | number)[], subject: Subject): [ValueCondition, string][] {
  const { name: p, type: t, path, problems } = subject;
  const message = `${p} must be one of the listed values.`;
  if (t === 'string') return [[{ k: 'in', p, t, v: nameSet(values.map(String)) }, message]];
  const v: (Amount | boolean)[] = [];
  values.forEach((value, index) => {
    const text = String(value);
    const converted = t === 'boolean' ? BOOLEANS.get(text) : amount(value);
    if (converted === undefined || Number.isNaN(converted)) {
      problems.contract('AEGIS_TYPE_MISMATCH', [...path, 'enum', index], `"${text}" is not a ${t}, as "${p}" is.`);
    } else v.push(converted);
  });
  return [[{ k: 'one', p, t, v }, message]];
}

/** Does it begin with `^` and end with `$`, in every alternative? `^a|b$` matches whatever begins with a. */
function spansText(source: string): boolean {
  if (!source.startsWith('^') || !/(?:^|[^\\])(?:\\\\)*\$$/.test(source)) return false;
  const plain = source.replace(/\\./gsu, '').replace(/\[\^?\]?[^\]]*\]/gu, '');
  let depth = 0;
  for (const character of plain) {
    if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === '|' && depth === 0) return false;
  }
  return true;
}

function pattern(source: string, { name: p, path, problems }: Subject): [ValueCondition, string][] {
  const checked = checkPattern(source);
  if (!checked.ok) {
    problems.error('AEGIS_REGEX', [...path, 'pattern'], `The pattern is not usable: ${checked.error}`);
    return [];
  }
  if (!spansText(source)) {
    problems.warning(
      'AEGIS_REGEX_UNANCHORED',
      [...path, 'pattern'],
      `The pattern matches anywhere inside "${p}"; write ^…$ to match all of it.`,
    );
  }
  return [[{ k: 'pattern', p, t: 'string', v: source }, `${p} must match the pattern of the rule.`]];
}

function paths(within: string | readonly string[], { name: p }: Subject): [ValueCondition, string][] {
  const prefixes = typeof within === 'string' ? [within] : within;
  const v = prefixes.map((prefix) => ({
    rooted: prefix.startsWith('/'),
    segments: prefix.split('/').filter((segment) => segment !== '' && segment !== '.'),
  }));
  return [[{ k: 'path', p, t: 'string', v }, `${p} must lie within ${prefixes.join(' or ')}.`]];
}

function cidrs(blocks: readonly string[], { name: p, uri, path, problems }: Subject): [ValueCondition, string][] {
  blocks.forEach((block, index) => {
    if (isUsableBlock(block)) return;
    const form = isCidr(block) ? 'a block of IPv4 addresses in the form of IPv6' : 'not an address block';
    const message = `"${block}" is ${form}; write one such as 10.0.0.0/8.`;
    problems.error('AEGIS_CIDR', [...path, 'cidrs', index], message);
  });
  const v = blocks.filter(isUsableBlock);
  return [[{ k: 'cidr', p, t: 'string', uri, v }, `The address of ${p} must be in a listed block.`]];
}

/** OPA in Go takes ::ffff:0:0/96 for IPv4, and in WebAssembly it does not. */
function isUsableBlock(block: string): boolean {
  return isCidr(block) && !cidrContains('::ffff:0:0/96', block);
}
