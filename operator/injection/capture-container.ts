import { CAPTURE_CONFIG_VARIABLE, type CaptureConfig } from '../../policy/wire/capture-config.ts';
import { CAPTURE_CONTAINER, PORTS } from '../../policy/wire/pod-contract.ts';
import { containerParts, variable } from './container-parts.ts';
import { allowedNetworks } from './egress-allow.ts';
import type { Container, InjectionFacts, InjectionSettings } from './types.ts';

const COMMAND = ['/usr/local/bin/node', '/app/capture.mjs'];

/** Redirects the pod's traffic, and ends. Whatever the pod says of users and groups does not count for it. */
export function captureContainer(facts: InjectionFacts, settings: InjectionSettings): Container {
  return {
    name: CAPTURE_CONTAINER,
    ...containerParts(settings),
    command: [...COMMAND],
    env: [variable(CAPTURE_CONFIG_VARIABLE, JSON.stringify(captureConfig(facts, settings)))],
    securityContext: {
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
  };
}

export function captureConfig({ registration }: InjectionFacts, { uid }: InjectionSettings): CaptureConfig {
  return {
    version: 1,
    gatewayUid: uid,
    ports: { http: PORTS.http, tls: PORTS.tls },
    guard: registration.egressGuard,
    allow: allowedNetworks(registration.egressAllow),
  };
}
