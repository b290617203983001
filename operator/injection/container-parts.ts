import { AegisError } from '../../policy/errors.ts';
import type { Container, EnvironmentVariable, InjectionSettings } from './types.ts';

/**
 * What both of our containers have. Everything that the API server would fill in is written out, so that a pod looks the
 * same before and after, and the check at the end of admission can compare it.
 */
export function containerParts(settings: InjectionSettings): Omit<Container, 'name'> {
  return {
    image: settings.image,
    imagePullPolicy: settings.imagePullPolicy ?? defaultPullPolicy(settings.image),
    resources: resourcesOf(settings),
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  };
}

/** As Kubernetes does it: a tag that moves is looked up at every start. */
function defaultPullPolicy(image: string): string {
  const [name = '', digest] = image.split('@');
  const tag = /:([^:/]+)$/.exec(name)?.[1];
  return tag === 'latest' || (tag === undefined && digest === undefined) ? 'Always' : 'IfNotPresent';
}

/** A limit is also the request where there is no other. */
function resourcesOf({ resources: { requests, limits } }: InjectionSettings): Record<string, Record<string, string>> {
  const all = { ...limits, ...requests };
  return {
    ...(Object.keys(limits).length > 0 && { limits: { ...limits } }),
    ...(Object.keys(all).length > 0 && { requests: all }),
  };
}

/** `$(NAME)` would be another variable's value. An empty value would be left out by the API server. */
export function variable(name: string, value: string): EnvironmentVariable {
  if (value === '') throw new AegisError('AEGIS_INJECT_RENDER', `there is no value for ${name}`);
  return { name, value: value.replaceAll('$', '$$$$') };
}
