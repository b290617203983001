/** What may happen, in any order. */
import fc from 'fast-check';
import type { ConfigMap } from '../../../operator/bundles/trusted-keys.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { FAULTS, type FaultKind } from './faults.ts';
import { NAMESPACES, RESOURCES } from './resources.ts';
import type { SimWorld } from './sim-world.ts';

type Component = 'bundle-head' | 'bundle-shard' | 'bundle-archive' | 'bootstrap';

export type SimEvent =
  | { type: 'write'; resource: number; variant: number; n: number }
  | { type: 'delete'; resource: number }
  | { type: 'deleteNamespace'; namespace: number }
  | { type: 'status'; resource: number; how: 'ready' | 'drop' | 'foreign' }
  | { type: 'tamper'; component: Component; index: number; how: 'delete' | 'edit' | 'older' }
  | { type: 'pod'; resource: number }
  | { type: 'fault'; process: number; kind: FaultKind; skip: number; times: number; reads: boolean }
  | { type: 'kill'; process: number }
  | { type: 'stop'; process: number }
  | { type: 'cont'; process: number }
  | { type: 'deafen'; process: number }
  | { type: 'cut'; process: number }
  | { type: 'compact' }
  | { type: 'lease' }
  | { type: 'freeze'; ms: number }
  | { type: 'wall'; hours: number }
  | { type: 'skew'; process: number; ms: number }
  | { type: 'tick'; ms: number };

function of<T extends SimEvent['type'], R>(type: T, rest: { [K in keyof R]: fc.Arbitrary<R[K]> }) {
  return fc.record({ type: fc.constant(type), ...rest }) as fc.Arbitrary<{ type: T } & R>;
}

const resource = fc.nat(RESOURCES.length - 1);
const process = fc.nat(1);
const pods = RESOURCES.flatMap(({ type }, index) => (type.kind === 'AgentRegistration' ? [index] : []));

