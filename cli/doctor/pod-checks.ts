/** What was put into the pod, whether it still stands there and runs, and whether the guard can be escaped. */
import type { KubeObject } from '../../operator/kube/types.ts';
import { GUARD_REMEDIES } from '../../operator/status/injection-aspects.ts';
import { POD_SECURITY_LABEL } from '../../operator/workloads/namespace-facts.ts';
import {
  CAPTURE_CONTAINER,
  GATEWAY_CONTAINER,
  GUARD_PROBLEMS,
  type PodStamp,
  STAMP_ANNOTATION,
} from '../../policy/wire/pod-contract.ts';
import { readStamp } from '../../policy/wire/read-stamp.ts';
import { type Check, failed, ok, skipped, unknown } from './check.ts';
import { viewOf } from './membership-checks.ts';
import { restartCommand } from './restart-command.ts';
import { type ContainerStatus, type LivePod, labelsOf, type Read, type Registration } from './snapshot.ts';

export function podChecks(
  pod: LivePod,
  namespace: Read<KubeObject | undefined>,
  registration: Registration | undefined,
): Check[] {
  const text = pod.metadata.annotations?.[STAMP_ANNOTATION];
  const stamp = readStamp(text);
  const hasGateway = containersOf(pod).includes(GATEWAY_CONTAINER);
  return [
    stamped(pod, text, stamp, registration),
    ...(hasGateway || stamp !== undefined ? containers(pod, stamp) : [skipped('containers', 'nothing was put in')]),
    hostNetwork(pod),
    podSecurity(namespace),
    guard(pod, stamp, registration),
  ];
}

function stamped(
  pod: LivePod,
  text: string | undefined,
  stamp: PodStamp | undefined,
  registration: Registration | undefined,
): Check {
  const title = 'stamp of the webhook';
  const again = restartCommand(pod, viewOf(pod).namespace);
  if (text === undefined) {
    if (registration === undefined) return skipped(title, 'the pod is no agent');
    const why = `The pod was started before namespace or agent were registered, or past the webhook: nothing was put into it.`;
    return failed(title, 'PodsPredateInjection', why, again);
  }
  if (stamp === undefined) {
    const why = `The annotation ${STAMP_ANNOTATION} is not what this version of the operator writes.`;
    return failed(title, 'StampUnreadable', why, again);
  }
  // a restart would not help, and could be refused
  if (registration === undefined) {
    return skipped(title, `started for registration ${stamp.registration}, and of none now`);
  }
  const wanted = registration.spec.egressGuard ?? 'Off';
  if (stamp.registration !== registration.metadata.name) {
    const why = `The pod was started for registration ${stamp.registration} and belongs to ${registration.metadata.name} now.`;
    return failed(title, 'OutdatedPods', why, again);
  }
  if (stamp.egressGuard !== wanted) {
    const why = `The pod was started with egressGuard ${stamp.egressGuard}; the registration asks for ${wanted}.`;
    return failed(title, 'OutdatedPods', why, again);
  }
  return ok(title, `agent ${stamp.agent} of tenant ${stamp.tenant}, capture ${stamp.capture}`);
}

function containers(pod: LivePod, stamp: PodStamp | undefined): Check[] {
  const namespace = viewOf(pod).namespace;
  const { name } = pod.metadata;
  const title = 'gateway is the first container';
  const inits = pod.spec?.initContainers ?? [];
  const again = restartCommand(pod, namespace);
  const [first, second] = inits;
  if (!containersOf(pod).includes(GATEWAY_CONTAINER)) {
    const why = `The pod is stamped and has no container ${GATEWAY_CONTAINER}: the stamp was copied or forged.`;
    return [failed(title, 'GatewayMissing', why, `remove ${STAMP_ANNOTATION} from the pod template`, again)];
  }
  const checks: Check[] = [];
  if (first?.name !== GATEWAY_CONTAINER) {
    const why = `${GATEWAY_CONTAINER} is not the first init container: what comes before it runs without it.`;
    checks.push(failed(title, 'GatewayNotFirst', why, again));
  } else if (first.restartPolicy !== 'Always') {
    const why = `${GATEWAY_CONTAINER} has no restartPolicy Always: it does not run beside the other containers.`;
    checks.push(failed(title, 'GatewayNotSidecar', why, again));
  } else checks.push(ok(title));
  if (stamp?.capture === 'Transparent') {
    const right = 'capture comes right after it';
    if (second?.name === CAPTURE_CONTAINER) checks.push(ok(right));
    else {
      const why = `${CAPTURE_CONTAINER} is not the second init container: traffic is not redirected as stamped.`;
      checks.push(failed(right, 'CaptureMissing', why, again));
    }
  }
  return [...checks, ...running(pod, `kubectl logs ${name} -c ${GATEWAY_CONTAINER} -n ${namespace}`, stamp)];
}

