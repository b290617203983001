import { CAPTURE_CONTAINER, GATEWAY_CONTAINER, STAMP_ANNOTATION, VOLUMES } from '../../policy/wire/pod-contract.ts';
import { withoutOurVariables } from './app-environment.ts';
import { isReserved, isReservedMount } from './reserved.ts';
import type { AdmittedPod, Container, InjectionSettings, Volume } from './types.ts';

/** Kubernetes takes a profile for a container from here, too. */
const APP_ARMOR = 'container.apparmor.security.beta.kubernetes.io/';

/**
 * The pod without anything that bears our names, whoever has put it there; what is rendered then depends on this part
 * alone, so that it does not matter how often, or after whom, that is done.
 */
export function foreignPart(pod: AdmittedPod, settings: InjectionSettings): { pod: AdmittedPod; warnings: string[] } {
  const initContainers = pod.spec.initContainers ?? [];
  const containers = pod.spec.containers ?? [];
  const volumes = pod.spec.volumes ?? [];
  const warnings = [
    ...unusual(initContainers, 'init container', [GATEWAY_CONTAINER, CAPTURE_CONTAINER]),
    ...unusual(containers, 'container', []),
    ...unusual(volumes, 'volume', Object.values(VOLUMES)),
  ];
  const foreign = (list: readonly Container[]) =>
    list.filter(({ name }) => !isReserved(name)).map((container) => foreignContainer(container, settings, warnings));
  return {
    pod: {
      ...pod,
      metadata: { ...pod.metadata, annotations: foreignAnnotations(pod.metadata.annotations) },
      spec: {
        ...pod.spec,
        initContainers: foreign(initContainers),
        containers: foreign(containers),
        volumes: volumes.filter(({ name }) => !isReserved(name)),
      },
    },
    warnings,
  };
}

function unusual(list: readonly (Container | Volume)[], what: string, usual: readonly string[]): string[] {
  return list
    .filter(({ name }) => isReserved(name) && !usual.includes(name))
    .map(({ name }) => `The ${what} ${name} is left out: names that begin with aegis- are reserved in pods of agents.`);
}

function foreignAnnotations(annotations: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(
    Object.entries(annotations).filter(([key]) => {
      const profiled = key.startsWith(APP_ARMOR) && isReserved(key.slice(APP_ARMOR.length));
      return key !== STAMP_ANNOTATION && !profiled;
    }),
  );
}

function foreignContainer(container: Container, settings: InjectionSettings, warnings: string[]): Container {
  const { name, env, volumeMounts, volumeDevices } = container;
  for (const mount of volumeMounts ?? []) {
    if (isReserved(mount.name) || !isReservedMount(mount)) continue;
    warnings.push(`Container ${name} cannot mount ${mount.name} at ${mount.mountPath}: this place is the gateway's.`);
  }
  return {
    ...container,
    ...(env && { env: withoutOurVariables(env, settings) }),
    ...(volumeMounts && { volumeMounts: volumeMounts.filter((mount) => !isReservedMount(mount)) }),
    ...(Array.isArray(volumeDevices) && { volumeDevices: volumeDevices.filter((device) => !isReserved(device.name)) }),
  };
}
