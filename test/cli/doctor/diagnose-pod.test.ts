import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Diagnosis, findingsOf, unknownsOf } from '../../../cli/doctor/check.ts';
import { diagnosePod } from '../../../cli/doctor/diagnose-pod.ts';
import type { LivePod, PodSnapshot } from '../../../cli/doctor/snapshot.ts';
import { doctorText } from '../../../cli/output/doctor-text.ts';
import { GUARD_PROBLEMS, type GuardProblem } from '../../../policy/wire/pod-contract.ts';
import {
  FORBIDDEN,
  installation,
  namespaceObject,
  POLICY,
  pod,
  read,
  registration,
  STAMP,
  snapshot,
  TOOL,
  webhooks,
  withCondition,
} from './snapshots.ts';

function codes({ sections }: Diagnosis): string[] {
  return sections.flatMap(({ checks }) => checks.flatMap(({ code }) => (code === undefined ? [] : [code])));
}

const diagnosed = (change: Partial<PodSnapshot>) => diagnosePod(snapshot(change));

/** A pod whose parts are not as they were stamped. */
function broken(change: (pod: LivePod) => void): LivePod {
  const object = structuredClone(pod());
  change(object);
  return object;
}

const gateway = (object: LivePod) => {
  const found = object.status?.initContainerStatuses?.[0];
  if (found === undefined) throw new Error('no gateway');
  return found;
};

const EXPLICIT = { ...STAMP, capture: 'Explicit' as const, guarded: false, problems: ['PodSecurity' as const] };
const ROOT = { ...STAMP, guarded: false, problems: ['RootUser' as const, 'PrivilegeEscalation' as const] };
const DUPLICATE = { ...registration(), metadata: { name: 'other', namespace: 'fintech', generation: 2 } };

