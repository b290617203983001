import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CrdSchema } from '../../policy/resources/schema.ts';
import { PATTERN_MEANINGS } from '../../policy/validation/pattern-meanings.ts';
import { schemaOf } from '../../scripts/generate/load-crds.ts';
import { fixturesIn, loadFixture } from '../policy/validation/load-fixture.ts';
import { CRDS, nodesOf, ROOT, type SchemaNode } from './load-schemas.ts';

const NODES = CRDS.flatMap(nodesOf);
const SPEC_NODES = NODES.filter(({ path }) => /^\w+\.spec(\W|$)/.test(path));

/** Paths of the nodes for which `wrong` holds: must be empty. */
function violations(nodes: SchemaNode[], wrong: (schema: CrdSchema, node: SchemaNode) => boolean): string[] {
  return nodes.filter((node) => wrong(node.schema, node)).map(({ path }) => path);
}

test('there are the seven kinds, with the names users type', () => {
  const names = CRDS.map(({ spec }) => [spec.names.kind, spec.names.plural, spec.names.shortNames.join(), spec.scope]);
  expect(names.sort()).toEqual([
    ['AgentPolicy', 'agentpolicies', 'agpol', 'Namespaced'],
    ['AgentRegistration', 'agentregistrations', 'agreg', 'Namespaced'],
    ['AgentTenant', 'agenttenants', 'agten', 'Cluster'],
    ['AgentTool', 'agenttools', 'agtool', 'Namespaced'],
    ['ApprovalDecision', 'approvaldecisions', 'agapd', 'Namespaced'],
    ['ApprovalRequest', 'approvalrequests', 'agapr', 'Namespaced'],
    ['EmergencyAction', 'emergencyactions', 'agemg', 'Namespaced'],
  ]);
});

