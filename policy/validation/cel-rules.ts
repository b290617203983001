import { type CelInput, celEnv, isCelError, parse, plan } from '@bufbuild/cel';
import type { FieldPath, LoadedResource, Resource } from '../resources/resource.ts';
import type { CrdRule, CrdSchema } from '../resources/schema.ts';
import { celName, toCelValue } from './cel-values.ts';
import { findingAt } from './finding-builder.ts';
import type { PlacedFinding } from './schema-rules.ts';

type Program = (variables: Record<string, CelInput>) => unknown;

const programs = new Map<string, Program>();
const environment = celEnv();

/** What the rules of one resource are evaluated on. */
export interface RuleContext {
  resource: LoadedResource;
  /** True where something at or below a path is already known to be wrong, so that rules say nothing reliable. */
  isSpoiled(path: FieldPath): boolean;
}

/**
 * Evaluates every CEL rule of `schema` on `object` (with defaults), and with `old` also the transition rules, which
 * stand at the root and at `spec` only. A rule that cannot be evaluated is a finding, never a pass.
 */
export function checkRules(context: RuleContext, object: Resource, schema: CrdSchema, old?: Resource): PlacedFinding[] {
  const self = { ...object, metadata: { name: object.metadata.name } };
  const withMetadata = rootSchema(schema);
  const found: PlacedFinding[] = [];
  const before = old && toCelValue({ ...old, metadata: { name: old.metadata.name } }, withMetadata);
  visit(context, withMetadata, toCelValue(self, withMetadata), before, [], found);
  return found;
}

/** Rules see `metadata.name` although the schema of metadata is the API server's own; status is not looked at. */
function rootSchema(schema: CrdSchema): CrdSchema {
  const { spec } = schema.properties ?? {};
  const metadata: CrdSchema = { type: 'object', properties: { name: { type: 'string' } } };
  return { ...schema, properties: { metadata, ...(spec === undefined ? {} : { spec }) } };
}

function visit(
  context: RuleContext,
  schema: CrdSchema,
  self: CelInput,
  oldSelf: CelInput | undefined,
  path: FieldPath,
  found: PlacedFinding[],
): void {
  if (!context.isSpoiled(path)) {
    for (const rule of schema['x-kubernetes-validations'] ?? []) {
      const variables = variablesOf(rule, self, oldSelf);
      const placed = variables && evaluate(context.resource, rule, variables, path);
      if (placed !== undefined) found.push(placed);
    }
  }
  for (const [step, child, below] of childrenOf(schema, self)) {
    if (!hasRules(below)) continue;
    const old = typeof step === 'string' && oldSelf instanceof Map ? oldSelf.get(celName(step)) : undefined;
    visit(context, below, child, old as CelInput | undefined, [...path, step], found);
  }
}

/** The variables of a rule; undefined for a transition rule where there is no earlier value. */
function variablesOf(
  rule: CrdRule,
  self: CelInput,
  oldSelf: CelInput | undefined,
): Record<string, CelInput> | undefined {
  if (!/\boldSelf\b/.test(rule.rule)) return { self };
  return oldSelf === undefined ? undefined : { self, oldSelf };
}

type Child = [step: string | number, value: CelInput, schema: CrdSchema];

function childrenOf({ items, properties, additionalProperties }: CrdSchema, self: CelInput): Child[] {
  if (Array.isArray(self))
    return items === undefined ? [] : self.map((each, index) => [index, each as CelInput, items]);
  if (!(self instanceof Map)) return [];
  if (additionalProperties !== undefined) {
    return [...self].map(([name, each]) => [String(name), each as CelInput, additionalProperties]);
  }
  return Object.entries(properties ?? {}).flatMap(([name, property]): Child[] => {
    const each = self.get(celName(name));
    return each === undefined ? [] : [[name, each as CelInput, property]];
  });
}

function evaluate(
  resource: LoadedResource,
  rule: CrdRule,
  variables: Record<string, CelInput>,
  path: FieldPath,
): PlacedFinding | undefined {
  const at = [...path, ...(rule.fieldPath ?? '').split('.').filter((step) => step !== '')];
  let result: unknown;
  try {
    result = programOf(rule.rule)(variables);
  } catch (error) {
    result = error;
  }
  if (result === true) return undefined;
  if (result === false) {
    const [what, ...rest] = rule.message.split('; ');
    const fix = rest.length === 0 ? undefined : sentence(rest.join('; '));
    return { path: at, finding: findingAt(resource, 'AEGIS_CEL_RULE', at, what ?? rule.message, fix) };
  }
  const reason = result instanceof Error || isCelError(result) ? result.message : 'its result is not true or false';
  const message = `the rule "${rule.message}" could not be evaluated: ${reason.slice(0, 200)}`;
  return { path: at, finding: findingAt(resource, 'AEGIS_CEL_ERROR', at, message) };
}

function programOf(rule: string): Program {
  let program = programs.get(rule);
  if (program === undefined) {
    program = plan(environment, parse(rule)) as Program;
    programs.set(rule, program);
  }
  return program;
}

const rulesBelow = new WeakMap<CrdSchema, boolean>();

/** Whether a rule stands at or below the schema, so that the walk leaves out everything else. */
function hasRules(schema: CrdSchema): boolean {
  let known = rulesBelow.get(schema);
  if (known === undefined) {
    const children = [...Object.values(schema.properties ?? {}), schema.items, schema.additionalProperties];
    known =
      schema['x-kubernetes-validations'] !== undefined || children.some((each) => each !== undefined && hasRules(each));
    rulesBelow.set(schema, known);
  }
  return known;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?!]$/.test(text) ? '' : '.'}`;
}