/** Each state of a cluster with the codes that it must give, in order. */
const CASES: Record<string, [Partial<PodSnapshot>, string[]]> = {
  healthy: [{}, []],
  'no-pod': [{ pod: read(undefined) }, ['PodNotFound']],
  'namespace-not-labelled': [
    { namespace: read(namespaceObject({})), pod: read(pod({ stamp: undefined })) },
    ['NamespaceNotLabelled', 'PodsPredateInjection', 'NotInjected'],
  ],
  'label-with-a-typo': [{ namespace: read(namespaceObject({ 'aegis.dev/inject': 'true' })) }, ['NamespaceNotLabelled']],
  'opted-out': [
    { pod: read(pod({ stamp: undefined, labels: { 'aegis.dev/inject': 'false' } })) },
    ['OptedOut', 'PodsPredateInjection', 'NotInjected'],
  ],
  'no-registration': [{ registrations: read([]), pod: read(pod({ stamp: undefined })) }, ['NoRegistration']],
  'selector-does-not-fit': [{ pod: read(pod({ stamp: undefined, labels: { app: 'x' } })) }, ['NoRegistration']],
  'wrong-account': [
    { pod: read(broken((object) => Object.assign(object.spec ?? {}, { serviceAccountName: 'default' }))) },
    ['ServiceAccountMismatch'],
  ],
  'two-registrations': [{ registrations: read([registration(), DUPLICATE]) }, ['AmbiguousPods']],
  'unreadable-stamp': [{ pod: read(pod({ stamp: '{"version":2}' })) }, ['StampUnreadable', 'NotInjected']],
  'other-guard': [{ registrations: read([registration({ egressGuard: 'Observe' })]) }, ['OutdatedPods']],
  relabelled: [{ pod: read(pod({ stamp: { ...STAMP, registration: 'planner' } })) }, ['OutdatedPods']],
  'forged-stamp': [
    { pod: read(broken((object) => Object.assign(object.spec ?? {}, { initContainers: [] }))) },
    ['GatewayMissing'],
  ],
  'order-reversed': [
    { pod: read(broken((object) => object.spec?.initContainers?.reverse())) },
    ['GatewayNotFirst', 'CaptureMissing'],
  ],
  'no-sidecar': [
    { pod: read(broken(({ spec }) => delete spec?.initContainers?.[0]?.restartPolicy)) },
    ['GatewayNotSidecar'],
  ],
  'out-of-memory': [
    {
      pod: read(
        broken((object) =>
          Object.assign(gateway(object), {
            ready: false,
            restartCount: 3,
            lastState: { terminated: { reason: 'OOMKilled', exitCode: 137 } },
          }),
        ),
      ),
    },
    ['GatewayOOMKilled'],
  ],
  'image-missing': [
    {
      pod: read(
        broken((object) =>
          Object.assign(gateway(object), { ready: false, state: { waiting: { reason: 'ImagePullBackOff' } } }),
        ),
      ),
    },
    ['GatewayNotReady'],
  ],
  'not-started': [
    { pod: read(broken((object) => Object.assign(object, { status: { phase: 'Pending' } }))) },
    ['GatewayNotReady', 'CaptureFailed'],
  ],
  'capture-failed': [
    {
      pod: read(
        broken(({ status }) =>
          Object.assign(status?.initContainerStatuses?.[1] ?? {}, { state: { terminated: { exitCode: 1 } } }),
        ),
      ),
    },
    ['CaptureFailed'],
  ],
  'host-network': [
    { pod: read(broken((object) => Object.assign(object.spec ?? {}, { hostNetwork: true }))) },
    ['HostNetwork'],
  ],
  restricted: [
    {
      namespace: read(
        namespaceObject({ 'aegis.dev/inject': 'enabled', 'pod-security.kubernetes.io/enforce': 'restricted' }),
      ),
      pod: read(pod({ stamp: EXPLICIT })),
    },
    ['PodSecurity'],
  ],
  'root-user': [{ pod: read(pod({ stamp: ROOT })) }, ['RootUser']],
  'not-accepted': [
    {
      registrations: read([
        withCondition(
          withCondition(registration(), 'Accepted', 'False', 'UnknownField', 'spec.toolz: There is no such field.'),
          'Programmed',
          'Unknown',
          'Blocked',
          'Not known before Accepted is True.',
        ),
      ]),
    },
    ['UnknownField'],
  ],
  'operator-behind': [
    { registrations: read([{ ...registration(), metadata: { ...registration().metadata, generation: 3 } }]) },
    ['OperatorBehind'],
  ],
  suspended: [{ registrations: read([registration({ suspended: true })]) }, ['Suspended']],
  'no-tool': [{ tools: { items: [] } }, ['UnknownTool']],
  'no-policy': [{ policies: { items: [] } }, ['NoPolicy']],
  'no-policy, observed': [
    { policies: { items: [] }, registrations: read([registration({ unmatched: 'Observe' })]) },
    [],
  ],
  'no-operator': [{ installation: installation({ deployments: read([]) }) }, ['OperatorMissing']],
  'no-webhooks': [
    { installation: installation({ injection: read(undefined), check: read(webhooks('aegis-pods', 'Ignore')) }) },
    ['WebhookMissing', 'WebhookIgnoresFailure'],
  ],
  'no-ca': [{ installation: installation({ injection: read(webhooks('x', 'Fail', '')) }) }, ['WebhookWithoutCa']],
  'not-installed': [{ installation: installation({ kindsKnown: false }) }, ['KindsMissing']],
};

test.each(Object.entries(CASES))('%s', (_, [change, expected]) => {
  expect(codes(diagnosed(change))).toEqual(expected);
});

/** Compared with the committed text; AEGIS_GOLDEN=write writes it. */
function expectGolden(name: string, text: string): void {
  const file = join(__dirname, 'golden', name);
  if (process.env.AEGIS_GOLDEN === 'write') writeFileSync(file, text);
  expect(text).toBe(readFileSync(file, 'utf8'));
}

test.each([
  'healthy',
  'namespace-not-labelled',
  'out-of-memory',
  'root-user',
  'not-accepted',
  'two-registrations',
])('%s reads well', (name) => {
  const [change] = CASES[name] as [Partial<PodSnapshot>, string[]];
  expectGolden(`${name}.txt`, doctorText(diagnosed(change), { colour: false, brief: false }));
});

