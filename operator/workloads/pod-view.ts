import { GATEWAY_CONTAINER, INJECT_LABEL, type PodStamp, STAMP_ANNOTATION } from '../../policy/wire/pod-contract.ts';
import { readStamp } from '../../policy/wire/read-stamp.ts';
import type { KubeObject } from '../kube/types.ts';

/** The parts of a Pod that count here, as the API server has them. */
export interface PodObject extends KubeObject {
  spec?: {
    serviceAccountName?: string;
    nodeName?: string;
    initContainers?: { name: string }[];
    containers?: { name: string }[];
  };
  status?: { phase?: string };
}

/** A pod as far as agents are concerned. */
export interface PodView {
  namespace: string;
  name: string;
  uid: string;
  /** RFC 3339. */
  createdAt?: string;
  labels: Readonly<Record<string, string>>;
  serviceAccountName: string;
  phase: string;
  /** In phase `Running`, and nobody has asked it to end. */
  running: boolean;
  /** Somebody has asked it to end. */
  deleting: boolean;
  nodeName?: string;
  /** A gateway is among its containers. */
  injected: boolean;
  /** Its label says that it stays out. */
  optedOut: boolean;
  /**
   * What the annotation says of what was put into it. For status only, never to decide anything: where no admission
   * policy applies, whoever may create pods may write it.
   */
  stamp?: PodStamp;
}

/** What is kept of a pod in memory: the rest of it is most of it. */
export function slimPod({ apiVersion, kind, metadata, spec, status }: PodObject): PodObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp, deletionTimestamp, labels, annotations } = metadata;
  const own = Object.entries(annotations ?? {}).filter(([key]) => key.startsWith('aegis.dev/'));
  const names = (list: { name: string }[] | undefined) => (list ?? []).map((container) => ({ name: container.name }));
  return {
    apiVersion,
    kind,
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
      ...(creationTimestamp !== undefined && { creationTimestamp }),
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
      ...(labels !== undefined && { labels }),
      ...(own.length > 0 && { annotations: Object.fromEntries(own) }),
    },
    spec: {
      ...(spec?.serviceAccountName !== undefined && { serviceAccountName: spec.serviceAccountName }),
      ...(spec?.nodeName !== undefined && { nodeName: spec.nodeName }),
      initContainers: names(spec?.initContainers),
      containers: names(spec?.containers),
    },
    status: { ...(status?.phase !== undefined && { phase: status.phase }) },
  };
}

export function viewOfPod({ metadata, spec, status }: PodObject): PodView {
  const phase = status?.phase ?? 'Unknown';
  const deleting = metadata.deletionTimestamp !== undefined;
  const containers = [...(spec?.initContainers ?? []), ...(spec?.containers ?? [])];
  const nodeName = spec?.nodeName;
  const stamp = readStamp(metadata.annotations?.[STAMP_ANNOTATION]);
  return {
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    uid: metadata.uid ?? '',
    ...(metadata.creationTimestamp !== undefined && { createdAt: metadata.creationTimestamp }),
    labels: metadata.labels ?? {},
    // the API server's own default
    serviceAccountName: spec?.serviceAccountName || 'default',
    phase,
    running: phase === 'Running' && !deleting,
    deleting,
    ...(nodeName !== undefined && nodeName !== '' && { nodeName }),
    injected: containers.some(({ name }) => name === GATEWAY_CONTAINER),
    optedOut: metadata.labels?.[INJECT_LABEL] === 'false',
    ...(stamp !== undefined && { stamp }),
  };
}

/** Its containers have ended for good. */
export function hasFinished({ phase }: Pick<PodView, 'phase'>): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}
