/** Why the pods of an agent are not protected, as conditions of its registration. */
import fc from 'fast-check';
import { MAX_MESSAGE } from '../../../operator/status/clip-text.ts';
import { registrationStatus } from '../../../operator/status/registration-status.ts';
import { differenceOf } from '../../../operator/status/status-difference.ts';
import type { RegistrationView } from '../../../operator/status/views.ts';
import { guardFacts } from '../../../operator/workloads/guard-facts.ts';
import { GUARD_PROBLEMS, type GuardProblem, type PodStamp } from '../../../policy/wire/pod-contract.ts';
import { registrationView as anyView, START } from './arbitraries.ts';
import { guard, guardedView, REGISTRATIONS } from './sample-views.ts';

const made = (view: RegistrationView) => registrationStatus(view, undefined, START);

function condition(view: RegistrationView, type: string) {
  const found = made(view).conditions?.find((each) => each.type === type);
  if (found === undefined) throw new Error(`no ${type}`);
  return found;
}

const short = (view: RegistrationView, type: string): string => {
  const { status, reason } = condition(view, type);
  return `${status} ${reason}`;
};

test('every sample at a glance: Injected, EgressGuarded, and what is in force', () => {
  const rows = Object.entries(REGISTRATIONS).map(([name, view]) => {
    const { egressGuard } = made(view());
    return [name, short(view(), 'Injected'), short(view(), 'EgressGuarded'), egressGuard];
  });
  expect(rows).toEqual([
    ['bound', 'True AllInjected', 'False NotRequested', 'Off'],
    ['no-pods', 'True NoMatchingPods', 'False NotRequested', 'Off'],
    ['predates-injection', 'False PodsPredateInjection', 'False NotRequested', 'Off'],
    ['two-registrations', 'True AllInjected', 'False NotRequested', 'Off'],
    ['suspended', 'True AllInjected', 'False NotInjected', 'Off'],
    ['guarded', 'True AllInjected', 'True Guarded', 'Enforce'],
    ['observing', 'True AllInjected', 'False Observing', 'Observe'],
    ['not-labelled', 'False NamespaceNotLabelled', 'False NotInjected', 'Off'],
    ['not-labelled-yet', 'True NamespaceNotLabelled', 'False NoMatchingPods', 'Off'],
    ['label-removed', 'True AllInjected', 'True Guarded', 'Enforce'],
    ['stays-out', 'False OptedOut', 'False NotInjected', 'Off'],
    ['wrong-account', 'False ServiceAccountMismatch', 'False NoMatchingPods', 'Off'],
    ['some-strays', 'True AllInjected', 'True Guarded', 'Enforce'],
    ['starting', 'True AllInjected', 'True Guarded', 'Enforce'],
    ['old-pods', 'True AllInjected', 'False OutdatedPods', 'Observe'],
    ['root-user', 'True AllInjected', 'False RootUser', 'Off'],
    ['restricted', 'True ExplicitCapture', 'False PodSecurity', 'Off'],
    ['taken-id', 'Unknown Blocked', 'False NotRequested', 'Off'],
  ]);
});

test('pods with other settings than new ones get are as protected as before, and a warning says so', () => {
  const template = `sha256:${'b'.repeat(64)}`;
  const running = [{ stamp: { ...GOOD, template } }, { stamp: GOOD }, { stamp: GOOD }];
  const view = (wanted?: string) =>
    guardedView({ guard: guardFacts(running, { name: 'finance-agent', egressGuard: 'Enforce', template: wanted }) });
  expect(short(view(template), 'EgressGuarded')).toBe('True Guarded');
  expect(made(view(template)).warnings).toEqual([expect.stringContaining('kubectl rollout restart')]);
  expect(made(view(GOOD.template)).warnings).toHaveLength(1);
  // not known: nothing is said
  expect(made(view()).warnings).toBeUndefined();
});

test('messages name the next step', () => {
  const message = (name: string, type: string) =>
    condition((REGISTRATIONS[name] as () => RegistrationView)(), type).message;
  expect(message('not-labelled', 'Injected')).toContain('kubectl label namespace fintech aegis.dev/inject=enabled');
  expect(message('wrong-account', 'Injected')).toContain('Let them run as "finance-agent"');
  expect(message('predates-injection', 'Injected')).toContain('kubectl rollout restart');
  expect(message('root-user', 'EgressGuarded')).toBe(
    'spec.egressGuard is Enforce, but the guard is not granted. RootUser (2 pods): a container has no explicit user ' +
      'other than root. Set runAsUser of every container to another number than 0. PrivilegeEscalation (1 pod): a ' +
      'container does not forbid privilege escalation. Set allowPrivilegeEscalation: false.',
  );
});

test('what will not work for the next pods is a warning', () => {
  const warnings = (name: string) => made((REGISTRATIONS[name] as () => RegistrationView)()).warnings;
  expect(warnings('label-removed')).toEqual([expect.stringContaining('The next pods get no gateway')]);
  expect(warnings('some-strays')).toEqual([expect.stringContaining('their ServiceAccount does not')]);
  expect(warnings('guarded')).toBeUndefined();
});

test('Ready takes over why pods are not protected', () => {
  expect(short((REGISTRATIONS['not-labelled'] as () => RegistrationView)(), 'Ready')).toBe(
    'False NamespaceNotLabelled',
  );
  expect(short((REGISTRATIONS.starting as () => RegistrationView)(), 'Ready')).toBe('True Bound');
});