describe.each(CRDS.map((crd) => [crd.file, crd] as const))('%s', (file, crd) => {
  const [version] = crd.spec.versions;

  test('is one served and stored version with a status subresource, in category aegis', () => {
    expect(crd.spec.group).toBe('aegis.dev');
    expect(crd.metadata.name).toBe(`${crd.spec.names.plural}.aegis.dev`);
    expect(file).toBe(`${crd.spec.names.plural}.yaml`);
    expect(crd.spec.names.categories).toEqual(['aegis']);
    expect(crd.spec.versions).toHaveLength(1);
    expect(version).toMatchObject({ name: 'v1alpha1', served: true, storage: true, subresources: { status: {} } });
  });

  test('is Reconciling, not Current, until the operator has seen it', () => {
    const { status } = schemaOf(crd).properties ?? {};
    expect(status?.default).toEqual({ observedGeneration: -1 });
    expect(status?.properties?.observedGeneration).toMatchObject({ type: 'integer', format: 'int64' });
  });

  test('has conditions in the shape of metav1.Condition', () => {
    const conditions = schemaOf(crd).properties?.status?.properties?.conditions;
    expect(conditions).toMatchObject({ 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] });
    expect(conditions?.items?.required).toEqual(['type', 'status', 'lastTransitionTime', 'reason', 'message']);
    expect(Object.keys(conditions?.items?.properties ?? {}).sort()).toEqual(
      ['lastTransitionTime', 'message', 'observedGeneration', 'reason', 'status', 'type'].sort(),
    );
  });

  test('has described columns over fields that exist, with its age', () => {
    const columns = version?.additionalPrinterColumns ?? [];
    expect(columns.map(({ name }) => name)).toContain('Age');
    expect(new Set(columns.map(({ name }) => name)).size).toBe(columns.length);
    const paths = new Set(nodesOf(crd).map(({ path }) => path.slice(crd.spec.names.kind.length)));
    for (const { jsonPath, description } of columns) {
      expect(description).toMatch(/\.$/);
      if (jsonPath === '.metadata.creationTimestamp') continue;
      expect(paths).toContain(jsonPath.replace(/\[\?\(@\.type=="\w+"\)\]/, '[]'));
    }
  });

  test('keeps unknown fields at the root and in every object of its spec', () => {
    const open = (schema: CrdSchema) => schema['x-kubernetes-preserve-unknown-fields'] === true;
    expect(open(schemaOf(crd))).toBe(true);
    const closed = violations(nodesOf(crd), (schema, { path }) => {
      return path.startsWith(`${crd.spec.names.kind}.spec`) && schema.properties !== undefined && !open(schema);
    });
    expect(closed).toEqual([]);
  });

  test('stays within 120 columns and has no anchors, which strict parsers read differently', () => {
    const lines = readFileSync(join(ROOT, 'crds', file), 'utf8').split('\n');
    expect(lines.filter((line) => line.length > 120)).toEqual([]);
    expect(
      lines.filter((line) => /(^|\s)(<<:|[&*][a-z])/i.test(line.replace(/'[^']*'/g, '')) && !line.includes('&& ')),
    ).toEqual([]);
  });
});

test('AgentPolicy shows its stage first', () => {
  const [version] = CRDS.find(({ spec }) => spec.names.kind === 'AgentPolicy')?.spec.versions ?? [];
  const columns = version?.additionalPrinterColumns ?? [];
  expect(columns.filter(({ priority }) => !priority).map(({ name }) => name)).toEqual([
    'Stage',
    'Ready',
    'Reason',
    'Agents',
    'Age',
  ]);
  expect(columns.filter(({ priority }) => priority === 1).map(({ name }) => name)).toEqual(
    expect.arrayContaining(['Revision', 'Message']),
  );
});

test('every field is described in a sentence', () => {
  const isMetadata = (path: string) => /^\w+\.metadata$/.test(path); // The API server allows no description there.
  expect(
    violations(NODES, (schema, { path }) => !isMetadata(path) && !/^\S.*[.…]$/s.test(schema.description ?? '')),
  ).toEqual([]);
});

test('every text, list and map is bounded', () => {
  expect(
    violations(NODES, (schema) => schema.type === 'string' && schema.enum === undefined && !schema.maxLength),
  ).toEqual([]);
  expect(violations(NODES, (schema) => schema.type === 'array' && !schema.maxItems)).toEqual([]);
  expect(violations(NODES, (schema) => schema.additionalProperties !== undefined && !schema.maxProperties)).toEqual([]);
  expect(violations(NODES, (schema) => schema['x-kubernetes-int-or-string'] === true && !schema.maxLength)).toEqual([]);
});

test('every number of a spec is bounded, and none is a float', () => {
  const numeric = (schema: CrdSchema) => schema.type === 'integer' || schema['x-kubernetes-int-or-string'] === true;
  expect(violations(NODES, (schema) => schema.type === 'number')).toEqual([]);
  expect(
    violations(
      SPEC_NODES,
      (schema) => numeric(schema) && (schema.minimum === undefined || schema.maximum === undefined),
    ),
  ).toEqual([]);
});

test('free-form objects are bounded in their number of members', () => {
  const free = (schema: CrdSchema) =>
    schema.type === 'object' && schema.properties === undefined && schema.additionalProperties === undefined;
  expect(violations(SPEC_NODES, (schema) => free(schema) && schema.maxProperties === undefined)).toEqual([]);
});

test('every list says how it merges, and its keys are required', () => {
  expect(
    violations(NODES, (schema) => schema.type === 'array' && schema['x-kubernetes-list-type'] === undefined),
  ).toEqual([]);
  expect(
    violations(NODES, (schema) => {
      const keys = schema['x-kubernetes-list-map-keys'] ?? [];
      return keys.some((key) => !schema.items?.required?.includes(key));
    }),
  ).toEqual([]);
});

test('optional fields of a spec are nullable, so that the API server keeps what is left empty', () => {
  const wrong = violations(SPEC_NODES, (schema, { parent, field }) => {
    if (parent === undefined || field === undefined || schema.default !== undefined) return false;
    return schema.nullable !== true && !parent.required?.includes(field);
  });
  expect(wrong).toEqual([]);
  expect(violations(SPEC_NODES, (schema, { path }) => path.endsWith('{}') && schema.nullable !== true)).toEqual([]);
});

test('structural: nothing is combined, and a value has one type', () => {
  const combined = ['allOf', 'anyOf', 'oneOf', 'not', '$ref', 'definitions', 'patternProperties', 'uniqueItems'];
  expect(violations(NODES, (schema) => combined.some((keyword) => keyword in schema))).toEqual([]);
  expect(
    violations(NODES, (schema) => {
      const kinds = [schema.type, schema['x-kubernetes-int-or-string']].filter((kind) => kind !== undefined);
      return kinds.length !== 1 && schema['x-kubernetes-preserve-unknown-fields'] !== true;
    }),
  ).toEqual([]);
});

test('defaults satisfy their own schema', () => {
  expect(
    violations(NODES, (schema) => {
      if (schema.default === undefined || typeof schema.default === 'object') return false;
      if (schema.enum !== undefined) return !schema.enum.includes(String(schema.default));
      return schema.pattern !== undefined && !new RegExp(schema.pattern, 'u').test(String(schema.default));
    }),
  ).toEqual([]);
});

test('every pattern is anchored, explained in words, and no lookaround or backreference (RE2)', () => {
  const patterns = new Set(NODES.flatMap(({ schema }) => schema.pattern ?? []));
  for (const pattern of patterns) {
    expect(pattern).toMatch(/^\^/);
    expect(pattern).not.toMatch(/\(\?|\\[1-9]/);
    if (!pattern.startsWith('^([a-z0-9.-]+/)?[A-Za-z0-9]') && !/^\^\[A-Za-z\]\(\[A-Za-z0-9_,:\]/.test(pattern)) {
      expect(PATTERN_MEANINGS).toHaveProperty([pattern]);
    }
  }
  expect(Object.keys(PATTERN_MEANINGS).filter((pattern) => !patterns.has(pattern))).toEqual([]);
});

test('every rule says what is wrong and what to do, and transition rules stand at the root or spec', () => {
  for (const { path, schema } of NODES) {
    for (const { rule, message, fieldPath } of schema['x-kubernetes-validations'] ?? []) {
      expect(message).toMatch(/^\S.*; \S/);
      expect(message.length).toBeLessThanOrEqual(200);
      expect(message).not.toContain('\n');
      if (/\boldSelf\b/.test(rule)) expect(path).toMatch(/^\w+(\.spec)?$/);
      if (fieldPath !== undefined) expect(NODES.map((node) => node.path)).toContain(`${path}${fieldPath}`);
    }
  }
});

test('every field of every spec is used in a valid example', () => {
  const used = new Set<string>();
  const visit = (value: unknown, schema: CrdSchema, path: string): void => {
    used.add(path);
    if (Array.isArray(value)) for (const each of value) visit(each, schema.items ?? {}, `${path}[]`);
    else if (typeof value === 'object' && value !== null) {
      for (const [name, each] of Object.entries(value)) {
        const property = schema.properties?.[name];
        if (property !== undefined) visit(each, property, `${path}.${name}`);
        else if (schema.additionalProperties !== undefined) visit(each, schema.additionalProperties, `${path}{}`);
      }
    }
  };
  for (const { object } of fixturesIn('valid').flatMap((path) => loadFixture(path).resources)) {
    const crd = CRDS.find(({ spec }) => spec.names.kind === object.kind);
    if (crd !== undefined) visit(object, schemaOf(crd), object.kind);
  }
  // The parts of `when` are those of `conditions`; the generator refuses any difference.
  const wanted = SPEC_NODES.filter(
    ({ path }) => !/\.rules\[\]\.when\.|\{\}\./.test(path) || path.includes('.conditions.'),
  );
  const nested = /\.budget\.limits\[\]\.|sanitize\.|\.rolloutFloors\.gates\[\]\.checks|\.demotion\.checks|caRef|denial/;
  expect(wanted.map(({ path }) => path).filter((path) => !used.has(path) && !nested.test(path))).toEqual([]);
});
