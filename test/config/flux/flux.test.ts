import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { parseAllDocuments, stringify } from 'yaml';
import { installed } from '../../apiserver/processes.ts';
import { ROOT } from '../../crds/load-schemas.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { fixturesOf, type HealthKind, KINDS } from '../argocd/fixtures.ts';
import { realObjects } from '../real-objects.ts';
import { documentsOf, fluxHealth, type HealthCheckExpressions } from './flux-health.ts';

const STEPS = documentsOf('kustomizations.yaml');
const [FINISHED] = documentsOf('rollout-finished.yaml');

function expressionsFor(kind: HealthKind): HealthCheckExpressions {
  const found = STEPS.flatMap(({ spec }) => spec.healthCheckExprs ?? []).filter((each) => each.kind === kind);
  expect(found).toHaveLength(1);
  return found[0] as HealthCheckExpressions;
}

/** An expression may not look at `status` where there is none, and the schema's default sees to it that there is. */
function objectsOf(kind: HealthKind): object[] {
  return [...fixturesOf(kind).flatMap(({ object }) => (object.status ? [object] : [])), ...realObjects(kind)];
}

describe.each(KINDS)('%s', (kind) => {
  test('the expressions say what kstatus says, of every fixture and of everything that the operator writes', () => {
    for (const object of objectsOf(kind)) {
      const verdict = kstatusOf(object);
      // the expressions know no deletion, and leave no object without `Ready` for finished
      const expected = verdict === 'Terminating' ? 'InProgress' : verdict;
      expect({ object, verdict: fluxHealth(expressionsFor(kind), object) }).toEqual({ object, verdict: expected });
    }
  });

  test('the expressions can be evaluated on every status that the schema admits, and agree with kstatus', () => {
    const condition = fc.record({
      type: fc.constantFrom('Ready', 'Reconciling', 'Stalled', 'RolloutComplete', 'Accepted'),
      status: fc.constantFrom('True', 'False', 'Unknown'),
      reason: fc.constantFrom('RolledBack', 'GateRunning', 'Pending'),
    });
    const status = fc.record(
      {
        observedGeneration: fc.integer({ min: -1, max: 3 }),
        conditions: fc.uniqueArray(condition, { selector: ({ type }) => type, maxLength: 5 }),
      },
      { requiredKeys: [] },
    );
    const metadata = fc.record(
      { generation: fc.integer({ min: 1, max: 3 }), deletionTimestamp: fc.constant('2026-03-02T08:00:00Z') },
      { requiredKeys: ['generation'] },
    );
    fc.assert(
      fc.property(metadata, status, (meta, given) => {
        const object = { metadata: meta, status: given };
        const types = new Set(given.conditions?.filter(({ status: is }) => is === 'True').map(({ type }) => type));
        fc.pre(!(types.has('Reconciling') && types.has('Stalled')));
        const verdict = kstatusOf(object);
        const said = given.conditions?.some(({ type }) => type === 'Ready') === true;
        const waits = verdict === 'Terminating' || (verdict === 'Current' && !said);
        expect(fluxHealth(expressionsFor(kind), object)).toBe(waits ? 'InProgress' : verdict);
      }),
      { numRuns: 300 },
    );
  });
});

test('a policy in shadow is Current for Flux, and not finished; at its target it is both', () => {
  const finished = FINISHED?.spec.healthCheckExprs?.[0] as HealthCheckExpressions;
  const verdicts = Object.fromEntries(
    fixturesOf('AgentPolicy')
      .filter(({ object }) => object.status !== undefined)
      .map(({ path, object }) => [
        path.replace(/^testdata\/(.*)\.yaml$/, '$1'),
        [fluxHealth(expressionsFor('AgentPolicy'), object), fluxHealth(finished, object)].join(', '),
      ]),
  );
  expect(verdicts).toEqual({
    progressing_new: 'InProgress, InProgress',
    progressing_olderGeneration: 'InProgress, InProgress',
    progressing_deletion: 'InProgress, InProgress',
    progressing_reconciling: 'InProgress, InProgress',
    progressing_readyUnknown: 'InProgress, InProgress',
    progressing_oneGatewayBehind: 'InProgress, InProgress',
    progressing_toolComesLater: 'InProgress, InProgress',
    degraded_stalled: 'Failed, Failed',
    degraded_rolledBack: 'Current, Failed',
    healthy_enforced: 'Current, Current',
    healthy_shadow: 'Current, Current',
    healthy_shadowBesideStable: 'Current, InProgress',
    healthy_partial: 'Current, InProgress',
    suspended_awaitingApproval: 'Current, InProgress',
    suspended_bySpec: 'Current, InProgress',
  });
});

test('steps depend on each other in order, wait, and never prune the CRDs', () => {
  expect(STEPS.map(({ metadata }) => metadata.name)).toEqual([
    'aegis-crds',
    'aegis-operator',
    'aegis-tenants',
    'aegis-tools',
    'aegis-registrations',
    'aegis-policies',
  ]);
  STEPS.forEach(({ spec }, index) => {
    expect(spec.dependsOn?.map(({ name }) => name) ?? []).toEqual(
      STEPS.slice(Math.max(0, index - 1), index).map(({ metadata }) => metadata.name),
    );
    expect(spec.wait).toBe(true);
    expect(spec.prune).toBe(index !== 0);
  });
  const sources = documentsOf('source.yaml').map(({ metadata }) => metadata.name);
  for (const { spec } of [...STEPS, ...documentsOf('rollout-finished.yaml')]) {
    expect(sources).toContain(spec.sourceRef.name);
  }
  // `wait: true` would make Flux ignore the chosen objects
  expect([FINISHED?.spec.wait, FINISHED?.spec.healthChecks?.length]).toEqual([undefined, 1]);
});

test("the operator's step applies no CRD, and everything else", () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'aegis-flux-')));
  const kindsOf = (content: object) => {
    writeFileSync(join(folder, 'kustomization.yaml'), stringify(content));
    const output = execFileSync(installed('kubectl'), ['kustomize', folder], { encoding: 'utf8' });
    return parseAllDocuments(output).map((each) => (each.toJS() as { kind: string }).kind);
  };
  try {
    const { path = '', patches = [] } = STEPS.find(({ metadata }) => metadata.name === 'aegis-operator')?.spec ?? {};
    const resources = [relative(folder, join(ROOT, path))];
    const all = kindsOf({ resources });
    expect(all).toContain('CustomResourceDefinition');
    expect(kindsOf({ resources, patches })).toEqual(all.filter((kind) => kind !== 'CustomResourceDefinition'));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
