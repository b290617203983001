import { KubeError } from './kube-error.ts';
import type { CallOptions, JsonPatchOperation, KubeClient, KubeObject, ObjectKey, ResourceType } from './types.ts';

export interface FinalizerOptions extends CallOptions {
  fieldManager?: string;
}

/** Others change objects too; whoever loses this often in a row tries again later. */
const ATTEMPTS = 5;

/**
 * The object with the finalizer, at once where it has it already; undefined where the object is gone, or is being deleted, when it is too late for one.
 * @throws KubeError
 */
export async function addFinalizer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  object: T,
  name: string,
  options: FinalizerOptions = {},
): Promise<T | undefined> {
  return await patched(client, type, object, options, ({ metadata }) => {
    if (metadata.deletionTimestamp !== undefined) return 'gone';
    const { finalizers = [] } = metadata;
    if (finalizers.includes(name)) return [];
    if (finalizers.length > 0) return [{ op: 'add', path: '/metadata/finalizers/-', value: name }];
    return [{ op: 'add', path: '/metadata/finalizers', value: [name] }];
  });
}

/**
 * The object without the finalizer, at once where it has none; undefined where it is gone. @throws KubeError
 */
export async function removeFinalizer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  object: T,
  name: string,
  options: FinalizerOptions = {},
): Promise<T | undefined> {
  return await patched(client, type, object, options, ({ metadata: { finalizers = [] } }) => {
    const index = finalizers.indexOf(name);
    if (index === -1) return [];
    const path = `/metadata/finalizers/${index}`;
    return [
      { op: 'test', path, value: name },
      { op: 'remove', path },
    ];
  });
}

/** A patch holds only for the version that it was made for; where that is not the current one, it is made again. */
async function patched<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  object: T,
  options: FinalizerOptions,
  patch: (object: T) => JsonPatchOperation[] | 'gone',
): Promise<T | undefined> {
  const { namespace, name, uid } = object.metadata;
  const key: ObjectKey = namespace === undefined ? { name } : { namespace, name };
  let current = object;
  for (let attempt = 1; ; attempt++) {
    const operations = patch(current);
    if (operations === 'gone') return undefined;
    if (operations.length === 0) return current;
    try {
      return await client.jsonPatch<T>(type, key, [...versionTests(current), ...operations], options);
    } catch (error) {
      if (!isOutdated(error) || attempt === ATTEMPTS) throw error;
    }
    const found = await client.get<T>(type, key, options);
    if (found === undefined || found.metadata.uid !== uid) return undefined;
    current = found;
  }
}

function isOutdated(error: unknown): boolean {
  // 422: a test did not hold; 404: gone, or another one in its place
  return error instanceof KubeError && (error.isConflict || error.isNotFound || error.status === 422);
}

function versionTests({ metadata: { uid, resourceVersion } }: KubeObject): JsonPatchOperation[] {
  const tests: JsonPatchOperation[] = [];
  if (uid !== undefined) tests.push({ op: 'test', path: '/metadata/uid', value: uid });
  if (resourceVersion !== undefined) {
    tests.push({ op: 'test', path: '/metadata/resourceVersion', value: resourceVersion });
  }
  return tests;
}
