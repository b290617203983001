import { type CaptureMode, GATEWAY_CONTAINER, PORTS } from '../../policy/wire/pod-contract.ts';
import { containerParts } from './container-parts.ts';
import { gatewayEnvironment } from './gateway-environment.ts';
import type { Container, InjectionFacts, InjectionSettings, VolumeMount } from './types.ts';

/** Seconds for which the pod waits for its first bundle before the gateway is started anew. */
const START_SECONDS = 300;

/** A native sidecar, which Pod Security level `restricted` permits: started before all others, stopped after them. */
export function gatewayContainer(
  facts: InjectionFacts,
  mode: CaptureMode,
  settings: InjectionSettings,
  mounts: readonly VolumeMount[],
): Container {
  const { uid } = settings;
  return {
    name: GATEWAY_CONTAINER,
    ...containerParts(settings),
    restartPolicy: 'Always',
    env: gatewayEnvironment(facts, mode, settings),
    ports: [{ name: 'aegis-admin', containerPort: PORTS.admin, protocol: 'TCP' }],
    // the other containers wait for this one
    startupProbe: probe('/health/ready', { periodSeconds: 1, timeoutSeconds: 1, failureThreshold: START_SECONDS }),
    readinessProbe: probe('/health/ready', { periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3 }),
    livenessProbe: probe('/health/live', { periodSeconds: 10, timeoutSeconds: 10, failureThreshold: 6 }),
    volumeMounts: [...mounts],
    securityContext: {
      runAsUser: uid,
      runAsGroup: uid,
      runAsNonRoot: true,
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}

function probe(
  path: string,
  times: { periodSeconds: number; timeoutSeconds: number; failureThreshold: number },
): object {
  return { httpGet: { path, port: PORTS.admin, scheme: 'HTTP' }, successThreshold: 1, ...times };
}
