import type { CaptureMode } from '../../policy/wire/pod-contract.ts';
import type { AppEnvironment } from './app-environment.ts';
import { appEnvironment } from './app-environment.ts';
import { captureContainer } from './capture-container.ts';
import { gatewayContainer } from './gateway-container.ts';
import type { Container, InjectionFacts, InjectionSettings, Volume } from './types.ts';
import { volumesOf } from './volumes.ts';

/** All that is put into a pod. It depends on the agent and on the operator's settings, and on nothing in the pod. */
export interface Rendered {
  /** In the order in which they start. */
  containers: Container[];
  volumes: Volume[];
  environment: AppEnvironment;
}

/** @throws AegisError `AEGIS_INJECT_RENDER` where the facts are not complete: nothing is rendered that trusts more. */
export function render(facts: InjectionFacts, mode: CaptureMode, settings: InjectionSettings): Rendered {
  const { volumes, mounts } = volumesOf(facts);
  const gateway = gatewayContainer(facts, mode, settings, mounts);
  return {
    containers: mode === 'Transparent' ? [gateway, captureContainer(facts, settings)] : [gateway],
    volumes,
    environment: appEnvironment(facts, mode, settings),
  };
}
