import type { InjectionSettings } from '../injection/types.ts';
import type { OperatorSettings } from './settings.ts';

/** Undefined where the operator was told no image: then no pod of an agent is admitted. */
export function injectionSettings(settings: OperatorSettings): InjectionSettings | undefined {
  const image = settings['injection.image'];
  if (image === undefined) return undefined;
  const imagePullPolicy = settings['injection.imagePullPolicy'];
  return {
    image,
    ...(imagePullPolicy !== undefined && { imagePullPolicy }),
    uid: settings['injection.uid'],
    resources: {
      requests: Object.fromEntries(settings['injection.requests']),
      limits: Object.fromEntries(settings['injection.limits']),
    },
    bundlesAddress: settings['bundles.address'].href.replace(/\/$/, ''),
    gatewaySettings: Object.fromEntries(settings['injection.gatewaySettings']),
    capture: settings['injection.capture'],
    clusterDomain: settings['injection.clusterDomain'],
  };
}
