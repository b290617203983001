import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadedResource, Resource } from '../../policy/resources/resource.ts';
import { applyDefaults } from '../../policy/validation/apply-defaults.ts';
import { validateResource } from '../../policy/validation/validate-resource.ts';
import { toolPath } from '../../scripts/tool-path.ts';
import { asLoaded, fixturesIn, loadFixture } from '../policy/validation/load-fixture.ts';
import { CEL_CASES, changedObject } from './cel-cases.ts';
import { ROOT } from './load-schemas.ts';

/** What the API server's own code says; see tools/crdcheck. */
interface Verdict {
  errors: string[];
  object: Resource;
}

function crdcheck(mode: 'crds' | 'objects', input: string): unknown[] {
  const path = toolPath('crdcheck');
  if (!existsSync(path)) execFileSync('node', ['scripts/install-tools.ts', 'crdcheck'], { cwd: ROOT, stdio: 'ignore' });
  const options = { input, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
  const output = execFileSync(path, [mode, join(ROOT, 'crds')], options);
  return output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}

function ask(objects: { object: unknown; old?: unknown }[]): Verdict[] {
  return crdcheck('objects', objects.map((each) => JSON.stringify(each)).join('\n')) as Verdict[];
}

/** What the API server alone lets through, and Aegis refuses on purpose. */
const STRICTER = [
  /^AEGIS_RESOURCE_VERSION_UNKNOWN/, // The server has no such endpoint; crdcheck looks at the kind only.
  /^AEGIS_SCHEMA_TYPE \w+ is empty/, // Kept as null, so that the webhook and the compiler can refuse it.
  /^AEGIS_METADATA \w+ must be text/, // Refused by the server when it decodes ObjectMeta, which crdcheck does not.
];

const [COLD_START, FILES] = [
  300_000,
  [...fixturesIn('valid'), ...fixturesIn('invalid'), ...fixturesIn('invalid/semantic')],
];

function isStricter(resource: LoadedResource): boolean {
  const found = validateResource(resource, { unknownFields: 'ignore' });
  return (
    found.length > 0 && found.every(({ code, message }) => STRICTER.some((each) => each.test(`${code} ${message}`)))
  );
}

test(
  'the API server accepts every CRD: structural, rules compile, estimated cost within its limits',
  () => {
    const verdicts = crdcheck('crds', '') as { crd: string; errors: string[] }[];
    expect(verdicts).toHaveLength(7);
    for (const { crd, errors } of verdicts) expect({ crd, errors }).toEqual({ crd, errors: [] });
  },
  COLD_START,
);

test(
  'offline validation and the API server agree on every fixture',
  () => {
    const resources = FILES.flatMap((path) => loadFixture(path).resources);
    const verdicts = ask(resources.map(({ object }) => ({ object })));
    expect(verdicts).toHaveLength(resources.length);
    const disagreements = resources.flatMap((resource, index) => {
      const server = verdicts[index]?.errors ?? [];
      const ours = validateResource(resource, { unknownFields: 'ignore' });
      if ((server.length === 0) === (ours.length === 0) || (server.length === 0 && isStricter(resource))) return [];
      return [{ at: resource.locate([]), server, ours }];
    });
    expect(disagreements).toEqual([]);
    const refused = verdicts.filter(({ errors }) => errors.length > 0).length;
    expect(refused).toBeGreaterThan(60);
  },
  COLD_START,
);

test(
  'defaults are those of the API server',
  () => {
    const resources = fixturesIn('valid').flatMap((path) => loadFixture(path).resources);
    const verdicts = ask(resources.map(({ object }) => ({ object })));
    resources.forEach(({ object }, index) => {
      expect(JSON.parse(JSON.stringify(applyDefaults(object)))).toEqual(verdicts[index]?.object);
    });
  },
  COLD_START,
);

test(
  'an empty optional field reaches the webhook instead of being dropped',
  () => {
    const [resource] = loadFixture('invalid/026-empty-conditions.yaml').resources;
    const [verdict] = ask([{ object: resource?.object }]);
    expect(verdict?.object.spec).toHaveProperty('rules.0.conditions', null);
  },
  COLD_START,
);

test(
  'unknown fields reach the webhook instead of being dropped',
  () => {
    const misspelt = fixturesIn('invalid').filter((path) => /-(misspelt|snake-case|condition-beside)-/.test(path));
    expect(misspelt.length).toBeGreaterThan(15);
    const kept = misspelt.filter((each) => !each.includes('labels'));
    const resources = kept.map((path) => loadFixture(path).resources[0] as LoadedResource);
    const verdicts = ask(resources.map(({ object }) => ({ object })));
    const fieldsOf = (resource: LoadedResource) => validateResource(resource).map(({ field }) => field);
    expect(verdicts.map(({ object }) => fieldsOf(asLoaded(object)))).toEqual(resources.map(fieldsOf));
  },
  COLD_START,
);

test(
  'every rule passes and fails on the API server as it does here',
  () => {
    const objects = CEL_CASES.flatMap(({ kind, pass, fail, old }) =>
      [pass, fail].map((change) => ({
        object: changedObject(kind, change),
        ...(old === undefined ? {} : { old: changedObject(kind, old) }),
      })),
    );
    const verdicts = ask(objects);
    CEL_CASES.forEach(({ kind, rule }, index) => {
      expect({ kind, rule, errors: verdicts[2 * index]?.errors }).toEqual({ kind, rule, errors: [] });
      const refusal = (verdicts[2 * index + 1]?.errors ?? []).join('\n');
      expect(refusal.replaceAll('\\"', '"')).toContain(rule);
    });
  },
  COLD_START,
);
