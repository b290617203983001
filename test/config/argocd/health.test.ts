import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { parse } from 'yaml';
import { toJsonSchema } from '../../../policy/validation/json-schema.ts';
import { validateResource } from '../../../policy/validation/validate-resource.ts';
import { schemaOf } from '../../../scripts/generate/load-crds.ts';
import { CRDS } from '../../crds/load-schemas.ts';
import { asLoaded } from '../../policy/validation/load-fixture.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { anyObject } from '../any-object.ts';
import { realObjects } from '../real-objects.ts';
import { ARGOCD, type Fixture, filesOf, fixturesOf, type HealthKind, KINDS, scriptOf } from './fixtures.ts';
import { type Health, runHealth } from './lua.ts';

/** What kstatus and the script must say together, wherever kstatus knows the difference. */
const SAME: Record<string, readonly string[]> = {
  Terminating: ['Progressing'],
  InProgress: ['Progressing'],
  Failed: ['Degraded'],
};

/** A status without `Ready` is finished for kstatus and not for us; a rollout that was taken back likewise. */
function agree(object: unknown, { status = '' }: Health): boolean {
  const verdict = kstatusOf(object);
  if (verdict !== 'Current') return SAME[verdict]?.includes(status) === true;
  const { conditions = [] } =
    (object as { status?: { conditions?: { type: string; reason?: string }[] } }).status ?? {};
  if (!conditions.some(({ type }) => type === 'Ready')) return status === 'Progressing';
  if (conditions.some(({ reason }) => reason === 'RolledBack')) return true;
  return status === 'Healthy' || status === 'Suspended';
}

describe.each(KINDS)('%s', (kind) => {
  const fixtures = fixturesOf(kind);

  test('every fixture gives what health_test.yaml says, and every file is a fixture', () => {
    const found = runHealth(
      scriptOf(kind),
      fixtures.map(({ object }) => object),
    );
    expect(found).toEqual(fixtures.map(({ expected }) => expected));
    expect(fixtures.map(({ path }) => path).sort()).toEqual(filesOf(kind).sort());
  });

  test('the name of a fixture begins with its health, and every health is there', () => {
    for (const { path, expected } of fixtures) expect(path).toMatch(`testdata/${expected.status.toLowerCase()}_`);
    const wanted = ['Degraded', 'Healthy', 'Progressing', ...(kind === 'AgentPolicy' ? ['Suspended'] : [])];
    expect([...new Set(fixtures.map(({ expected }) => expected.status))].sort()).toEqual(wanted);
  });

  test('fixtures are objects that the API server would store', () => {
    const crd = CRDS.find(({ spec }) => spec.names.kind === kind);
    if (crd === undefined) throw new Error(kind);
    const ajv = new Ajv({ allErrors: true, strict: false });
    addFormats.default(ajv, ['date-time']);
    const isStatus = ajv.compile(toJsonSchema(schemaOf(crd).properties?.status ?? {}, { closed: true }));
    for (const { object, path } of fixtures) {
      const findings = validateResource(asLoaded(storedPartsRemoved(object)));
      expect({ path, findings }).toEqual({ path, findings: [] });
      if (object.status === undefined) continue;
      isStatus(object.status);
      expect({ path, errors: isStatus.errors ?? [] }).toEqual({ path, errors: [] });
    }
  });

  test('agrees with kstatus on every fixture and on everything that the operator writes', () => {
    const objects = [
      ...fixtures.filter(({ object }) => object.status).map(({ object }) => object),
      ...realObjects(kind),
    ];
    runHealth(scriptOf(kind), objects).forEach((health, index) => {
      const object = objects[index];
      expect({ object, health, agree: agree(object, health) }).toEqual({ object, health, agree: true });
    });
    expect(realObjects(kind).length).toBeGreaterThan(2);
  });

  test('raises no error and names a health, whatever the object looks like', () => {
    const objects = fc.sample(anyObject(fixtures.map(({ object }) => object)), { numRuns: 500, seed: 42 });
    const codes = new Set<string | undefined>();
    runHealth(scriptOf(kind), objects).forEach((health, index) => {
      const known = /^(Healthy|Progressing|Degraded|Suspended)$/.test(health.status ?? '');
      expect({ object: known ? undefined : objects[index], health }).toEqual({ object: undefined, health });
      codes.add(health.status);
    });
    expect(codes.size).toBeGreaterThan(2);
  });
});

test('no script but that of AgentPolicy knows stages; the rest is the same text', () => {
  const common = (kind: HealthKind) => {
    const text = readFileSync(scriptOf(kind), 'utf8');
    return text.slice(text.indexOf('local function map'), text.indexOf('local ready ='));
  };
  for (const kind of KINDS) expect(common(kind)).toBe(common('AgentPolicy'));
});

test('argocd-cm.yaml holds the same scripts', () => {
  const text = readFileSync(join(ARGOCD, 'argocd-cm.yaml'), 'utf8');
  const { data, metadata, kind } = parse(text) as { data: object; metadata: { name: string }; kind: string };
  expect([kind, metadata.name]).toEqual(['ConfigMap', 'argocd-cm']);
  const key = (each: HealthKind) => `resource.customizations.health.aegis.dev_${each}`;
  expect(data).toEqual(Object.fromEntries(KINDS.map((each) => [key(each), readFileSync(scriptOf(each), 'utf8')])));
});

/** As it stands in Git: what the API server adds is not the user's. */
function storedPartsRemoved({ status: _, metadata, ...rest }: Fixture['object']): unknown {
  const { name, namespace } = metadata as { name?: string; namespace?: string };
  return { ...rest, metadata: { name, ...(namespace !== undefined && { namespace }) } };
}
