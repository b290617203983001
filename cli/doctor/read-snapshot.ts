/** Reads what a diagnosis needs, with the rights of whoever asks. Nothing is written, and no Secret is read. */
import { VALIDATING_WEBHOOKS } from '../../operator/certificates/ca-bundle.ts';
import { EVENT } from '../../operator/kube/event-object.ts';
import { KubeError } from '../../operator/kube/kube-error.ts';
import type { KubeClient, KubeObject, ResourceType, Selection } from '../../operator/kube/types.ts';
import {
  AGENT_POLICY,
  AGENT_REGISTRATION,
  AGENT_TENANT,
  AGENT_TOOL,
  NAMESPACE,
  POD,
} from '../../operator/model/resource-types.ts';
import { isLabelled } from '../../operator/workloads/injection-labels.ts';
import type { AgentTenant } from '../../policy/resources/types.generated.ts';
import { CHECK_CONFIGURATION, INJECTION_CONFIGURATION } from './installation-checks.ts';
import {
  type ClusterSnapshot,
  type Installation,
  type Listed,
  type LiveDeployment,
  type LiveEvent,
  type LivePod,
  labelsOf,
  type NamespaceSnapshot,
  type PodSnapshot,
  type Policy,
  type Read,
  type Registration,
  type Tool,
  type WebhookConfiguration,
} from './snapshot.ts';

const MUTATING_WEBHOOKS: ResourceType = {
  ...VALIDATING_WEBHOOKS,
  plural: 'mutatingwebhookconfigurations',
  kind: 'MutatingWebhookConfiguration',
};
const DEPLOYMENT: ResourceType = {
  group: 'apps',
  version: 'v1',
  plural: 'deployments',
  kind: 'Deployment',
  namespaced: true,
};

export interface ReadOptions {
  client: KubeClient;
  operatorNamespace: string;
}

/** @throws KubeError where the API server does not answer, or does not know who asks. */
export async function readPod(options: ReadOptions, namespace: string, name: string): Promise<PodSnapshot> {
  const { client } = options;
  const reader = new Reader(client);
  const [pod, namespaceRead, registrations, violations, namespaces] = await Promise.all([
    reader.get<LivePod>(POD, name, namespace),
    reader.get<KubeObject>(NAMESPACE, namespace),
    reader.list<Registration>(AGENT_REGISTRATION, { namespace }),
    reader.list<LiveEvent>(EVENT, { namespace, fieldSelector: 'reason=PolicyViolation' }),
    tenantNamespaces(reader, namespace),
  ]);
  const places = [...new Set([...namespaces.items, options.operatorNamespace])];
  const [policies, tools, installation] = await Promise.all([
    gathered<Policy>(reader, AGENT_POLICY, places, namespaces.incomplete),
    gathered<Tool>(reader, AGENT_TOOL, places, namespaces.incomplete),
    readInstallation(reader, options.operatorNamespace),
  ]);
  return {
    ...{ namespaceName: namespace, podName: name, pod, namespace: namespaceRead, registrations, violations },
    ...{ policies, tools, installation: { ...installation, kindsKnown: reader.kindsKnown } },
  };
}

/**
 * Every namespace that is labelled or has registrations; with `only`, this one. Whoever may not list namespaces sees
 * `own` alone.
 */
export async function readCluster(
  options: ReadOptions,
  { only, own }: { only: string | undefined; own: string },
): Promise<ClusterSnapshot> {
  const reader = new Reader(options.client);
  const names = only === undefined ? await candidates(reader, own) : { items: [only] };
  const [installation, namespaces] = await Promise.all([
    readInstallation(reader, options.operatorNamespace),
    Promise.all(names.items.map((name) => readNamespace(reader, name))),
  ]);
  return {
    installation: { ...installation, kindsKnown: reader.kindsKnown },
    incomplete: names.incomplete === undefined ? [] : [names.incomplete],
    namespaces,
  };
}

async function candidates(reader: Reader, own: string): Promise<Listed<string>> {
  const [namespaces, registrations] = await Promise.all([
    reader.list<KubeObject>(NAMESPACE, {}, ({ apiVersion, kind, metadata: { name, labels } }) => ({
      apiVersion,
      kind,
      metadata: { name, ...(labels !== undefined && { labels }) },
    })),
    reader.list<KubeObject>(AGENT_REGISTRATION, {}, ({ apiVersion, kind, metadata: { name, namespace = '' } }) => ({
      apiVersion,
      kind,
      metadata: { name, namespace },
    })),
  ]);
  const names = new Set<string>();
  if (namespaces.ok) for (const each of namespaces.value) if (isLabelled(labelsOf(each))) names.add(each.metadata.name);
  if (registrations.ok) for (const { metadata } of registrations.value) names.add(metadata.namespace ?? '');
  const unread = [namespaces, registrations].flatMap((read) => (read.ok ? [] : [read.why]));
  if (unread.length === 0) return { items: [...names] };
  return { items: [...names.add(own)], incomplete: unread.join('; ') };
}

