/** What Argo CD (by the script that we ship) and kstatus say of every state that an operator meets. */
import { policyStatus } from '../../../operator/status/policy-status.ts';
import { registrationStatus } from '../../../operator/status/registration-status.ts';
import { tenantStatus } from '../../../operator/status/tenant-status.ts';
import { toolStatus } from '../../../operator/status/tool-status.ts';
import { scriptOf } from '../../config/argocd/fixtures.ts';
import { runHealth } from '../../config/argocd/lua.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { START } from './arbitraries.ts';
import { POLICIES, policyView, REGISTRATIONS, registrationView, TENANTS, TOOLS } from './sample-views.ts';

function healthOf(kind: Parameters<typeof scriptOf>[0], statuses: Record<string, unknown>): Record<string, string> {
  const objects = Object.values(statuses).map((status) => ({ kind, metadata: { name: 'x', generation: 1 }, status }));
  const argo = runHealth(scriptOf(kind), objects);
  const verdicts = objects.map((object, index) => `${kstatusOf(object)}, ${argo[index]?.status}`);
  return Object.fromEntries(Object.keys(statuses).map((name, index) => [name, verdicts[index] ?? '']));
}

function mapped<T>(samples: Readonly<Record<string, T>>, status: (sample: T) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(samples).map(([name, sample]) => [name, status(sample)]));
}

test('policies', () => {
  const statuses = mapped(POLICIES, (view) => policyStatus(view(START), undefined, START));
  expect(healthOf('AgentPolicy', statuses)).toEqual({
    enforced: 'Current, Healthy',
    'in-shadow': 'Current, Healthy',
    'first-shadow': 'Current, Healthy',
    'in-cohort': 'Current, Healthy',
    'awaiting-approval': 'Current, Suspended',
    'rolled-back': 'Current, Degraded',
    suspended: 'Current, Suspended',
    typo: 'Failed, Degraded',
    'typo-at-first': 'Failed, Degraded',
    'tool-comes-later': 'InProgress, Progressing',
    'tool-never-comes': 'Failed, Degraded',
    publishing: 'InProgress, Progressing',
    'api-server-away': 'InProgress, Progressing',
    'too-large': 'Failed, Degraded',
    'one-behind': 'InProgress, Progressing',
  });
});

test('registrations', () => {
  const statuses = mapped(REGISTRATIONS, (view) => registrationStatus(view(), undefined, START));
  expect(healthOf('AgentRegistration', statuses)).toEqual({
    bound: 'Current, Healthy',
    'no-pods': 'Current, Healthy',
    'predates-injection': 'InProgress, Progressing',
    'two-registrations': 'InProgress, Progressing',
    suspended: 'Current, Healthy',
    guarded: 'Current, Healthy',
    observing: 'Current, Healthy',
    'not-labelled': 'InProgress, Progressing',
    'not-labelled-yet': 'Current, Healthy',
    'label-removed': 'Current, Healthy',
    'stays-out': 'InProgress, Progressing',
    'wrong-account': 'InProgress, Progressing',
    'some-strays': 'Current, Healthy',
    starting: 'Current, Healthy',
    // a guard that is not granted holds up nothing: it says so
    'old-pods': 'Current, Healthy',
    'root-user': 'Current, Healthy',
    restricted: 'Current, Healthy',
    'taken-id': 'Failed, Degraded',
  });
});

test('tools and tenants', () => {
  expect(
    healthOf(
      'AgentTool',
      mapped(TOOLS, (view) => toolStatus(view(), undefined, START)),
    ),
  ).toEqual({
    used: 'Current, Healthy',
    unused: 'Current, Healthy',
    broken: 'Failed, Degraded',
  });
  expect(
    healthOf(
      'AgentTenant',
      mapped(TENANTS, (view) => tenantStatus(view(), undefined, START)),
    ),
  ).toEqual({
    published: 'Current, Healthy',
    frozen: 'Current, Healthy',
    'no-key': 'Failed, Degraded',
  });
});

const condition = (status: { conditions?: { type: string }[] }, type: string) =>
  status.conditions?.find((each) => each.type === type);

test('a problem of the tenant holds up what is not published, and nothing that is', () => {
  const problem = {
    condition: 'BundlePublished' as const,
    reason: 'SigningKeyUnavailable',
    message: 'There is no key.',
    terminal: true,
  };
  const { published: _, ...unpublished } = policyView({ problem });
  expect(condition(policyStatus(unpublished, undefined, START), 'Stalled')).toMatchObject({ reason: problem.reason });
  expect(condition(policyStatus(policyView({ problem }), undefined, START), 'Ready')).toMatchObject({ status: 'True' });
});

test('a mistake counts before a missing reference, and does not wait for it', () => {
  const missing = { since: START, what: 'There is no tool "x".' };
  const mistake = { code: 'AEGIS_REGEX', severity: 'error', message: 'The pattern is no RE2.' } as const;
  const status = policyStatus(policyView({ missing, findings: [mistake], takesPart: 'none' }), undefined, START);
  expect(condition(status, 'Stalled')).toMatchObject({ reason: 'InvalidRule' });
});

test.each([
  ['Off', 'NotRequested'],
  ['Observe', 'NotInjected'],
  ['Enforce', 'NotInjected'],
] as const)('an egress guard that is %s is not said to be in force', (egressGuard, reason) => {
  const status = registrationStatus(registrationView({ egressGuard }), undefined, START);
  expect(condition(status, 'EgressGuarded')).toMatchObject({ status: 'False', reason });
  expect(status.egressGuard).toBe('Off');
});

test('what is being deleted is neither ready nor failed', () => {
  const status = policyStatus(policyView({ deleting: true }), undefined, START);
  expect(condition(status, 'Ready')).toMatchObject({ status: 'False', reason: 'Deleting' });
  expect(condition(status, 'Reconciling')).toMatchObject({ status: 'True', reason: 'Deleting' });
});

test('a new leader that has not heard of every gateway yet changes nothing', () => {
  const before = policyStatus(policyView(), undefined, START);
  const settling = policyView({ pods: { matched: 0, acknowledged: 0, settling: true } });
  expect(policyStatus(settling, before, START + 1000)).toEqual(before);
  const other = policyStatus({ ...settling, generation: 2 }, before, START + 1000);
  expect(other.agents?.summary).toBe('0/0');
  const bound = registrationStatus(registrationView(), undefined, START);
  const pods = { matched: 3, injected: 0, acknowledged: 0, ambiguous: 0, settling: true };
  expect(registrationStatus(registrationView({ pods }), bound, START + 1000)).toEqual(bound);
  const [more] = [registrationStatus(registrationView({ pods: { ...pods, matched: 4 } }), bound, START + 1000)];
  expect(condition(more, 'Injected')).toMatchObject({ status: 'False', reason: 'PodsPredateInjection' });
  expect(condition(more, 'Programmed')).toMatchObject({ status: 'Unknown', reason: 'Blocked' });
});