const event: fc.Arbitrary<SimEvent> = fc.oneof(
  { weight: 14, arbitrary: of('write', { resource, variant: fc.nat(20), n: fc.nat(20) }) },
  { weight: 4, arbitrary: of('delete', { resource }) },
  { weight: 1, arbitrary: of('deleteNamespace', { namespace: fc.integer({ min: 1, max: NAMESPACES.length - 1 }) }) },
  { weight: 2, arbitrary: of('status', { resource, how: fc.constantFrom('ready', 'drop', 'foreign') }) },
  {
    weight: 2,
    arbitrary: of('tamper', {
      component: fc.constantFrom('bundle-head', 'bundle-shard', 'bundle-archive', 'bootstrap'),
      index: fc.nat(50),
      how: fc.constantFrom('delete', 'edit', 'older'),
    }),
  },
  { weight: 3, arbitrary: of('pod', { resource: fc.constantFrom(...pods) }) },
  {
    weight: 8,
    arbitrary: of('fault', {
      process,
      kind: fc.constantFrom(...FAULTS),
      skip: fc.nat(12),
      times: fc.integer({ min: 1, max: 4 }),
      reads: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: of('kill', { process }) },
  { weight: 2, arbitrary: of('stop', { process }) },
  { weight: 3, arbitrary: of('cont', { process }) },
  { weight: 1, arbitrary: of('deafen', { process }) },
  { weight: 2, arbitrary: of('cut', { process }) },
  { weight: 1, arbitrary: fc.constant({ type: 'compact' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'lease' as const }) },
  { weight: 1, arbitrary: of('freeze', { ms: fc.constantFrom(5_000, 11_000, 60_000, 3_600_000) }) },
  { weight: 1, arbitrary: of('wall', { hours: fc.constantFrom(-1, 1, 13, 30, 80) }) },
  { weight: 1, arbitrary: of('skew', { process, ms: fc.constantFrom(-90_000, -1_000, 0, 1_000, 90_000) }) },
  { weight: 12, arbitrary: of('tick', { ms: fc.constantFrom(1, 20, 80, 200, 700, 3_000, 20_000, 45_000) }) },
) as fc.Arbitrary<SimEvent>;

/** The seed of a world, and what happens in it. */
export const history = fc.tuple(fc.nat(), fc.array(event, { minLength: 30, maxLength: 60, size: 'max' }));

/** Does it, and lets what is ready run for a moment. */
export async function happen(world: SimWorld, step: SimEvent): Promise<void> {
  world.say(`-- ${JSON.stringify(step)}`);
  const target = 'process' in step ? world.processes[step.process] : undefined;
  switch (step.type) {
    case 'write': {
      const found = at(RESOURCES, step.resource);
      await world.write(found, at(found.variants, step.variant), step.n);
      break;
    }
    case 'delete': {
      const { type, namespace, name } = at(RESOURCES, step.resource);
      await world.remove(type, { name, ...(namespace !== undefined && { namespace }) });
      break;
    }
    case 'deleteNamespace':
      await world.removeNamespace(at(NAMESPACES, step.namespace));
      break;
    case 'status':
      await tamperStatus(world, step.resource, step.how);
      break;
    case 'tamper':
      await tamperConfigMap(world, step);
      break;
    case 'pod': {
      const { namespace = '', name } = at(RESOURCES, step.resource);
      await world.addPod(namespace, name);
      break;
    }
    case 'fault':
      target?.faults.plan(step);
      break;
    case 'kill':
    case 'stop':
    case 'cont':
    case 'deafen':
      target?.[step.type]();
      break;
    case 'cut':
      target?.cutWatches();
      break;
    case 'compact':
      world.kube.compact();
      break;
    case 'lease':
      await world.deleteLease();
      break;
    case 'freeze':
      await world.clock.freeze(step.ms);
      break;
    case 'wall':
      world.clock.setWall(world.clock.now() + step.hours * 3_600_000);
      break;
    case 'skew':
      if (target !== undefined) target.skew = step.ms;
      break;
    case 'tick':
      await world.tick(step.ms);
      return;
  }
  await world.tick(1);
}

function at<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T;
}

/** Somebody may write statuses who is not the operator. */
async function tamperStatus(world: SimWorld, index: number, how: 'ready' | 'drop' | 'foreign'): Promise<void> {
  const { type, namespace, name } = at(RESOURCES, index);
  const object = await world.kube.get<KubeObject & { status?: object }>(type, {
    name,
    ...(namespace && { namespace }),
  });
  if (object === undefined) return;
  const { status } = object;
  const lastTransitionTime = new Date(world.clock.now()).toISOString();
  const condition = (kind: string) => ({ type: kind, status: 'True', reason: 'Lie', message: '', lastTransitionTime });
  const next = {
    ready: { ...status, observedGeneration: object.metadata.generation, conditions: [condition('Ready')] },
    drop: {},
    foreign: { ...status, conditions: [...conditionsOf(status), condition('Stalled'), condition('Reconciling')] },
  }[how];
  await world.kube.replace(type, { ...object, status: next } as KubeObject, {
    fieldManager: 'user',
    subresource: 'status',
  });
}

function conditionsOf(status: object | undefined): { type: string }[] {
  const { conditions = [] } = (status ?? {}) as { conditions?: { type: string }[] };
  return conditions.filter(({ type }) => type !== 'Stalled' && type !== 'Reconciling');
}

async function tamperConfigMap(
  world: SimWorld,
  { component, index, how }: Extract<SimEvent, { type: 'tamper' }>,
): Promise<void> {
  const found = world.configMaps(component);
  if (found.length === 0) return;
  const target = at(found, index);
  const archived = world
    .configMaps('bundle-archive')
    .filter(
      ({ metadata }) =>
        metadata.annotations?.['aegis.dev/tenant-uid'] === target.metadata.annotations?.['aegis.dev/tenant-uid'],
    );
  // whoever deletes the only head that there ever was has deleted all that the operator knows
  const allowed = component !== 'bundle-head' || archived.length > 0;
  if (!allowed) return;
  await world.tamper(target, (copy): ConfigMap | undefined => {
    if (how === 'delete') return undefined;
    const older = archived.find(({ data }) => data?.['manifest.json'] !== copy.data?.['manifest.json']);
    if (how === 'older' && component === 'bundle-head' && older?.data !== undefined)
      return { ...copy, data: older.data };
    const spoil = (entries: Record<string, string> | undefined): Record<string, string> | undefined =>
      entries &&
      Object.fromEntries(Object.entries(entries).map(([name, text]) => [name, `${text.slice(0, -9)}AAAAAAAA=`]));
    const { data, binaryData } = copy;
    return {
      ...copy,
      ...(data && { data: spoil(data) }),
      ...(binaryData && { binaryData: spoil(binaryData) }),
    } as ConfigMap;
  });
}
