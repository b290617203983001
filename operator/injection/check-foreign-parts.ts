import { TOKEN_AUDIENCE } from '../../policy/wire/pod-contract.ts';
import { mayBeOurs } from './app-environment.ts';
import type { CheckFinding } from './check-finding.ts';
import { differences } from './compare-values.ts';
import { userOf } from './guard-grant.ts';
import { foreignOf, isReserved, isReservedMount } from './reserved.ts';
import type { AdmittedPod, Container, InjectionSettings, PodSpec, Volume } from './types.ts';

const LISTS = ['initContainers', 'containers'] as const;

/** That the other containers have what they need of ours, and no more. */
export function checkForeignParts(
  { spec }: AdmittedPod,
  rendered: AdmittedPod,
  settings: InjectionSettings,
): CheckFinding[] {
  const found: CheckFinding[] = [];
  for (const list of LISTS) {
    const expected = foreignOf(rendered.spec[list]);
    foreignOf(spec[list]).forEach((container, index) => {
      const field = `spec.${list}[${container.name}]`;
      found.push(...checkContainer(container, expected[index], field));
      if (userOf(container, spec) === settings.uid) {
        found.push({ field: `${field}.securityContext.runAsUser`, message: "is the gateway's" });
      }
    });
  }
  for (const { name } of spec.ephemeralContainers ?? []) {
    found.push({ field: `spec.ephemeralContainers[${name}]`, message: 'is not allowed' });
  }
  return [...found, ...checkTokens(spec)];
}

function checkContainer(container: Container, expected: Container | undefined, field: string): CheckFinding[] {
  const mounts = ({ volumeMounts }: Container) => (volumeMounts ?? []).filter(isReservedMount);
  const devices = Array.isArray(container.volumeDevices) ? container.volumeDevices : [];
  return [
    ...differences(expected && mounts(expected), mounts(container), `${field}.volumeMounts`),
    ...devices
      .filter(({ name }) => isReserved(String(name)))
      .map(({ name }) => ({ field: `${field}.volumeDevices[${name}]`, message: 'is not allowed' })),
    ...differences(expected && ourVariables(expected), ourVariables(container), `${field}.env`),
  ];
}

/** As they are in force: of several with one name the last one counts. */
function ourVariables({ env }: Container): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const { name, ...value } of env ?? []) if (mayBeOurs(name)) found[name] = value;
  return found;
}

/** The operator takes whoever has such a token for the gateway. */
function checkTokens({ volumes }: PodSpec): CheckFinding[] {
  return (volumes ?? [])
    .filter((volume) => !isReserved(volume.name) && hasOurAudience(volume))
    .map(({ name }) => ({ field: `spec.volumes[${name}]`, message: `holds a token for ${TOKEN_AUDIENCE}` }));
}

function hasOurAudience(volume: Volume): boolean {
  const { sources } = (volume.projected ?? {}) as { sources?: unknown };
  return (
    Array.isArray(sources) &&
    sources.some((source) => (source as ProjectedSource | null)?.serviceAccountToken?.audience === TOKEN_AUDIENCE)
  );
}

interface ProjectedSource {
  serviceAccountToken?: { audience?: unknown } | null;
}
