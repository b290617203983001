import { type Check, type Diagnosis, failed, ok, type Section, unknown } from './check.ts';
import { installationChecks } from './installation-checks.ts';
import { membership } from './membership-checks.ts';
import { podChecks } from './pod-checks.ts';
import { registrationChecks } from './registration-checks.ts';
import type { LivePod, PodSnapshot, Registration } from './snapshot.ts';

/** Why this pod is not protected, or its calls are refused: a chain of checks, from the pod to the operator. */
export function diagnosePod(snapshot: PodSnapshot): Diagnosis {
  const { pod, installation } = snapshot;
  const subject = `Pod ${snapshot.namespaceName}/${snapshot.podName}`;
  const last = { title: 'Installation', checks: installationChecks(installation) };
  if (!pod.ok) return { subject, sections: [{ title: subject, checks: [unknown('pod exists', pod.why)] }, last] };
  if (pod.value === undefined) return { subject, sections: [{ title: subject, checks: [noPod(snapshot)] }, last] };
  const { checks, registration } = membership(pod.value, snapshot.namespace, snapshot.registrations);
  const sections: Section[] = [
    {
      title: subject,
      checks: [exists(pod.value), ...checks, ...podChecks(pod.value, snapshot.namespace, registration)],
    },
    ...(registration === undefined ? [] : [sectionOf(registration, snapshot)]),
    last,
  ];
  return { subject, sections };
}

function sectionOf(registration: Registration, snapshot: PodSnapshot): Section {
  return { title: `Registration ${registration.metadata.name}`, checks: registrationChecks(registration, snapshot) };
}

function exists({ status, spec }: LivePod): Check {
  const node = spec?.nodeName === undefined ? 'on no node yet' : `on node ${spec.nodeName}`;
  return ok('pod exists', `${status?.phase ?? 'Unknown'}, ${node}`);
}

/** One that was refused never existed; its owner has the words of the webhook. */
function noPod({ namespaceName, podName }: PodSnapshot): Check {
  const why = `There is no pod ${podName} in namespace ${namespaceName}. One that the webhook refused never existed; the Events of its owner say why.`;
  const events = `kubectl events -n ${namespaceName} --types=Warning`;
  return failed('pod exists', 'PodNotFound', why, `kubectl get pods -n ${namespaceName}`, events);
}
