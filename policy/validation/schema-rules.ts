import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import addFormats from 'ajv-formats';
import type { ErrorCode, Finding } from '../errors.ts';
import type { FieldPath, LoadedResource } from '../resources/resource.ts';
import type { CrdSchema } from '../resources/schema.ts';
import { KIND_SCHEMAS } from '../resources/schemas.generated.ts';
import type { AegisKind } from '../resources/types.generated.ts';
import { findingAt, valueAt } from './finding-builder.ts';
import { toJsonSchema } from './json-schema.ts';
import { PATTERN_MEANINGS } from './pattern-meanings.ts';
import { suggestName } from './suggest-name.ts';

/** A finding with the path it is about, so that later steps know which parts are spoiled. */
export interface PlacedFinding {
  path: FieldPath;
  finding: Finding;
}

const validators = new Map<AegisKind, ValidateFunction>();

/** Types, required fields, enumerations, patterns and bounds of `spec`; `object` has its defaults. */
export function checkSchema(resource: LoadedResource, object: unknown, kind: AegisKind): PlacedFinding[] {
  const validate = validatorOf(kind);
  if (validate(object)) return [];
  const errors = withoutEchoes(validate.errors ?? []);
  return errors.flatMap((error) => {
    const placed = translate(resource, object, error);
    return placed === undefined ? [] : [placed];
  });
}

/**
 * One mistake is one finding: a wrong type makes everything else moot, the form says more than a length below the
 * minimum, and too long says more than the form.
 */
function withoutEchoes(errors: ErrorObject[]): ErrorObject[] {
  const at = (keyword: string) =>
    new Set(errors.filter((each) => each.keyword === keyword).map((each) => each.instancePath));
  const [mistyped, malformed, tooLong] = [at('type'), at('pattern'), at('maxLength')];
  return errors.filter(({ keyword, instancePath }) => {
    if (keyword !== 'type' && mistyped.has(instancePath)) return false;
    if (keyword === 'minLength') return !malformed.has(instancePath);
    return keyword !== 'pattern' || !tooLong.has(instancePath);
  });
}

/** Compiled at first use and kept: compiling costs more than thousands of validations. */
function validatorOf(kind: AegisKind): ValidateFunction {
  let validate = validators.get(kind);
  if (validate === undefined) {
    const ajv = new Ajv({ allErrors: true, strict: false, verbose: true, validateFormats: true });
    addFormats.default(ajv, ['date-time']);
    validate = ajv.compile(toJsonSchema(specOnly(KIND_SCHEMAS[kind].schema), { closed: false }));
    validators.set(kind, validate);
  }
  return validate;
}

/** Status is the operator's own and metadata is checked apart. Sets are checked with better words elsewhere. */
function specOnly(schema: CrdSchema): CrdSchema {
  const { spec } = schema.properties ?? {};
  return { type: 'object', required: ['spec'], properties: { spec: spec ?? {} } };
}

function translate(resource: LoadedResource, object: unknown, error: ErrorObject): PlacedFinding | undefined {
  const path = pathOf(error.instancePath, object);
  if (error.keyword === 'required') {
    const missing = [...path, error.params.missingProperty as string];
    const message = `${last(missing)} is missing`;
    return { path: missing, finding: findingAt(resource, 'AEGIS_SCHEMA_REQUIRED', missing, message) };
  }
  const words = wording(error, valueAt(object, path));
  if (words === undefined) return undefined;
  const [code, message, fix] = words;
  return { path, finding: findingAt(resource, code, path, `${last(path)} ${message}`, fix) };
}

type Wording = [code: ErrorCode, message: string, fix?: string | undefined];

