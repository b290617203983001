/** Once nothing happens any more: what there should be, worked out without the operator's memory. */
import { headBytes, headName } from '../../../operator/bundles/head-config-map.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import type { StateEntries } from '../../../operator/model/committed.ts';
import { loadedObject } from '../../../operator/model/loaded-object.ts';
import { CONFIG_MAP, NAMESPACE as NAMESPACE_TYPE } from '../../../operator/model/resource-types.ts';
import { type TenantScope, tenancyOf } from '../../../operator/planning/tenancy.ts';
import { toHex, utf8 } from '../../../policy/bundle/encoding.ts';
import { agentFile } from '../../../policy/bundle/file-names.ts';
import { compile } from '../../../policy/compiler/compile.ts';
import type { PolicyState } from '../../../policy/compiler/compile-options.ts';
import type { LoadedResource } from '../../../policy/resources/resource.ts';
import type {
  AgentPolicy,
  AgentRegistration,
  AgentTenant,
  AgentTool,
} from '../../../policy/resources/types.generated.ts';
import { nodeCrypto } from '../../../runtime/crypto/node-crypto.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import { NAMESPACE } from './names.ts';
import { RESOURCES, variantOf } from './resources.ts';
import type { SimWorld } from './sim-world.ts';

type Live = KubeObject & {
  status?: {
    observedGeneration?: number;
    conditions?: { type: string; status: string; reason: string; message: string }[];
  };
};

/** Longer than anything waits: references that are missing (5 min), new leaders (6 min), counts (1 min). */
const QUIET = 7.5 * 60_000;

