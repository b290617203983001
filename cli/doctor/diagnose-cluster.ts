import type { KubeObject } from '../../operator/kube/types.ts';
import { isLabelled } from '../../operator/workloads/injection-labels.ts';
import { fitsLabels } from '../../operator/workloads/match-pods.ts';
import { INJECT_LABEL, STAMP_ANNOTATION } from '../../policy/wire/pod-contract.ts';
import { type Check, type Diagnosis, failed, ok, unknown } from './check.ts';
import { installationChecks } from './installation-checks.ts';
import { membership, viewOf } from './membership-checks.ts';
import { podChecks } from './pod-checks.ts';
import { conditionChecks } from './registration-checks.ts';
import {
  type ClusterSnapshot,
  conditionOf,
  type LivePod,
  type NamespaceSnapshot,
  type Read,
  type Registration,
} from './snapshot.ts';

/** Pods of one namespace that are named; the others are counted. */
const MAX_PODS = 20;
/** Of a guard that is asked for: these are no finding. */
const IN_ORDER = ['NotRequested', 'Observing', 'NoMatchingPods'];

/** The whole installation: what is not protected, one line each. */
export function diagnoseCluster({ installation, incomplete, namespaces }: ClusterSnapshot): Diagnosis {
  const unread = incomplete.map((why) => unknown('namespaces', why));
  const sections = [
    { title: 'Installation', checks: [...installationChecks(installation), ...unread] },
    ...[...namespaces].sort(byName).map((each) => ({ title: `Namespace ${each.name}`, checks: namespaceChecks(each) })),
  ];
  return { subject: 'Installation', sections };
}

function byName(a: NamespaceSnapshot, b: NamespaceSnapshot): number {
  return a.name < b.name ? -1 : 1;
}

function namespaceChecks(snapshot: NamespaceSnapshot): Check[] {
  const { registrations } = snapshot;
  const agents = registrations.ok
    ? [...registrations.value].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)).map(registrationCheck)
    : [unknown('registrations', registrations.why)];
  return [labelCheck(snapshot), ...agents, ...podLines(snapshot)];
}

function labelCheck({ name, labels, registrations }: NamespaceSnapshot): Check {
  const title = 'namespace is labelled';
  if (!labels.ok) return unknown(title, labels.why);
  if (isLabelled(labels.value)) return ok(title, `${INJECT_LABEL}=${labels.value[INJECT_LABEL]}`);
  const agents = registrations.ok ? registrations.value.length : 0;
  const why = `No pod gets a gateway, and there ${agents === 1 ? 'is 1 registration' : `are ${agents} registrations`}.`;
  return failed(title, 'NamespaceNotLabelled', why, `kubectl label namespace ${name} ${INJECT_LABEL}=enabled`);
}

function registrationCheck(registration: Registration): Check {
  const { metadata, spec, status } = registration;
  const title = `registration ${metadata.name}`;
  const problem = conditionChecks(registration).find(({ state }) => state === 'failed');
  if (problem !== undefined) return { ...problem, title };
  if (spec.suspended === true) return failed(title, 'Suspended', 'Every call of the agent is refused.');
  const guarded = conditionOf(registration, 'EgressGuarded');
  if (guarded?.status === 'False' && !IN_ORDER.includes(guarded.reason)) {
    return failed(title, guarded.reason, guarded.message);
  }
  return ok(
    title,
    `${status?.pods?.summary ?? '0/0'} pods with a gateway, egress guard ${status?.egressGuard ?? 'Off'}`,
  );
}

/** Of pods that are an agent's, or look as though they were meant to be. */
function podLines({ name, labels, registrations, pods }: NamespaceSnapshot): Check[] {
  if (!pods.ok) return [unknown('pods', pods.why)];
  if (!registrations.ok) return [];
  const meant = pods.value.filter((pod) => isAlive(pod) && isMeant(pod, registrations.value));
  const namespace = asObject(name, labels);
  const lines = meant
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .flatMap((pod) => {
      const { checks, registration } = membership(pod, namespace, registrations);
      const [first] = [...checks, ...podChecks(pod, namespace, registration)].filter(({ state }) => state === 'failed');
      return first === undefined ? [] : [{ ...first, title: `pod ${pod.metadata.name}` }];
    });
  if (lines.length === 0) return meant.length === 0 ? [] : [ok('pods', `${meant.length} of agents, all protected`)];
  if (lines.length <= MAX_PODS) return lines;
  const more = lines.length - MAX_PODS;
  const why = `${more} more pods of this namespace are not protected.`;
  return [...lines.slice(0, MAX_PODS), failed('more pods', 'MorePods', why)];
}

function isAlive({ metadata, status }: LivePod): boolean {
  return metadata.deletionTimestamp === undefined && status?.phase !== 'Succeeded' && status?.phase !== 'Failed';
}

function isMeant(pod: LivePod, registrations: readonly Registration[]): boolean {
  if (pod.metadata.annotations?.[STAMP_ANNOTATION] !== undefined) return true;
  const view = viewOf(pod);
  return registrations.some((registration) => fitsLabels(view, registration));
}

function asObject(name: string, labels: NamespaceSnapshot['labels']): Read<KubeObject | undefined> {
  if (!labels.ok) return labels;
  return { ok: true, value: { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels: { ...labels.value } } } };
}