test('observed egress with a proposal, and refused calls, read well', () => {
  const observing = registration({ egressGuard: 'Observe', egress: { allow: [{ host: 'internal.example.com' }] } });
  const observed = [
    { destination: '10.2.0.7', port: 5432, protocol: 'tcp' as const, connections: 4031, refused: true },
    { destination: 'internal.example.com', port: 443, protocol: 'tcp' as const, connections: 1, refused: false },
    { destination: 'pypi.org', port: 443, protocol: 'tcp' as const, connections: 12, refused: true },
  ];
  const seen = { ...observing, status: { ...observing.status, egress: { destinations: 3, observed } } };
  const regarding = { kind: 'AgentRegistration', namespace: 'fintech', name: 'finance-agent' };
  const event = { apiVersion: 'events.k8s.io/v1', kind: 'Event', metadata: { name: 'x' }, reason: 'PolicyViolation' };
  const note =
    '1 call of stripe-payments/create_payment refused: CONDITION_FAILED by fintech/finance-payments/cap-payments';
  const diagnosis = diagnosed({
    registrations: read([seen]),
    pod: read(pod({ stamp: { ...STAMP, egressGuard: 'Observe', guarded: false, problems: ['RootUser'] } })),
    violations: read([
      { ...event, regarding, note, eventTime: '2026-03-01T08:00:00.000000Z' },
      { ...event, regarding: { ...regarding, name: 'somebody-else' }, note: 'not this one' },
    ]),
  });
  expect(codes(diagnosis)).toEqual([]);
  expectGolden('observing.txt', doctorText(diagnosis, { colour: false, brief: false }));
});

test('what may not be read is neither fine nor absent', () => {
  const diagnosis = diagnosed({
    namespace: FORBIDDEN,
    policies: { items: [], incomplete: 'agentpolicies is forbidden.' },
    tools: { items: [], incomplete: 'agenttools is forbidden.' },
    violations: FORBIDDEN,
    installation: installation({ deployments: FORBIDDEN, injection: FORBIDDEN, check: FORBIDDEN }),
  });
  expect([findingsOf(diagnosis), unknownsOf(diagnosis)]).toEqual([0, 8]);
  expectGolden('forbidden.txt', doctorText(diagnosis, { colour: false, brief: false }));
  expect(unknownsOf(diagnosed({ pod: FORBIDDEN }))).toBe(1);
  expect(unknownsOf(diagnosed({ registrations: FORBIDDEN }))).toBe(1);
  // what was found counts, also where there may be more
  expect(unknownsOf(diagnosed({ tools: { items: [TOOL], incomplete: 'x' }, policies: { items: [POLICY] } }))).toBe(0);
});

test('colours only where they are asked for, and nothing that a terminal would obey', () => {
  const message = 'red \u001b[31m alert\u0007';
  const diagnosis = diagnosed({
    registrations: read([withCondition(registration(), 'Accepted', 'False', 'InvalidSpec', message)]),
  });
  const plain = doctorText(diagnosis, { colour: false, brief: false });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  expect(plain).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  const coloured = doctorText(diagnosis, { colour: true, brief: false });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly ours
  expect(coloured.replaceAll(/\u001b\[(3[123]|2|0)m/g, '')).toBe(plain);
});

test('a pod without a guard that was asked for is never fine, whatever else is', () => {
  const stamps = fc.record({
    capture: fc.constantFrom('Transparent' as const, 'Explicit' as const),
    problems: fc.subarray(Object.keys(GUARD_PROBLEMS) as GuardProblem[]),
  });
  fc.assert(
    fc.property(stamps, fc.boolean(), (stamp, none) => {
      const guarded = stamp.capture === 'Transparent' && stamp.problems.length === 0;
      const diagnosis = diagnosed({ pod: read(pod({ stamp: none ? undefined : { ...STAMP, ...stamp, guarded } })) });
      expect(findingsOf(diagnosis) === 0).toBe(guarded && !none);
    }),
  );
});
