import { posix } from 'node:path';
import { PATHS, RESERVED_PREFIX } from '../../policy/wire/pod-contract.ts';
import type { Container, VolumeMount } from './types.ts';

/** A name of a container or volume that only we give. Pods are looked at before the API server has validated them. */
export function isReserved(name: string | undefined): boolean {
  return name?.startsWith(RESERVED_PREFIX) === true;
}

/** The mount is of one of our volumes, or stands where the certificates of the pod's CA stand. */
export function isReservedMount({ name, mountPath }: VolumeMount): boolean {
  return isReserved(name) || isAtTrust(mountPath);
}

/** At the folder of the CA's certificates, or below it. */
function isAtTrust(path: string | undefined): boolean {
  const place = posix.resolve('/', path ?? '');
  return place === PATHS.trust || place.startsWith(`${PATHS.trust}/`);
}

export function foreignOf(containers: readonly Container[] | undefined): Container[] {
  return (containers ?? []).filter(({ name }) => !isReserved(name));
}