test('a guard from before is told of, also where none is wanted any more', () => {
  const view = guardedView({ egressGuard: 'Off', guard: guard({ outdated: 3 }) });
  expect(condition(view, 'EgressGuarded')).toMatchObject({ status: 'False', reason: 'NotRequested' });
  expect(condition(view, 'EgressGuarded').message).toContain('until they are restarted');
  expect(made(view).egressGuard).toBe('Enforce');
});

test('all problems at once still fit, and are in the order of the contract', () => {
  const problems = Object.fromEntries(Object.keys(GUARD_PROBLEMS).map((code) => [code, 123_456]));
  const view = guardedView({ guard: guard({ guards: { Off: 3, Observe: 0, Enforce: 0 }, problems }) });
  const { reason, message } = condition(view, 'EgressGuarded');
  expect(reason).toBe('PodSecurity');
  expect(Buffer.byteLength(message)).toBeLessThanOrEqual(MAX_MESSAGE);
});

const stamp = fc
  .record({
    registration: fc.constantFrom('finance-agent', 'finance-agent', 'another'),
    capture: fc.constantFrom('Transparent' as const, 'Transparent' as const, 'Explicit' as const),
    egressGuard: fc.constantFrom('Off' as const, 'Observe' as const, 'Enforce' as const, 'Enforce' as const),
    problems: fc.option(fc.subarray(Object.keys(GUARD_PROBLEMS) as GuardProblem[]), { nil: undefined, freq: 3 }),
  })
  .map(({ problems, ...rest }): PodStamp => {
    const guarded = rest.capture === 'Transparent' && (problems ?? []).length === 0;
    const common = { version: 1 as const, agent: 'a', tenant: 't', template: `sha256:${'a'.repeat(64)}`, guarded };
    return { ...common, ...rest, ...(problems !== undefined && { problems }) };
  });
const GOOD: PodStamp = {
  ...{ version: 1, registration: 'finance-agent', agent: 'a', tenant: 't', template: `sha256:${'a'.repeat(64)}` },
  ...{ capture: 'Transparent', egressGuard: 'Enforce', guarded: true },
};
const pod = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ stamp: GOOD }) },
  { weight: 3, arbitrary: stamp.map((each) => ({ stamp: each })) },
  { weight: 1, arbitrary: fc.constant({}) },
);
const pods = fc.array(pod, { minLength: 1, maxLength: 4 });
const wanted = fc.constantFrom('Off' as const, 'Observe' as const, 'Enforce' as const);

test('never guarded unless Enforce is wanted and every pod has it, never in force what one pod lacks', () => {
  let guardedOnes = 0;
  fc.assert(
    fc.property(pods, wanted, fc.nat({ max: 1 }), (running, egressGuard, without) => {
      const counts = { matched: running.length, injected: running.length - without, ambiguous: 0 };
      const view = guardedView({
        egressGuard,
        pods: { ...counts, acknowledged: counts.injected },
        guard: guardFacts(running, { name: 'finance-agent', egressGuard }),
      });
      const status = made(view);
      const all = (test: (each: PodStamp) => boolean) =>
        without === 0 && running.every((pod) => 'stamp' in pod && test(pod.stamp));
      const { status: guarded } = condition(view, 'EgressGuarded');
      const isGuarded = ({ registration, guarded: granted, ...each }: PodStamp) =>
        registration === 'finance-agent' && granted && each.egressGuard === 'Enforce';
      expect(guarded).toBe(egressGuard === 'Enforce' && all(isGuarded) ? 'True' : 'False');
      if (guarded === 'True') guardedOnes++;
      if (status.egressGuard === 'Enforce') {
        expect(all((each) => each.guarded && each.egressGuard === 'Enforce')).toBe(true);
      }
      if (status.egressGuard === 'Observe') {
        expect(all((each) => each.capture === 'Transparent' && each.egressGuard !== 'Off')).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
  expect(guardedOnes).toBeGreaterThan(10);
});

test('whatever the counts are, a guard that is not Enforce is never called guarded', () => {
  fc.assert(
    fc.property(anyView, (view) => {
      if (condition(view, 'EgressGuarded').status === 'True') expect(view.egressGuard).toBe('Enforce');
    }),
  );
});

test('the order in which gateways report changes nothing, and counts alone are a detail', () => {
  const observed = Array.from({ length: 60 }, (_, index) => ({
    destination: `host-${index % 50}.example.com`,
    port: 443,
    protocol: 'tcp' as const,
    connections: index,
    refused: true,
  }));
  const before = made(guardedView({ egress: observed }));
  expect(before.egress?.destinations).toBe(50);
  expect(before.egress?.observed).toHaveLength(32);
  const names = before.egress?.observed?.map(({ destination }) => destination) ?? [];
  expect(names).toEqual([...names].sort());
  fc.assert(
    fc.property(fc.shuffledSubarray(observed, { minLength: 60, maxLength: 60 }), (turned) => {
      expect(made(guardedView({ egress: turned }))).toEqual(before);
    }),
    { numRuns: 20 },
  );
  const more = made(guardedView({ egress: observed.map((each) => ({ ...each, connections: each.connections + 7 })) }));
  expect(differenceOf('AgentRegistration', more, before)).toBe('detail');
});

test.each(Object.keys(GUARD_PROBLEMS) as GuardProblem[])('%s alone is the reason', (problem) => {
  const view = guardedView({
    guard: guard({ guards: { Off: 1, Observe: 0, Enforce: 2 }, problems: { [problem]: 1 } }),
  });
  expect(condition(view, 'EgressGuarded')).toMatchObject({ status: 'False', reason: problem });
  expect(condition(view, 'EgressGuarded').message).toContain(`${problem} (1 pod): ${GUARD_PROBLEMS[problem]}.`);
});
