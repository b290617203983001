import { STAMP_ANNOTATION } from '../../policy/wire/pod-contract.ts';
import type { CheckFinding } from './check-finding.ts';
import { differences } from './compare-values.ts';
import { sameQuantity } from './quantity.ts';
import { isReserved } from './reserved.ts';
import type { AdmittedPod, Container, PodSpec } from './types.ts';

/** Our containers, our volumes and the stamp, compared with those of the pod as it would be rendered now. */
export function checkOwnParts(pod: AdmittedPod, rendered: AdmittedPod): CheckFinding[] {
  return [
    ...checkContainers(pod.spec, rendered.spec),
    ...checkVolumes(pod.spec, rendered.spec),
    ...differences(
      rendered.metadata.annotations?.[STAMP_ANNOTATION],
      pod.metadata.annotations?.[STAMP_ANNOTATION],
      `metadata.annotations[${STAMP_ANNOTATION}]`,
    ),
  ];
}

/** They stand first, so that nothing of the pod runs before them. */
function checkContainers(spec: PodSpec, rendered: PodSpec): CheckFinding[] {
  const found: CheckFinding[] = [];
  const init = spec.initContainers ?? [];
  const expected = (rendered.initContainers ?? []).filter(({ name }) => isReserved(name));
  expected.forEach((container, index) => {
    const field = `spec.initContainers[${container.name}]`;
    const there = init.find(({ name }) => name === container.name);
    if (there === undefined) found.push({ field, message: 'is missing' });
    else if (init[index] !== there) found.push({ field, message: `does not stand at place ${index + 1}` });
    if (there !== undefined) found.push(...compareContainers(container, there, field));
  });
  const names = new Set(expected.map(({ name }) => name));
  init.forEach(({ name }, index) => {
    const isFirst = init.findIndex((other) => other.name === name) === index;
    if (isReserved(name) && !(names.has(name) && isFirst)) {
      found.push({ field: `spec.initContainers[${name}]`, message: 'was not rendered' });
    }
  });
  for (const { name } of spec.containers ?? []) {
    if (isReserved(name)) found.push({ field: `spec.containers[${name}]`, message: 'was not rendered' });
  }
  return found;
}

function compareContainers(expected: Container, found: Container, field: string): CheckFinding[] {
  const { resources: wanted, ...rest } = expected;
  const { resources, resizePolicy, ...actual } = found;
  return [
    ...differences(wanted, resources, `${field}.resources`, (a, b) => sameQuantity(String(a), String(b))),
    ...(isDefaultResize(resizePolicy) ? [] : [{ field: `${field}.resizePolicy`, message: 'was not rendered' }]),
    ...differences(rest, actual, field),
  ];
}

/** Some versions of Kubernetes write out that a change of resources needs no restart. */
function isDefaultResize(policy: unknown): boolean {
  if (policy === undefined || policy === null) return true;
  return (
    Array.isArray(policy) &&
    policy.every((entry) => {
      const { resourceName, restartPolicy, ...others } = (entry ?? {}) as Record<string, unknown>;
      const known = resourceName === 'cpu' || resourceName === 'memory';
      return known && restartPolicy === 'NotRequired' && Object.keys(others).length === 0;
    })
  );
}

function checkVolumes(spec: PodSpec, rendered: PodSpec): CheckFinding[] {
  const own = ({ volumes }: PodSpec) => (volumes ?? []).filter(({ name }) => isReserved(name));
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : Number(a.name > b.name));
  const [expected, found] = [own(rendered).sort(byName), own(spec).sort(byName)];
  const names = new Set([...expected, ...found].map(({ name }) => name));
  return [...names].flatMap((name) =>
    differences(
      expected.filter((volume) => volume.name === name),
      found.filter((volume) => volume.name === name),
      'spec.volumes',
    ),
  );
}
