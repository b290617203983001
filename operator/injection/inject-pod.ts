import { type CaptureMode, type PodStamp, STAMP_ANNOTATION } from '../../policy/wire/pod-contract.ts';
import { type AppEnvironment, namelessTools, withOurVariables } from './app-environment.ts';
import { captureMode } from './capture-mode.ts';
import { unusableDestinations } from './egress-allow.ts';
import { foreignPart } from './foreign-part.ts';
import { withKeptAdditions } from './kept-additions.ts';
import { makeStamp } from './make-stamp.ts';
import { render } from './render.ts';
import { unusableSecrets } from './tool-secrets.ts';
import type { AdmittedPod, Container, InjectionFacts, InjectionSettings, NamespaceFacts } from './types.ts';
import { TRUST_MOUNT } from './volumes.ts';

/** Whose container kubectl means where none is named. */
const DEFAULT_CONTAINER_ANNOTATION = 'kubectl.kubernetes.io/default-container';

export interface InjectedPod {
  pod: AdmittedPod;
  stamp: PodStamp;
  /** For whoever creates the pod. */
  warnings: string[];
}

/**
 * A new pod with the gateway in it. Whatever bears our names is replaced, the rest keeps its place: the result is the
 * same however often it is done, and whoever has been there before. Ours come first in every list, because others
 * append: then nothing has to be moved when we are asked again.
 * @param digest SHA-256 in hexadecimal digits.
 * @throws AegisError `AEGIS_INJECT_RENDER`
 */
export function injectPod(
  pod: AdmittedPod,
  facts: InjectionFacts,
  namespace: NamespaceFacts,
  settings: InjectionSettings,
  digest: (text: string) => string,
): InjectedPod {
  const mode = captureMode(namespace, settings);
  const rendered = render(facts, mode, settings);
  const { containers, volumes, environment } = rendered;
  const { pod: foreign, warnings } = foreignPart(pod, settings);
  const { metadata, spec } = foreign;
  const stamp = makeStamp(foreign, { facts, namespace, settings, mode, rendered }, digest);
  const own = containers.map((container) =>
    withKeptAdditions(
      container,
      pod.spec.initContainers?.find(({ name }) => name === container.name),
    ),
  );
  const app = (container: Container) => appContainer(container, environment, warnings);
  const [first] = spec.containers;
  const injected: AdmittedPod = {
    ...foreign,
    metadata: {
      ...metadata,
      annotations: {
        ...(first !== undefined && { [DEFAULT_CONTAINER_ANNOTATION]: first.name }),
        ...metadata.annotations,
        [STAMP_ANNOTATION]: JSON.stringify(stamp),
      },
    },
    spec: {
      ...spec,
      initContainers: [...own, ...(spec.initContainers ?? []).map(app)],
      containers: spec.containers.map(app),
      volumes: [...volumes, ...(spec.volumes ?? [])],
    },
  };
  return { pod: injected, stamp, warnings: [...warnings, ...shortcomings(facts, stamp, mode)] };
}

/** @param container without anything of ours. */
function appContainer(container: Container, environment: AppEnvironment, warnings: string[]): Container {
  const { env, warnings: found } = withOurVariables(container, environment);
  warnings.push(...found);
  return { ...container, env, volumeMounts: [{ ...TRUST_MOUNT }, ...(container.volumeMounts ?? [])] };
}

function shortcomings(
  facts: InjectionFacts,
  { egressGuard, guarded, problems }: PodStamp,
  mode: CaptureMode,
): string[] {
  const { tools, name, egressAllow } = facts.registration;
  const found: string[] = [];
  if (egressGuard === 'Enforce' && !guarded) {
    found.push(`AgentRegistration ${name} asks for an egress guard, and this pod has none that holds: ${problems}.`);
  }
  if (mode === 'Explicit') {
    found.push('Traffic is not redirected here: clients reach the gateway by proxy variables and base URLs.');
  }
  const nowhere = unusableDestinations(egressAllow);
  if (nowhere.length > 0) found.push(`These entries of egress.allow are neither a host nor a network: ${nowhere}.`);
  const unusable = unusableSecrets(tools);
  if (unusable.length > 0) found.push(`No Secret or ConfigMap has such a key as these tools name: ${unusable}.`);
  const nameless = namelessTools(facts);
  if (nameless.length > 0) found.push(`These tools have no variable, because their ids are too alike: ${nameless}.`);
  return found;
}
