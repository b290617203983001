import { type KubeClient, type KubeObject, keyOf } from '../kube/types.ts';
import { AGENT_REGISTRATION } from '../model/resource-types.ts';

/** What a replica has read, `Intake`. */
interface Read {
  get(key: string): { object: KubeObject } | undefined;
}

/**
 * Names of the AgentRegistrations of a namespace that the API server has in another version than this replica has read:
 * a watch is a moment late, and later while it is broken. Status and labels do not count.
 */
export async function unreadRegistrations(
  client: Pick<KubeClient, 'list'>,
  read: Read,
  namespace: string,
  timeout: number,
): Promise<string[]> {
  const { items } = await client.list<KubeObject>(AGENT_REGISTRATION, { namespace }, { timeout });
  return items.filter((item) => !hasRead(read, item)).map(({ metadata }) => metadata.name);
}

function hasRead(read: Read, registration: KubeObject): boolean {
  const { uid, generation = 0 } = registration.metadata;
  const known = read.get(`AgentRegistration ${keyOf(registration)}`)?.object.metadata;
  return known !== undefined && known.uid === uid && (known.generation ?? 0) >= generation;
}
