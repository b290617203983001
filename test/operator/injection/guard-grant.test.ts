import fc from 'fast-check';
import { guardProblems } from '../../../operator/injection/guard-grant.ts';
import { injectPod } from '../../../operator/injection/inject-pod.ts';
import type { AdmittedPod, Container, SecurityContext } from '../../../operator/injection/types.ts';
import { GUARD_PROBLEMS, type GuardProblem } from '../../../policy/wire/pod-contract.ts';
import { pods } from './arbitrary-pods.ts';
import { digest, podOf, situation, type Variation } from './sample-injection.ts';

const SAFE: SecurityContext = { runAsUser: 1000, allowPrivilegeEscalation: false };
const agent = (securityContext: SecurityContext = {}): Container => ({
  name: 'agent',
  securityContext: { ...SAFE, ...securityContext },
});

function problems(pod: AdmittedPod, variation: Variation = {}, capture: 'Transparent' | 'Explicit' = 'Transparent') {
  const { namespace, settings } = situation(variation);
  return guardProblems(pod, namespace, settings, capture);
}

test('a pod whose containers say who they are, and can be nobody else, is guarded', () => {
  expect(problems(podOf({ containers: [agent(), agent()], initContainers: [agent()] }))).toEqual([]);
  const { runAsUser, ...rest } = SAFE;
  expect(
    problems(podOf({ securityContext: { runAsUser: 1000 }, containers: [{ name: 'a', securityContext: rest }] })),
  ).toEqual([]);
  expect(problems(podOf({ securityContext: { runAsUser: 0 }, containers: [agent()] }))).toEqual([]);
});

const CASES: [GuardProblem, AdmittedPod][] = [
  ['HostNetwork', podOf({ hostNetwork: true, containers: [agent()] })],
  ['HostProcesses', podOf({ hostPID: true, containers: [agent()] })],
  ['SharedProcesses', podOf({ shareProcessNamespace: true, containers: [agent()] })],
  ['HostIpc', podOf({ hostIPC: true, containers: [agent()] })],
  ['OwnNames', podOf({ dnsPolicy: 'None', dnsConfig: { nameservers: ['203.0.113.7'] }, containers: [agent()] })],
  ['OwnNames', podOf({ dnsConfig: { searches: ['example.com'] }, containers: [agent()] })],
  ['OwnNames', podOf({ hostAliases: [{ ip: '203.0.113.7', hostnames: ['api.example.com'] }], containers: [agent()] })],
  ['RootUser', podOf({ containers: [agent({ runAsUser: 0 })] })],
  [
    'RootUser',
    podOf({ containers: [{ name: 'a', securityContext: { allowPrivilegeEscalation: false, runAsNonRoot: true } }] }),
  ],
  [
    'RootUser',
    podOf({
      securityContext: { runAsUser: 0 },
      containers: [{ name: 'a', securityContext: { allowPrivilegeEscalation: false } }],
    }),
  ],
  ['GatewayUser', podOf({ containers: [agent({ runAsUser: 16001 })] })],
  [
    'GatewayUser',
    podOf({
      securityContext: { runAsUser: 16001 },
      containers: [{ name: 'a', securityContext: { allowPrivilegeEscalation: false } }],
    }),
  ],
  ['AddedCapabilities', podOf({ containers: [agent({ capabilities: { add: ['NET_BIND_SERVICE'], drop: ['ALL'] } })] })],
  ['PrivilegeEscalation', podOf({ containers: [{ name: 'a', securityContext: { runAsUser: 1000 } }] })],
  ['PrivilegeEscalation', podOf({ containers: [agent({ allowPrivilegeEscalation: true })] })],
  ['Privileged', podOf({ containers: [agent({ privileged: true })] })],
  ['HostPath', podOf({ containers: [agent()], volumes: [{ name: 'node', hostPath: { path: '/tmp' } }] })],
];

test.each(CASES)('%s (%#)', (problem, pod) => {
  expect(problems(pod)).toEqual([problem]);
  const [first] = pod.spec.containers as [Container];
  const others = { ...pod, spec: { ...pod.spec, containers: [agent(), first] } };
  const init = { ...pod, spec: { ...pod.spec, containers: [agent()], initContainers: [first] } };
  expect([problems(others), problems(init)]).toEqual([[problem], [problem]]);
});

test('options of DNS, and lists without anything, bring no names', () => {
  const dnsConfig = { nameservers: [], options: [{ name: 'ndots', value: '2' }] };
  expect(problems(podOf({ dnsPolicy: 'Default', dnsConfig, hostAliases: [], containers: [agent()] }))).toEqual([]);
  expect(problems(podOf({ dnsConfig: null, hostAliases: null, containers: [agent()] }))).toEqual([]);
});

test('without redirection there is no guard, and the reason is told apart', () => {
  const pod = podOf({ containers: [agent()] });
  expect(problems(pod, { namespace: { podSecurity: 'baseline' } }, 'Explicit')).toEqual(['PodSecurity']);
  expect(problems(pod, {}, 'Explicit')).toEqual(['NotRedirected']);
});

test('all there is to say is said, in the order of the contract', () => {
  const container: Container = {
    name: 'a',
    securityContext: { privileged: true, capabilities: { add: ['NET_ADMIN'] } },
  };
  const pod = podOf({
    containers: [container, agent({ runAsUser: 16001 })],
    hostNetwork: true,
    hostPID: true,
    shareProcessNamespace: true,
    hostIPC: true,
    hostAliases: [{ ip: '203.0.113.7', hostnames: ['api.example.com'] }],
    volumes: [{ name: 'n', hostPath: {} }],
  });
  const all = Object.keys(GUARD_PROBLEMS).filter((name) => name !== 'NotRedirected');
  expect(problems(pod, { namespace: { podSecurity: 'restricted' } }, 'Explicit')).toEqual(all);
});

test('what is not ours alone decides, whatever has been put in', () => {
  fc.assert(
    fc.property(pods, (pod) => {
      const { facts, namespace, settings } = situation({ registration: { egressGuard: 'Enforce' } });
      const injected = injectPod(pod, facts, namespace, settings, digest);
      const found = guardProblems(injected.pod, namespace, settings, 'Transparent');
      expect(guardProblems(pod, namespace, settings, 'Transparent')).toEqual(found);
      expect(injected.stamp.guarded).toBe(found.length === 0);
      expect(injected.stamp.problems ?? []).toEqual(found);
    }),
    { numRuns: 200 },
  );
});

test('a guard is granted only where one is asked for', () => {
  const pod = podOf({ containers: [agent()] });
  const stampOf = (egressGuard: 'Off' | 'Observe' | 'Enforce', of = pod) => {
    const { facts, namespace, settings } = situation({ registration: { egressGuard } });
    const { guarded, problems: found } = injectPod(of, facts, namespace, settings, digest).stamp;
    return [guarded, found];
  };
  expect([stampOf('Off'), stampOf('Observe'), stampOf('Enforce')]).toEqual([
    [false, undefined],
    [false, undefined],
    [true, undefined],
  ]);
  const root = podOf();
  expect([stampOf('Off', root), stampOf('Observe', root), stampOf('Enforce', root)]).toEqual([
    [false, undefined],
    [false, ['RootUser', 'PrivilegeEscalation']],
    [false, ['RootUser', 'PrivilegeEscalation']],
  ]);
});
