import type { GivenSettings, OperatorSettings } from './settings.ts';

/** Where the operator runs. */
export interface Place {
  /** Of the ServiceAccount of the pod; undefined outside of pods. */
  serviceAccountNamespace: string | undefined;
  hostName: string;
  /** Unguessable, new at every start. */
  nonce: string;
}

const DEFAULT_NAMESPACE = 'aegis-system';
const SERVICE_ACCOUNT = 'aegis-operator';

/** Fills in the defaults that depend on the place; what is given stays. */
export function completeSettings(given: GivenSettings, place: Place): OperatorSettings {
  const namespace = given.namespace ?? place.serviceAccountNamespace ?? DEFAULT_NAMESPACE;
  const pod = given['pod.name'] ?? place.hostName;
  return {
    ...given,
    namespace,
    'pod.name': pod,
    identity: given.identity ?? `${pod}_${place.nonce}`,
    'bundles.address': given['bundles.address'] ?? new URL(`https://${given['services.bundles']}.${namespace}.svc`),
    'relay.serviceAccount': given['relay.serviceAccount'] ?? `system:serviceaccount:${namespace}:${SERVICE_ACCOUNT}`,
  };
}