async function readNamespace(reader: Reader, name: string): Promise<NamespaceSnapshot> {
  const [namespace, registrations, pods] = await Promise.all([
    reader.get<KubeObject>(NAMESPACE, name),
    reader.list<Registration>(AGENT_REGISTRATION, { namespace: name }),
    reader.list<LivePod>(POD, { namespace: name }, slim),
  ]);
  const labels = namespace.ok
    ? { ok: true as const, value: namespace.value === undefined ? {} : labelsOf(namespace.value) }
    : namespace;
  return { name, labels, registrations, pods };
}

async function readInstallation(reader: Reader, namespace: string): Promise<Omit<Installation, 'kindsKnown'>> {
  const labelSelector = 'app.kubernetes.io/name=aegis-operator';
  const [deployments, injection, check] = await Promise.all([
    reader.list<LiveDeployment>(DEPLOYMENT, { namespace, labelSelector }),
    reader.get<WebhookConfiguration>(MUTATING_WEBHOOKS, INJECTION_CONFIGURATION),
    reader.get<WebhookConfiguration>(VALIDATING_WEBHOOKS, CHECK_CONFIGURATION),
  ]);
  return { namespace, deployments, injection, check };
}

/** Of the tenant that the namespace belongs to: its tools and policies count too. */
async function tenantNamespaces(reader: Reader, namespace: string): Promise<Listed<string>> {
  const tenants = await reader.list<KubeObject & Pick<AgentTenant, 'spec'>>(AGENT_TENANT, {});
  if (!tenants.ok) return { items: [namespace], incomplete: tenants.why };
  const listed = tenants.value.map(({ metadata, spec }) => spec?.namespaces ?? [metadata.name]);
  return { items: [namespace, ...(listed.find((names) => names.includes(namespace)) ?? [])] };
}

async function gathered<T extends KubeObject>(
  reader: Reader,
  type: ResourceType,
  namespaces: readonly string[],
  incomplete: string | undefined,
): Promise<Listed<T>> {
  const reads = await Promise.all(namespaces.map((namespace) => reader.list<T>(type, { namespace })));
  const unread = reads.flatMap((read) => (read.ok ? [] : [read.why]));
  const why = incomplete ?? unread[0];
  return { items: reads.flatMap((read) => (read.ok ? read.value : [])), ...(why !== undefined && { incomplete: why }) };
}

/** Tells what is not there from what may not be read. */
class Reader {
  readonly #client: KubeClient;
  kindsKnown = true;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  get<T extends KubeObject>(type: ResourceType, name: string, namespace?: string): Promise<Read<T | undefined>> {
    const key = { name, ...(namespace !== undefined && { namespace }) };
    return this.#read(type, () => this.#client.get<T>(type, key));
  }

  list<T extends KubeObject>(
    type: ResourceType,
    selection: Selection,
    map?: (item: T) => T,
  ): Promise<Read<readonly T[]>> {
    return this.#read(type, async () => {
      const { items } = await this.#client.list<T>(type, { ...selection, ...(map !== undefined && { map }) });
      return items;
    });
  }

  async #read<T>(type: ResourceType, call: () => Promise<T>): Promise<Read<T>> {
    try {
      return { ok: true, value: await call() };
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      if (error.status === 403) return { ok: false, why: `${error.message}.` };
      if (error.status !== 404) throw error;
      if (type.group === 'aegis.dev') this.kindsKnown = false;
      return { ok: false, why: `The API server does not know ${type.plural} of ${type.group}.` };
    }
  }
}

/** Of the pods of whole namespaces only what is looked at is kept. */
function slim({ apiVersion, kind, metadata, spec, status }: LivePod): LivePod {
  const { name, namespace, labels, annotations = {}, ownerReferences, deletionTimestamp } = metadata;
  const own = Object.entries(annotations).filter(([key]) => key.startsWith('aegis.dev/'));
  const { serviceAccountName, hostNetwork, nodeName, initContainers = [], containers = [] } = spec ?? {};
  const { phase, initContainerStatuses, containerStatuses } = status ?? {};
  return {
    ...{ apiVersion, kind },
    metadata: {
      name,
      ...(namespace !== undefined && { namespace }),
      ...(labels !== undefined && { labels }),
      ...(own.length > 0 && { annotations: Object.fromEntries(own) }),
      ...(ownerReferences !== undefined && { ownerReferences }),
      ...(deletionTimestamp !== undefined && { deletionTimestamp }),
    },
    spec: {
      ...(serviceAccountName !== undefined && { serviceAccountName }),
      ...(hostNetwork !== undefined && { hostNetwork }),
      ...(nodeName !== undefined && { nodeName }),
      initContainers: initContainers.map(({ name: of, restartPolicy }) => ({
        name: of,
        ...(restartPolicy !== undefined && { restartPolicy }),
      })),
      containers: containers.map(({ name: of }) => ({ name: of })),
    },
    status: {
      ...(phase !== undefined && { phase }),
      ...(initContainerStatuses !== undefined && { initContainerStatuses }),
      ...(containerStatuses !== undefined && { containerStatuses }),
    },
  };
}
