import type { LoadedResource, Resource } from '../../policy/resources/resource.ts';
import { describeResource } from '../../policy/resources/resource.ts';
import { applyDefaults } from '../../policy/validation/apply-defaults.ts';
import type { KubeObject } from '../kube/types.ts';

/** Objects are never changed, only replaced; and what is compiled is recognised by the identity of its object. */
const known = new WeakMap<KubeObject, LoadedResource>();

/**
 * An object of the API server as the compiler takes it, with the defaults that an older CRD did not fill in. The same
 * object gives the same resource, so that nothing is compiled twice. It has no lines; findings say `Kind namespace/name`.
 */
export function loadedObject<T extends Resource = Resource>(object: KubeObject): LoadedResource<T> {
  let loaded = known.get(object);
  if (loaded === undefined) {
    loaded = placed(applyDefaults(object as Resource));
    known.set(object, loaded);
  }
  return loaded as LoadedResource<T>;
}

function placed(object: Resource): LoadedResource {
  const locate = () => ({ file: describeResource(loaded), line: 1, column: 1 });
  const loaded: LoadedResource = { object, locate, locateKey: locate };
  return loaded;
}
