/** What is wrong with a `TestSuite`: its cases are held against the schema of a policy's own `tests`. */
import type { Finding } from '../../policy/errors.ts';
import { describeResource, type FieldPath, type LoadedResource } from '../../policy/resources/resource.ts';
import type { CrdSchema } from '../../policy/resources/schema.ts';
import { findingAt } from '../../policy/validation/finding-builder.ts';
import { checkMetadata } from '../../policy/validation/metadata-rules.ts';
import { findUnknownFields } from '../../policy/validation/unknown-fields.ts';
import { validateResource } from '../../policy/validation/validate-resource.ts';

const ANY: CrdSchema = { type: 'object' };
const SCHEMA: CrdSchema = {
  type: 'object',
  properties: {
    apiVersion: ANY,
    kind: ANY,
    metadata: ANY,
    spec: { type: 'object', properties: { description: ANY, cases: ANY } },
  },
};
/** As many tests as one policy may have. */
const CHUNK = 64;
const MAX_CASES = 10_000;

export function suiteFindings(suite: LoadedResource): Finding[] {
  const own = [
    ...checkMetadata(suite, 'Namespaced').map(({ finding }) => finding),
    ...findUnknownFields(suite, suite.object, SCHEMA, []).map(({ finding }) => finding),
  ];
  const cases = casesOf(suite);
  if (cases === undefined) {
    const given = (suite.object.spec as { cases?: unknown } | null | undefined)?.cases !== undefined;
    const code = given ? 'AEGIS_SCHEMA_TYPE' : 'AEGIS_SCHEMA_REQUIRED';
    const message = given ? 'cases must be a list' : 'cases is missing';
    return [...own, findingAt(suite, code, ['spec', 'cases'], message)];
  }
  if (cases.length === 0 || cases.length > MAX_CASES) {
    const message = `cases has ${cases.length} entries, but may have 1 to ${MAX_CASES}`;
    return [...own, findingAt(suite, 'AEGIS_SCHEMA_BOUNDS', ['spec', 'cases'], message)];
  }
  const found = [...own, ...repeatedNames(suite, cases)];
  for (let start = 0; start < cases.length; start += CHUNK) found.push(...chunkFindings(suite, cases, start));
  return found;
}

/** The cases, where they are a list. */
export function casesOf(suite: LoadedResource): readonly unknown[] | undefined {
  const { cases } = (suite.object.spec ?? {}) as { cases?: unknown };
  return Array.isArray(cases) ? cases : undefined;
}

function repeatedNames(suite: LoadedResource, cases: readonly unknown[]): Finding[] {
  const seen = new Set<unknown>();
  return cases.flatMap((each, index) => {
    const name = (each as { name?: unknown } | null)?.name;
    if (name === undefined || !seen.has(name)) {
      seen.add(name);
      return [];
    }
    const message = `another case is named ${JSON.stringify(name)} too`;
    return [findingAt(suite, 'AEGIS_SCHEMA_DUPLICATE', ['spec', 'cases', index, 'name'], message)];
  });
}

/** Checks some cases as the tests of a policy that is otherwise fine. */
function chunkFindings(suite: LoadedResource, cases: readonly unknown[], start: number): Finding[] {
  const inSuite = ([spec, tests, index, ...rest]: FieldPath): FieldPath =>
    spec === 'spec' && tests === 'tests' && typeof index === 'number'
      ? ['spec', 'cases', index + start, ...rest]
      : ['spec', 'cases'];
  const stand: LoadedResource = {
    object: {
      apiVersion: 'aegis.dev/v1alpha1',
      kind: 'AgentPolicy',
      metadata: { name: 'suite', namespace: 'suite' },
      spec: {
        scope: { tenantWide: true },
        rules: [{ name: 'any', actions: ['any'] }],
        tests: cases.slice(start, start + CHUNK),
      },
    },
    locate: (path) => suite.locate(inSuite(path)),
    locateKey: (path) => suite.locateKey(inSuite(path)),
  };
  const shifted = (text: string): string =>
    text
      .replace(/spec\.tests\[(\d+)\]/g, (_, index: string) => `spec.cases[${Number(index) + start}]`)
      .replace(/entry (\d+) of tests/g, (_, index: string) => `entry ${Number(index) + start} of cases`);
  return validateResource(stand)
    .filter(({ code, field }) => field?.startsWith('spec.tests[') && !isName(code, field))
    .map((finding) => ({
      ...finding,
      message: shifted(finding.message),
      field: shifted(finding.field ?? ''),
      resource: describeResource(suite),
    }));
}

/** Repeated names are looked for in the whole suite. */
function isName(code: Finding['code'], field: string): boolean {
  return code === 'AEGIS_SCHEMA_DUPLICATE' && /^spec\.tests\[\d+\](\.name)?$/.test(field);
}
