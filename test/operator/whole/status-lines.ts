import type { KubeObject } from '../../../operator/kube/types.ts';
import { RESOURCES, variantOf } from './resources.ts';
import type { SimWorld } from './sim-world.ts';

interface Condition {
  type: string;
  status: string;
  reason: string;
  message: string;
}

type Live = KubeObject & { status?: { observedGeneration?: number; conditions?: Condition[] } };

/** What every resource says of itself, for messages. */
export function* statusLines(world: SimWorld): Iterable<string> {
  for (const type of new Set(RESOURCES.map((resource) => resource.type))) {
    for (const object of world.kube.all<Live>(type)) {
      const { kind, metadata, status } = object;
      const said = (status?.conditions ?? []).map(
        (each) => `${each.type}=${each.status}/${each.reason} ${each.message}`,
      );
      const name = `${kind} ${metadata.namespace ?? ''}/${metadata.name}@${metadata.generation} ${metadata.uid}`;
      yield `== ${name} (${variantOf(object)}) seen ${status?.observedGeneration}: ${said.join(' ')}`;
    }
  }
}