/** Everybody lives and nothing fails any more. */
export async function becomeQuiet(world: SimWorld): Promise<void> {
  for (const process of world.processes) {
    process.faults.clear();
    process.skew = 0;
    process.cont();
    process.cutWatches();
  }
  world.say(`-- quiet: ${world.processes.map(({ state }) => state).join(', ')}`);
  world.settleClock();
  await world.tick(3 * 60_000);
  // a pod whose gateway never starts holds things up for as long as it is there
  for (const [key, { held }] of [...world.gateways]) {
    const [namespace = '', name = ''] = key.split('/');
    if (held === undefined) await world.addPod(namespace, name);
  }
  await world.tick(QUIET);
  world.say(`-- quiet for long: ${world.processes.map(({ state }) => state).join(', ')}`);
  for (const { pod, held, agentId, refused } of world.gateways.values()) {
    world.say(`-- gateway ${pod.namespace}/${pod.name} ${agentId} ${held?.tenant.name} ${held?.sequence} ${refused}`);
  }
  await world.observer.lookAgain(world.configMaps('bundle-head'));
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

function keyOf({ kind, metadata: { namespace, name } }: KubeObject): string {
  return namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}

export function checkQuiet(world: SimWorld): void {
  const { kube, observer } = world;
  const objects = [...new Set(RESOURCES.map(({ type }) => type))].flatMap((type) => kube.all<Live>(type));
  const tenants = objects.filter(({ kind }) => kind === 'AgentTenant');
  const stored = new Set(kube.all(CONFIG_MAP).map(({ metadata }) => metadata.name));
  // the last good version of a tenant, if the current one is bad: what the operator took last; nobody knows it any more
  // where somebody has deleted all that ever said so
  const accepted = tenants.flatMap((tenant) => {
    if (variantOf(tenant) === 'good') return [tenant];
    const remembered = [...observer.heads].filter(([name]) => !(observer.forgotten.has(name) && !stored.has(name)));
    const known = remembered.map(([, { entries }]) => entries.get(keyOf(tenant)));
    return known.flatMap((entry) => (entry?.uid === tenant.metadata.uid ? [entry?.accepted as Live] : []));
  });
  const namespaces = new Map(kube.all(NAMESPACE_TYPE).map(({ metadata }) => [metadata.name, metadata.uid ?? '']));
  const { scopes } = tenancyOf({ tenants: accepted as unknown as AgentTenant[], namespaces });
  for (const scope of scopes.values()) checkTenant(world, scope, objects);
  for (const object of objects) checkStatus(world, object);
}

function checkStatus(world: SimWorld, object: Live): void {
  const { status, metadata } = object;
  const what = `${keyOf(object)}@${metadata.generation} (${variantOf(object)})`;
  const said = (status?.conditions ?? []).map(
    ({ type, status: value, reason, message }) => `${type}=${value}/${reason} ${message}`,
  );
  if (status?.observedGeneration !== metadata.generation)
    world.observer.violation(`${what}: quiet, and not looked at: ${said}`);
  const result = kstatusOf(object);
  if (result === 'InProgress') world.observer.violation(`${what} is in progress for ever: ${said}`);
  if (variantOf(object) === 'typo' && result !== 'Failed') world.observer.violation(`${what} is ${result}: ${said}`);
}

function checkTenant(world: SimWorld, { identity, namespaces, tenant }: TenantScope, objects: readonly Live[]): void {
  const { observer, kube } = world;
  const own = objects.filter(({ metadata: { namespace = '' } }) => namespaces.includes(namespace));
  const name = headName(identity, nodeCrypto);
  const head = observer.heads.get(name);
  const mine = own.filter(({ kind }) => kind === 'AgentRegistration');
  if (head === undefined) {
    if (own.some((object) => variantOf(object) === 'good')) observer.violation(`${identity.name} has no bundle`);
    return;
  }
  const stored = kube.all(CONFIG_MAP).find(({ metadata }) => metadata.name === name);
  // deleted by hand when nobody was left who remembered it: without an agent and a resource nothing brings it back
  const forgotten = stored === undefined && mine.length === 0 && own.length === 0;
  if (!forgotten && textOf(stored && headBytes(stored)?.manifest) !== textOf(head.bytes.manifest)) {
    observer.violation(`the head of ${identity.name} is not the one that was committed last`);
  }
  const shared = objects.filter(
    ({ kind, metadata }) => metadata.namespace === NAMESPACE && kind !== 'AgentRegistration',
  );
  const all = [...new Set([...own, ...shared])];
  const problem = held([...own, ...all]);
  const expected = expectedContents({ identity, namespaces, ...(tenant && { tenant }) }, all, head.entries);
  for (const [agent, text] of expected) {
    const actual = textOf(head.bundle.files.get(agentFile(agent))?.bytes);
    if (actual !== text && problem === undefined) {
      observer.violation(`${identity.name}: ${agent} has ${actual}\ninstead of ${text}`);
    }
  }
  for (const registration of mine) checkServed(world, identity, registration, head.digest);
}

function isAccepted({ status }: Live): boolean {
  return status?.conditions?.some(({ type, status: value }) => type === 'Accepted' && value === 'True') === true;
}

function held(objects: readonly Live[]): string | undefined {
  for (const { status } of objects) {
    const found = status?.conditions?.find(({ reason }) => reason === 'Held');
    if (found !== undefined) return found.message;
  }
  return undefined;
}

/** All replicas serve the newest commit, and all gateways of the agent have it. */
function checkServed(
  world: SimWorld,
  { name, uid }: TenantScope['identity'],
  { metadata }: Live,
  digest: string,
): void {
  const head = headName({ name, uid }, nodeCrypto);
  const bundle = world.observer.heads.get(head)?.bundle.manifest;
  for (const replica of world.replicas) {
    const served = replica.bundles.tenant(name, uid);
    if (served?.etag !== bundle?.etag) {
      world.observer.violation(
        `a replica serves ${name} ${served?.manifest.sequence}, not ${bundle?.sequence} ${digest}`,
      );
    }
  }
  const agents = world.observer.heads.get(head)?.bundle.files;
  if (agents?.has(agentFile(metadata.name)) !== true) return;
  const gateway = world.gateways.get(`${metadata.namespace}/${metadata.name}`);
  if (gateway?.tenant?.uid === uid && gateway.agentId !== undefined && gateway.held?.etag !== bundle?.etag) {
    world.observer.violation(
      `the gateway of ${metadata.name} holds ${gateway.held?.sequence}, not ${bundle?.sequence}`,
    );
  }
}

/** Compiled from scratch: current versions where they were accepted, else the last good ones that were committed. */
function expectedContents(
  { identity, namespaces, tenant }: TenantScope,
  objects: readonly Live[],
  entries: StateEntries,
): Map<string, string> {
  const resources: LoadedResource[] = [];
  const states = new Map<string, PolicyState>();
  for (const object of objects) {
    const entry = entries.get(keyOf(object));
    const { uid, generation } = object.metadata;
    if (entry === undefined || entry.uid !== uid || entry.tombstone !== undefined) {
      // it may have errors that only the others make; the compiler says so
      if (isAccepted(object) && namespaces.includes(object.metadata.namespace ?? ''))
        resources.push(loadedObject(object));
      continue;
    }
    const loaded = loadedObject(entry.generation === generation ? object : (entry.accepted as KubeObject));
    resources.push(loaded);
    if (object.kind === 'AgentPolicy') states.set(keyOf(object), stateOf(loaded as LoadedResource<AgentPolicy>, entry));
  }
  for (const { tombstone, accepted } of entries.values()) {
    if (tombstone === undefined) continue;
    const { spec, ...rest } = accepted as AgentRegistration;
    const tools = (spec.tools ?? []).map(({ toolId }) => ({ toolId }));
    resources.push(loadedObject({ ...rest, spec: { ...spec, tools, suspended: true } } as unknown as KubeObject));
  }
  const left = [...entries.values()].flatMap(({ tombstone, accepted }) =>
    tombstone === undefined ? [] : [(accepted as KubeObject).metadata.namespace ?? ''],
  );
  const spec = { ...tenant?.spec, namespaces: [...new Set([...namespaces, ...left])] };
  const metadata = tenant?.metadata ?? identity;
  resources.push(
    loadedObject({ apiVersion: 'aegis.dev/v1alpha1', kind: 'AgentTenant', metadata, spec } as unknown as KubeObject),
  );
  const { tenants } = compile(resources, {
    digest: (text) => toHex(nodeCrypto.sha256(utf8(text))),
    platformNamespace: NAMESPACE,
    stateOf: ({ object }) => states.get(keyOf(object as KubeObject)) ?? {},
    everEnforced: () => false,
    // which ones there have to be, test/operator/planning/closed-tools.property.test.ts says
    closedTool: (_, toolId) => entries.get(`ClosedTool ${toolId}`)?.accepted as AgentTool | undefined,
  });
  const compiled = tenants.find((each) => each.name === identity.name);
  return new Map([...(compiled?.agents ?? [])].map(([agent, { bytes }]) => [agent, textOf(bytes)]));
}

function stateOf(
  policy: LoadedResource<AgentPolicy>,
  { rollout, stable }: NonNullable<ReturnType<StateEntries['get']>>,
): PolicyState {
  if (policy.object.spec.suspend === true || rollout === undefined) return {};
  if (rollout.stableRevision === rollout.revision) return { stable: policy };
  return {
    ...(stable !== undefined && { stable: loadedObject<AgentPolicy>(stable as KubeObject) }),
    candidate: { policy, stage: 'shadow' },
  };
}