function running(pod: LivePod, logs: string, stamp: PodStamp | undefined): Check[] {
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  const of = (name: string) => statuses.find((status) => status.name === name);
  const checks = [gatewayRuns(of(GATEWAY_CONTAINER), logs)];
  if (stamp?.capture === 'Transparent') checks.push(captureRan(of(CAPTURE_CONTAINER), logs));
  return checks;
}

function gatewayRuns(status: ContainerStatus | undefined, logs: string): Check {
  const title = 'gateway is ready';
  if (status === undefined) return failed(title, 'GatewayNotReady', 'The node has not started it yet.', describe(logs));
  const { restartCount = 0, lastState, state } = status;
  const last = lastState?.terminated;
  const restarts = restartCount === 0 ? '' : `, restarted ${restartCount} ${restartCount === 1 ? 'time' : 'times'}`;
  if (last?.reason === 'OOMKilled' || state?.terminated?.reason === 'OOMKilled') {
    const why = `The gateway was killed because it needed more memory than its limit${restarts}. Calls fail while it starts again.`;
    return failed(title, 'GatewayOOMKilled', why, 'raise memory in injection.limits of the operator', logs);
  }
  if (status.ready !== true) {
    const reason = state?.waiting?.reason ?? state?.terminated?.reason;
    const why = `The gateway is not ready${reason === undefined ? '' : ` (${reason})`}${restarts}: every call of the pod is refused.`;
    return failed(title, 'GatewayNotReady', why, logs);
  }
  const ended = last === undefined ? '' : `, last ended ${last.reason ?? 'for no reason'} (${last.exitCode ?? '?'})`;
  return ok(title, restarts === '' ? undefined : `${restarts}${ended}`.slice(2));
}

function captureRan(status: ContainerStatus | undefined, logs: string): Check {
  const title = 'capture is set up';
  const ended = status?.state?.terminated ?? status?.lastState?.terminated;
  if (ended?.exitCode === 0) return ok(title);
  const why =
    ended === undefined
      ? 'The init container has not run to its end: no other container starts before that.'
      : `The init container failed with ${ended.exitCode ?? '?'}: no other container starts.`;
  return failed(title, 'CaptureFailed', why, logs.replace(`-c ${GATEWAY_CONTAINER}`, `-c ${CAPTURE_CONTAINER}`));
}

function describe(logs: string): string {
  return logs.replace('kubectl logs', 'kubectl describe pod').replace(` -c ${GATEWAY_CONTAINER}`, '');
}

function hostNetwork({ spec }: LivePod): Check {
  const title = 'network of its own';
  if (spec?.hostNetwork !== true) return ok(title);
  const why = `${GUARD_PROBLEMS.HostNetwork}: there is no place for a gateway, and a new pod like this is refused.`;
  return failed(
    title,
    'HostNetwork',
    `${why.charAt(0).toUpperCase()}${why.slice(1)}`,
    'remove hostNetwork from the pod template',
  );
}

/** What it means for the guard is said there. */
function podSecurity(namespace: Read<KubeObject | undefined>): Check {
  const title = 'Pod Security level';
  if (!namespace.ok) return unknown(title, namespace.why);
  const level = (namespace.value && labelsOf(namespace.value)[POD_SECURITY_LABEL]) ?? 'privileged';
  if (level === 'privileged') return ok(title, level);
  return ok(title, `${level}: capture by proxy variables, base URLs and ports per tool, without a guard`);
}

function guard(pod: LivePod, stamp: PodStamp | undefined, registration: Registration | undefined): Check {
  const title = 'egress guard';
  const wanted = stamp?.egressGuard ?? registration?.spec.egressGuard ?? 'Off';
  if (wanted === 'Off') return skipped(title, 'spec.egressGuard is Off: the pod can reach hosts that are no tools');
  if (stamp === undefined) {
    const why = `spec.egressGuard is ${wanted}, and nothing was put into the pod.`;
    return failed(title, 'NotInjected', why, restartCommand(pod, viewOf(pod).namespace));
  }
  const problems = stamp.problems ?? [];
  if (stamp.guarded) return ok(title, 'Enforce');
  if (wanted === 'Observe' && stamp.capture === 'Transparent') {
    const later = problems.length === 0 ? '' : `; Enforce would not be granted: ${problems.join(', ')}`;
    return ok(title, `Observe: nothing is refused${later}`);
  }
  const [first = 'ExplicitCapture'] = problems;
  const why = problems.map((problem) => `${GUARD_PROBLEMS[problem]} (${problem})`).join('; ');
  return {
    ...failed(title, first, `Not granted: ${why === '' ? 'capture is explicit' : why}.`),
    next: problems.map((problem) => GUARD_REMEDIES[problem]),
  };
}

function containersOf({ spec }: LivePod): string[] {
  return [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])].map(({ name }) => name);
}
