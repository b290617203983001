import { type Decimal, formatDecimal, parseDecimal, scaleDecimal, toJsonNumber } from '../../policy/decimal.ts';
import { exactNumber } from '../../policy/decision/exact-number.ts';
import { holdsDecimal, type ParameterContract, type WireType } from '../../policy/mapping/contract.ts';
import { currencyDigits } from '../../policy/mapping/currency-digits.ts';
import { NumberLiteral } from '../../policy/number-literal.ts';
import { isPlainObject } from './json-pointer.ts';
import { hasHiddenControl } from './percent.ts';
import { refuse } from './refusal.ts';
import { fitsFormat } from './text-format.ts';

/** Plain decimal integers, as every tool reads them: no sign but `-`, no leading zeros, no `-0`; 18 digits at most. */
const INTEGER = /^(?:0|-?[1-9][0-9]{0,17})$/;
/** The same with a fraction; 18 digits before and 9 after the point at most, no exponent. */
const NUMBER = /^(?:0|-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,9}|-?[1-9][0-9]{0,17})$/;
const CURRENCY = /^[A-Z]{3}$/;

function mistyped(parameter: ParameterContract, expected: string): never {
  return refuse('AEGIS_MAPPING_MISTYPED', `The parameter must be ${expected}.`, parameter.name);
}

/** Only ASCII letters change: `ſ` and `ı` must not become `S` and `I`. */
function foldCase(text: string, to: 'upper' | 'lower'): string {
  return to === 'upper'
    ? text.replace(/[a-z]/g, (letter) => letter.toUpperCase())
    : text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** What a string is for policies: itself, in the declared case, or the amount that it holds. */
function fromString(parameter: ParameterContract, text: string): unknown {
  if (holdsDecimal(parameter)) return numberText(parameter, text);
  const { format } = parameter;
  if (format !== undefined && !fitsFormat(format, text)) mistyped(parameter, `a plain ${format}`);
  if (hasHiddenControl(text))
    refuse('AEGIS_MAPPING_ENCODING', 'The parameter hides a control character.', parameter.name);
  return parameter.case === undefined ? text : foldCase(text, parameter.case);
}

const EXPECTED: Record<WireType, string> = {
  string: 'a plain decimal number',
  integer: 'a plain integer',
  number: 'a plain decimal number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
};

function numberText(parameter: ParameterContract, text: string): unknown {
  const grammar = parameter.type === 'integer' ? INTEGER : NUMBER;
  const value = grammar.test(text) ? exactNumber(text) : undefined;
  return value ?? mistyped(parameter, EXPECTED[parameter.type]);
}

/**
 * The value of a parameter that came as text (path, query, header, form). Strict: what is not written in the one
 * plain way is refused, never guessed at and never NaN.
 */
export function valueFromText(parameter: ParameterContract, text: string): unknown {
  switch (parameter.type) {
    case 'string':
      return fromString(parameter, text);
    case 'integer':
    case 'number':
      return numberText(parameter, text);
    case 'boolean':
      if (text === 'true') return true;
      return text === 'false' ? false : mistyped(parameter, EXPECTED.boolean);
    default:
      return mistyped(parameter, `an ${parameter.type}, which text cannot hold`);
  }
}

/** One parameter from repeated text values (`expand[]=a&expand[]=b`). */
export function valueFromTexts(parameter: ParameterContract, texts: readonly string[]): unknown[] {
  const item: ParameterContract = { ...parameter, type: parameter.items ?? 'string' };
  return texts.map((text) => valueFromText(item, text));
}

/** The decimal of a JSON number; a string is none, whatever it says. */
function numberOf(value: unknown): Decimal | undefined {
  return typeof value === 'string' ? undefined : parseDecimal(value);
}

function fromJson(parameter: ParameterContract, type: WireType, value: unknown): unknown {
  switch (type) {
    case 'string':
      return typeof value === 'string' ? fromString(parameter, value) : mistyped(parameter, 'a string');
    case 'integer':
    case 'number': {
      const decimal = numberOf(value);
      const fits = decimal !== undefined && (type === 'number' || decimal.exponent >= 0);
      return fits ? toJsonNumber(decimal) : mistyped(parameter, EXPECTED[type]);
    }
    case 'boolean':
      return typeof value === 'boolean' ? value : mistyped(parameter, 'a boolean');
    case 'array': {
      if (!Array.isArray(value)) return mistyped(parameter, EXPECTED.array);
      const { items } = parameter;
      return items === undefined ? value : value.map((element) => fromJson(parameter, items, element));
    }
    default:
      return isPlainObject(value) ? value : mistyped(parameter, EXPECTED.object);
  }
}

/** The value of a parameter that came as parsed JSON; its JSON type must be the declared one. */
export function valueFromJson(parameter: ParameterContract, value: unknown): unknown {
  return fromJson(parameter, parameter.type, value);
}

/** Digits by which wire units exceed policy units. An amount without a known currency is no amount. */
export function scaleDigits(
  parameter: ParameterContract,
  currency: unknown,
  deviations: Record<string, number> | undefined,
): number {
  if (typeof parameter.scale === 'number') return parameter.scale;
  if (typeof currency !== 'string' || !CURRENCY.test(currency)) {
    return mistyped(parameter, 'accompanied by a known currency, which gives its unit');
  }
  return currencyDigits(currency, deviations) ?? mistyped(parameter, 'in a known currency, which gives its unit');
}

/** Wire units → policy units, exactly: 4999 with two digits is 49.99. */
export function toPolicyUnits(parameter: ParameterContract, value: unknown, digits: number): unknown {
  const text = typeof value === 'number' || value instanceof NumberLiteral ? `${value}e${-digits}` : '';
  return exactNumber(text) ?? mistyped(parameter, EXPECTED[parameter.type]);
}

/** Policy units → wire units; `undefined` where the value is no number. */
export function toWireUnits(value: unknown, digits: number): Decimal | undefined {
  const decimal = numberOf(value);
  return decimal === undefined ? undefined : scaleDecimal(decimal, digits);
}

/** A value as it stands in text (path, query, form): numbers in plain decimals, never with an exponent. */
export function textOf(value: unknown): string {
  const decimal = numberOf(value);
  return decimal === undefined ? String(value) : formatDecimal(decimal);
}