function wording(error: ErrorObject, value: unknown): Wording | undefined {
  const { limit } = error.params as { limit: number };
  const bounds = (text: string): Wording => ['AEGIS_SCHEMA_BOUNDS', text];
  const size = sizeOf(value);
  switch (error.keyword) {
    case 'type':
      return wrongType(error.params.type as string | string[], value);
    case 'enum':
      return wrongMember(error.params.allowedValues as string[], value);
    case 'pattern':
      return wrongForm(error.params.pattern as string, value);
    case 'format':
      return ['AEGIS_SCHEMA_VALUE', `is ${show(value)}, but must be an RFC 3339 time such as 2025-01-31T12:00:00Z`];
    case 'minLength':
      return bounds(
        limit === 1
          ? 'is empty, but needs at least one character'
          : `has ${size} characters, at least ${limit} are needed`,
      );
    case 'maxLength':
      return bounds(`has ${size} characters, at most ${limit} are accepted`);
    case 'minItems':
      return bounds(
        limit === 1
          ? 'is an empty list, but needs at least one entry'
          : `has ${size} entries, at least ${limit} are needed`,
      );
    case 'maxItems':
      return bounds(`has ${size} entries, at most ${limit} are accepted`);
    case 'minProperties':
      return bounds(
        limit === 1 ? 'is empty, but must say something' : `has ${size} fields, at least ${limit} are needed`,
      );
    case 'maxProperties':
      return bounds(`has ${size} fields, at most ${limit} are accepted`);
    case 'minimum':
      return bounds(`is ${show(value)}, but must be at least ${limit}`);
    case 'maximum':
      return bounds(`is ${show(value)}, but must be at most ${limit}`);
    case 'uniqueItems':
      return undefined; // The list check names the entries.
    default:
      return ['AEGIS_SCHEMA_VALUE', `does not satisfy ${error.keyword} of its schema`];
  }
}

const ARTICLES: Record<string, string> = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

function wrongType(expected: string | string[], value: unknown): Wording {
  const wanted = (Array.isArray(expected) ? expected : expected.split(','))
    .map((type) => ARTICLES[type] ?? type)
    .join(' or ');
  if (value === null || value === undefined) {
    return [
      'AEGIS_SCHEMA_TYPE',
      `is empty, but must be ${wanted}`,
      'Write a value, or remove the field; an empty field means nothing.',
    ];
  }
  return ['AEGIS_SCHEMA_TYPE', `must be ${wanted}, but is ${describe(value)}`, typeFix(String(expected), value)];
}

function typeFix(expected: string, value: unknown): string | undefined {
  if (expected === 'string' && typeof value !== 'object') return `Put it in quotes: "${String(value)}".`;
  if (expected === 'array' && typeof value !== 'object') return `Write a list: [${String(value).slice(0, 60)}].`;
  if (typeof value !== 'string') {
    return expected === 'integer,string' && typeof value === 'number' ? `Put it in quotes: "${value}".` : undefined;
  }
  if (expected === 'boolean' && /^(yes|on|true)$/i.test(value)) return 'Write true, without quotes.';
  if (expected === 'boolean' && /^(no|off|false)$/i.test(value)) return 'Write false, without quotes.';
  if (expected === 'integer' && /^-?[0-9]+$/.test(value)) return `Write ${value}, without quotes.`;
  return undefined;
}

function wrongMember(allowed: string[], value: unknown): Wording {
  const suggestion = typeof value === 'string' ? suggestName(value, allowed) : undefined;
  const list = allowed.length === 1 ? allowed[0] : `one of ${allowed.join(', ')}`;
  const fix = suggestion === undefined ? undefined : `Did you mean ${suggestion}?`;
  return ['AEGIS_SCHEMA_VALUE', `is ${describe(value)}, but must be ${list}`, fix];
}

function wrongForm(pattern: string, value: unknown): Wording {
  return [
    'AEGIS_SCHEMA_VALUE',
    `is ${show(value)}, but must be ${PATTERN_MEANINGS[pattern] ?? `text that matches ${pattern}`}`,
  ];
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  if (value === null || value === undefined) return 'empty';
  return typeof value === 'string' ? `the text ${show(value)}` : String(value);
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return [...value].length;
  if (Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
}

function last(path: FieldPath): string {
  const step = path.at(-1);
  if (step === undefined) return 'The resource';
  return typeof step === 'number' ? `entry ${step + 1} of ${last(path.slice(0, -1))}` : step;
}

/** The path of a JSON pointer; a step is a number exactly where it goes into a list. */
function pathOf(pointer: string, root: unknown): FieldPath {
  const path: (string | number)[] = [];
  let value = root;
  for (const raw of pointer.split('/').slice(1)) {
    const step = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(Array.isArray(value) ? Number(step) : step);
    value = (value as Record<string, unknown> | undefined)?.[step];
  }
  return path;
}
