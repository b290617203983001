import type { CrdSchema } from '../../policy/resources/schema.ts';
import { type JsonSchema, toJsonSchema } from '../../policy/validation/json-schema.ts';
import { type Crd, schemaOf } from './load-crds.ts';

const DIALECT = 'http://json-schema.org/draft-07/schema#';
const API_VERSION = 'aegis.dev/v1alpha1';

/** What editors should know of ObjectMeta; other fields are left to the API server. */
const METADATA: JsonSchema = {
  type: 'object',
  description: 'Standard object metadata.',
  required: ['name'],
  properties: {
    name: { type: 'string', description: 'Name of the object.', minLength: 1, maxLength: 253 },
    namespace: { type: 'string', description: 'Namespace of the object.', minLength: 1, maxLength: 63 },
    labels: {
      type: 'object',
      description: 'Labels, for selection.',
      additionalProperties: { type: 'string', maxLength: 63 },
    },
    annotations: {
      type: 'object',
      description: 'Annotations, for tools.',
      additionalProperties: { type: 'string' },
    },
  },
};

/** JSON Schemas for editors by path: one per kind, and `aegis.json`, which chooses by kind. */
export function generateEditorSchemas(crds: Crd[]): Map<string, string> {
  const files = new Map<string, string>();
  for (const crd of crds) files.set(`schemas/${fileName(crd)}`, json(kindSchema(crd)));
  files.set('schemas/aegis.json', json(anyKindSchema(crds)));
  return files;
}

/** Settings for VS Code's YAML extension, so that completion works in this repository without a further step. */
export function generateEditorSettings(): string {
  const folders = ['config/samples/**/*.yaml', 'config/templates/**/*.yaml'].map((glob) => JSON.stringify(glob));
  return `{
  "yaml.schemas": {
    "./schemas/aegis.json": [${folders.join(', ')}]
  }
}
`;
}

function fileName(crd: Crd): string {
  return `aegis.dev_v1alpha1_${crd.spec.names.singular}.json`;
}

function kindSchema(crd: Crd): JsonSchema {
  const { kind } = crd.spec.names;
  const schema = withRuleNotes(schemaOf(crd));
  const { properties, description } = toJsonSchema(schema, { closed: true });
  const { spec } = properties as Record<string, JsonSchema>;
  return {
    $schema: DIALECT,
    title: kind,
    description,
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    additionalProperties: false,
    properties: {
      apiVersion: { const: API_VERSION, description: `Always ${API_VERSION}.` },
      kind: { const: kind, description: `Always ${kind}.` },
      metadata: METADATA,
      spec,
      status: { type: 'object', description: 'Written by the operator only.' },
    },
  };
}

function anyKindSchema(crds: Crd[]): JsonSchema {
  const kinds = crds.map((crd) => crd.spec.names.kind);
  return {
    $schema: DIALECT,
    title: 'Aegis resource',
    description: 'Any resource of aegis.dev/v1alpha1; the kind chooses its schema.',
    type: 'object',
    required: ['apiVersion', 'kind', 'metadata', 'spec'],
    properties: {
      apiVersion: { const: API_VERSION, description: `Always ${API_VERSION}.` },
      kind: { enum: kinds, description: 'What the resource is.' },
    },
    allOf: crds.map((crd) => ({
      if: { required: ['kind'], properties: { kind: { const: crd.spec.names.kind } } },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { $ref: fileName(crd) },
    })),
  };
}

/** Editors do not evaluate CEL; they show the rules' messages with the description instead. */
function withRuleNotes(schema: CrdSchema): CrdSchema {
  const rules = schema['x-kubernetes-validations'] ?? [];
  const notes = rules.map(({ message }) => `- ${message}`).join('\n');
  const map = (all: { readonly [name: string]: CrdSchema }) =>
    Object.fromEntries(Object.entries(all).map(([name, each]) => [name, withRuleNotes(each)]));
  return {
    ...schema,
    ...(notes === '' ? {} : { description: `${schema.description}\n\nRefused:\n${notes}` }),
    ...(schema.properties === undefined ? {} : { properties: map(schema.properties) }),
    ...(schema.items === undefined ? {} : { items: withRuleNotes(schema.items) }),
    ...(schema.additionalProperties === undefined
      ? {}
      : { additionalProperties: withRuleNotes(schema.additionalProperties) }),
  };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
