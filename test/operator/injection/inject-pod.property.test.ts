import fc from 'fast-check';
import { checkPod } from '../../../operator/injection/check-pod.ts';
import { injectPod } from '../../../operator/injection/inject-pod.ts';
import type { AdmittedPod, Container } from '../../../operator/injection/types.ts';
import { STAMP_ANNOTATION } from '../../../policy/wire/pod-contract.ts';
import { readStamp } from '../../../policy/wire/read-stamp.ts';
import { injectors, pods, situations } from './arbitrary-pods.ts';
import { asDefaulted, digest, overTheWire, type situation } from './sample-injection.ts';

type Situation = ReturnType<typeof situation>;

function inject(pod: AdmittedPod, { facts, namespace, settings }: Situation): AdmittedPod {
  return overTheWire(injectPod(pod, facts, namespace, settings, digest).pod);
}

const RUNS = { numRuns: 200 };

test('twice is the same as once', () => {
  fc.assert(
    fc.property(pods, situations, (pod, around) => {
      const once = inject(pod, around);
      expect(inject(once, around)).toEqual(once);
      const defaulted = asDefaulted(once);
      expect(inject(defaulted, around)).toEqual(defaulted);
    }),
    RUNS,
  );
});

test('it does not matter what was rendered before', () => {
  fc.assert(
    fc.property(pods, situations, situations, (pod, before, now) => {
      expect(inject(inject(pod, before), now)).toEqual(inject(pod, now));
    }),
    RUNS,
  );
});

test('another injector may come before, between and after: its parts stay, and ours come first', () => {
  fc.assert(
    fc.property(pods, situations, injectors, (pod, around, another) => {
      const between = inject(another(inject(pod, around)), around);
      expect(overTheWire(between.spec)).toEqual(inject(another(foreign(pod, around)), around).spec);
      expect(inject(between, around)).toEqual(between);
      const names = (list: readonly Container[] | undefined) => (list ?? []).map(({ name }) => name);
      const [first, ...others] = names(between.spec.initContainers);
      expect(first).toBe('aegis-gateway');
      expect(others.filter((name) => !name.startsWith('aegis-'))).toEqual(
        names(another(pod).spec.initContainers).filter((name) => !name.startsWith('aegis-')),
      );
    }),
    RUNS,
  );
});

/** As the pod is to another injector that comes first: it sees the same foreign variables in the same places. */
function foreign(pod: AdmittedPod, around: Situation): AdmittedPod {
  const injected = inject(pod, around);
  const strip = (list: readonly Container[] | undefined) =>
    (list ?? []).filter(({ name }) => !name.startsWith('aegis-'));
  return {
    ...injected,
    spec: {
      ...injected.spec,
      initContainers: strip(injected.spec.initContainers),
      containers: strip(injected.spec.containers),
    },
  };
}

test('nothing forged survives', () => {
  fc.assert(
    fc.property(pods, situations, (pod, around) => {
      const { spec, metadata } = inject(pod, around);
      const honest = inject({ ...pod, spec: { ...pod.spec, initContainers: [], containers: [], volumes: [] } }, around);
      const ours = (list: readonly { name: string }[] | undefined) =>
        (list ?? []).filter(({ name }) => name.startsWith('aegis-'));
      expect(ours(spec.initContainers)).toEqual(ours(honest.spec.initContainers));
      expect(ours(spec.containers)).toEqual([]);
      expect(ours(spec.volumes)).toEqual(ours(honest.spec.volumes));
      for (const { name, volumeMounts, env } of [...(spec.initContainers ?? []), ...spec.containers]) {
        if (name.startsWith('aegis-')) continue;
        const near = (volumeMounts ?? []).filter(
          (mount) =>
            mount.name.startsWith('aegis-') || mount.mountPath.replaceAll('//', '/').startsWith('/var/run/aegis/trust'),
        );
        expect(near).toEqual([{ name: 'aegis-trust', mountPath: '/var/run/aegis/trust', readOnly: true }]);
        expect(env?.filter((one) => one.name === 'AEGIS_GATEWAY_URL')).toEqual([
          { name: 'AEGIS_GATEWAY_URL', value: 'http://127.0.0.1:15001' },
        ]);
        expect(env?.some((one) => one.name === 'AEGIS_TOOL_GONE_URL')).toBe(false);
      }
      const stamp = readStamp(metadata.annotations?.[STAMP_ANNOTATION]);
      expect(stamp).toMatchObject({
        registration: 'finance-agent',
        egressGuard: around.facts.registration.egressGuard,
      });
      if (spec.securityContext?.runAsUser === 0 || spec.shareProcessNamespace === true)
        expect(stamp?.guarded).toBe(false);
    }),
    RUNS,
  );
});

test('what is not ours keeps its place and its content', () => {
  fc.assert(
    fc.property(pods, situations, (pod, around) => {
      const { spec, metadata } = inject(pod, around);
      const plain = (list: readonly Container[] | undefined) =>
        (list ?? []).filter(({ name }) => !name.startsWith('aegis-')).map(({ env, volumeMounts, ...rest }) => rest);
      expect(plain(spec.initContainers)).toEqual(plain(pod.spec.initContainers));
      expect(plain(spec.containers)).toEqual(plain(pod.spec.containers));
      const { initContainers, containers, volumes, ...others } = spec;
      const { initContainers: _i, containers: _c, volumes: _v, ...before } = pod.spec;
      expect(others).toEqual(before);
      const { annotations, ...rest } = metadata;
      const { annotations: given = {}, ...restBefore } = pod.metadata;
      expect(rest).toEqual(restBefore);
      for (const [key, value] of Object.entries(given))
        if (key !== STAMP_ANNOTATION) expect(annotations?.[key]).toBe(value);
      pod.spec.containers.forEach((container) => {
        const after = spec.containers.find(({ name }) => name === container.name);
        const kept = (container.env ?? []).filter(({ name }) => name === 'A' || name === 'B');
        if (after !== undefined) expect(after.env?.filter(({ name }) => name === 'A' || name === 'B')).toEqual(kept);
      });
    }),
    RUNS,
  );
});

test('the check takes what was injected, and nothing that has a container as the gateway', () => {
  fc.assert(
    fc.property(pods, situations, injectors, (pod, around, another) => {
      const injected = asDefaulted(inject(another(pod), around));
      const findings = checkPod(injected, [around], digest);
      const { spec } = injected;
      const asGateway = [...(spec.initContainers ?? []), ...spec.containers].some(
        ({ name, securityContext }) =>
          !name.startsWith('aegis-') && (securityContext?.runAsUser ?? spec.securityContext?.runAsUser) === 16001,
      );
      expect(findings.length > 0).toBe(asGateway);
      for (const { field } of findings) expect(field).toMatch(/runAsUser$/);
    }),
    RUNS,
  );
});
