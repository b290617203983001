import { checkPod, type Expected } from '../../../operator/injection/check-pod.ts';
import { injectPod } from '../../../operator/injection/inject-pod.ts';
import type { AdmittedPod, Container } from '../../../operator/injection/types.ts';
import { STAMP_ANNOTATION } from '../../../policy/wire/pod-contract.ts';
import { asDefaulted, digest, overTheWire, podOf, situation } from './sample-injection.ts';

const AROUND = situation({
  registration: {
    egressGuard: 'Enforce',
    egressAllow: [{ host: 'a.example.com' }, { cidr: '10.0.0.0/8', ports: [5432] }],
    tools: [
      { toolId: 'ledger', ca: { kind: 'ConfigMap', name: 'ledger-ca', key: 'ca.crt' } },
      { toolId: 'stripe-payments', credential: { secret: 'stripe', key: 'token' } },
    ],
  },
});

const POD = podOf({
  initContainers: [{ name: 'migrate', image: 'm:1' }],
  volumes: [{ name: 'own', emptyDir: {} }],
});

function admitted(around: Expected = AROUND, pod: AdmittedPod = POD): AdmittedPod {
  return asDefaulted(injectPod(asDefaulted(pod), around.facts, around.namespace, around.settings, digest).pod);
}

function check(pod: AdmittedPod, expected: readonly Expected[] = [AROUND]): string[] {
  return checkPod(pod, expected, digest).map(({ field, message }) => `${field} ${message}`);
}

/** The pod with something done to it. */
function changed(change: (pod: AdmittedPod) => void, pod = admitted()): AdmittedPod {
  const copy = overTheWire(pod);
  change(copy);
  return copy;
}

const own = (pod: AdmittedPod, name: string): Container =>
  pod.spec.initContainers?.find((container) => container.name === name) as Container;

test('takes the pod as it was rendered and defaulted', () => {
  expect(check(admitted())).toEqual([]);
  expect(check(injectPod(POD, AROUND.facts, AROUND.namespace, AROUND.settings, digest).pod)).toEqual([]);
});

type Path = (string | number)[];

/** Every place of a value, its members first. */
function* places(value: unknown, path: Path = []): Generator<Path> {
  if (typeof value === 'object' && value !== null) {
    const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
    for (const key of keys) yield* places((value as Record<string | number, unknown>)[key], [...path, key]);
  }
  if (path.length > 0) yield path;
}

function* mutations(part: unknown): Generator<{ what: string; mutate(copy: unknown): void }> {
  const parentOf = (copy: unknown, path: Path) =>
    path.slice(0, -1).reduce((at, key) => (at as Record<string | number, unknown>)[key], copy) as Record<
      string,
      unknown
    >;
  for (const path of places(part)) {
    const key = path.at(-1) as string;
    const change = (how: string, value: (old: unknown) => unknown) => ({
      what: `${how} ${path.join('.')}`,
      mutate: (copy: unknown) => {
        const parent = parentOf(copy, path);
        parent[key] = value(parent[key]);
      },
    });
    const old = parentOf(part, path)[key];
    yield {
      what: `remove ${path.join('.')}`,
      mutate: (copy) => {
        const parent = parentOf(copy, path);
        if (Array.isArray(parent)) parent.splice(Number(key), 1);
        else delete parent[key];
      },
    };
    if (typeof old === 'string') yield change('change', (text) => `${text}x`);
    else if (typeof old === 'number') yield change('change', (number) => Number(number) + 1);
    else if (typeof old === 'boolean') yield change('change', (flag) => !flag);
    else if (Array.isArray(old)) yield change('add to', (list) => [...(list as unknown[]), overTheWire(old[0])]);
    else yield change('add to', (object) => ({ ...(object as object), unknown: 'x' }));
  }
}

test.each(['aegis-gateway', 'aegis-capture'])('refuses any change of %s', (name) => {
  const pod = admitted();
  const container = own(pod, name);
  let tried = 0;
  for (const { what, mutate } of mutations(container)) {
    const copy = changed((one) => mutate(own(one, name)), pod);
    if (check(copy).length === 0) throw new Error(`${name}: ${what} is not noticed`);
    tried += 1;
  }
  expect(tried).toBeGreaterThan(name === 'aegis-gateway' ? 300 : 40);
});

test('refuses any change of our volumes', () => {
  const pod = admitted();
  const volumes = pod.spec.volumes ?? [];
  let tried = 0;
  volumes.forEach((volume, index) => {
    if (!volume.name.startsWith('aegis-')) return;
    for (const { what, mutate } of mutations(volume)) {
      const copy = changed((one) => mutate(one.spec.volumes?.[index]), pod);
      if (check(copy).length === 0) throw new Error(`${volume.name}: ${what} is not noticed`);
      tried += 1;
    }
    expect(check(changed((one) => one.spec.volumes?.splice(index, 1), pod))).toEqual([
      `spec.volumes[${volume.name}] is missing`,
    ]);
    expect(check(changed((one) => one.spec.volumes?.push(overTheWire(volume)), pod))).not.toEqual([]);
  });
  expect(tried).toBeGreaterThan(40);
});

test('refuses any change of the stamp', () => {
  const pod = admitted();
  const stamp = JSON.parse(pod.metadata.annotations?.[STAMP_ANNOTATION] ?? '{}');
  for (const { what, mutate } of mutations(stamp)) {
    const forged = overTheWire(stamp);
    mutate(forged);
    const copy = changed(({ metadata }) => {
      metadata.annotations = { ...metadata.annotations, [STAMP_ANNOTATION]: JSON.stringify(forged) };
    }, pod);
    if (check(copy).length !== 1) throw new Error(`${what} is not noticed`);
  }
  expect(check(changed((one) => delete one.metadata.annotations?.[STAMP_ANNOTATION]))).toEqual([
    'metadata.annotations[aegis.dev/status] is missing',
  ]);
});

test('our containers are there, once, and first', () => {
  const init = (change: (list: Container[]) => Container[]) =>
    check(
      changed(({ spec }) => {
        spec.initContainers = change(spec.initContainers ?? []);
      }),
    );
  expect(init((list) => list.slice(1))).toContain('spec.initContainers[aegis-gateway] is missing');
  expect(init((list) => list.filter(({ name }) => name !== 'aegis-capture'))).toEqual([
    'spec.initContainers[aegis-capture] is missing',
  ]);
  expect(init(([gateway, capture, ...rest]) => [capture, gateway, ...rest] as Container[])).toEqual([
    'spec.initContainers[aegis-gateway] does not stand at place 1',
    'spec.initContainers[aegis-capture] does not stand at place 2',
  ]);
  expect(init(([gateway, capture, first, ...rest]) => [first, gateway, capture, ...rest] as Container[])).toHaveLength(
    2,
  );
  expect(init((list) => [...list, list[0] as Container])).toEqual([
    'spec.initContainers[aegis-gateway] was not rendered',
  ]);
  expect(init((list) => [...list, { name: 'aegis-x' }])).toEqual(['spec.initContainers[aegis-x] was not rendered']);
  expect(check(changed(({ spec }) => spec.containers.push({ name: 'aegis-gateway' })))).toEqual([
    'spec.containers[aegis-gateway] was not rendered',
  ]);
});

describe('other containers', () => {
  const agent = (change: (container: Container, pod: AdmittedPod) => void) =>
    check(changed((pod) => change(pod.spec.containers[0] as Container, pod)));
  const trust = ({ volumeMounts }: Container) => volumeMounts?.find(({ name }) => name === 'aegis-trust');

  test('mount the certificates of the CA read-only, and nothing else of ours', () => {
    for (const name of ['aegis-token', 'aegis-tools', 'aegis-state', 'aegis-bootstrap', 'aegis-trust']) {
      expect(agent(({ volumeMounts }) => volumeMounts?.push({ name, mountPath: '/mine' }))).not.toEqual([]);
    }
    expect(agent((one) => delete trust(one)?.readOnly)).not.toEqual([]);
    expect(agent((one) => Object.assign(trust(one) as object, { subPath: 'x' }))).not.toEqual([]);
    expect(agent((one) => Object.assign(trust(one) as object, { mountPath: '/elsewhere' }))).not.toEqual([]);
    expect(
      agent((one) => {
        one.volumeMounts = [];
      }),
    ).toEqual(['spec.containers[agent].volumeMounts[aegis-trust] is missing']);
    expect(
      agent(({ volumeMounts }) => volumeMounts?.push({ name: 'own', mountPath: '/var/run/aegis/trust/ca.crt' })),
    ).not.toEqual([]);
    expect(
      agent((one) => {
        one.volumeDevices = [{ name: 'aegis-state', devicePath: '/dev/x' }];
      }),
    ).not.toEqual([]);
    expect(agent(({ volumeMounts }) => volumeMounts?.push({ name: 'own', mountPath: '/own' }))).toEqual([]);
    expect(agent(({ volumeMounts }) => volumeMounts?.reverse())).toEqual([]);
  });

  test('have our variables, in whatever order, or their own', () => {
    expect(agent(({ env }) => env?.reverse())).toEqual([]);
    expect(agent(({ env }) => env?.push({ name: 'OTEL', value: 'x' }))).toEqual([]);
    expect(agent(({ env }) => env?.shift())).toEqual(['spec.containers[agent].env.AEGIS_GATEWAY_URL is missing']);
    expect(agent(({ env }) => env?.push({ name: 'AEGIS_GATEWAY_URL', value: 'http://evil' }))).not.toEqual([]);
    expect(agent(({ env }) => env?.push({ name: 'AEGIS_TOOL_X_URL', value: 'http://evil' }))).not.toEqual([]);
    expect(
      agent((one) => {
        one.env = one.env?.filter(({ name }) => name !== 'SSL_CERT_FILE') ?? [];
      }),
    ).toEqual(['spec.containers[agent].env.SSL_CERT_FILE is missing']);
    expect(
      agent((one) => {
        one.env =
          one.env?.map((each) => (each.name === 'SSL_CERT_FILE' ? { name: each.name, value: '/own' } : each)) ?? [];
      }),
    ).toEqual([]);
  });

  test('are not the gateway', () => {
    const message = "spec.containers[agent].securityContext.runAsUser is the gateway's";
    expect(
      agent((one) => {
        one.securityContext = { runAsUser: 16001 };
      }),
    ).toContain(message);
    expect(
      agent((_, { spec }) => {
        spec.securityContext = { runAsUser: 16001 };
      }),
    ).toContain(message);
  });

  test('have no token as the gateway has, wherever it stands among the sources', () => {
    const volume = {
      name: 'mine',
      projected: {
        sources: [{ configMap: { name: 'x' } }, { serviceAccountToken: { audience: 'aegis.dev', path: 't' } }],
      },
    };
    expect(agent((_, { spec }) => spec.volumes?.push(volume))).toEqual([
      'spec.volumes[mine] holds a token for aegis.dev',
    ]);
    const other = { name: 'mine', projected: { sources: [{ serviceAccountToken: { audience: 'vault', path: 't' } }] } };
    expect(agent((_, { spec }) => spec.volumes?.push(other))).toEqual([]);
  });

  test('are not ephemeral', () => {
    expect(
      agent((_, { spec }) => {
        spec.ephemeralContainers = [{ name: 'debug' }];
      }),
    ).toEqual(['spec.ephemeralContainers[debug] is not allowed']);
  });

  test('may not lose the guard after it was granted', () => {
    const granted = podOf({
      securityContext: { runAsUser: 1000 },
      containers: [{ name: 'agent', securityContext: { allowPrivilegeEscalation: false } }],
    });
    const pod = admitted(AROUND, granted);
    expect(pod.metadata.annotations?.[STAMP_ANNOTATION]).toContain('"guarded":true');
    const spoiled = changed(({ spec }) => {
      spec.shareProcessNamespace = true;
    }, pod);
    expect(check(spoiled)).toEqual(['metadata.annotations[aegis.dev/status] is not as rendered']);
  });
});

describe('what admission plugins add to our containers', () => {
  const gateway = (change: (container: Container) => void) => {
    const pod = changed((one) => change(own(one, 'aegis-gateway')));
    const again = asDefaulted(injectPod(pod, AROUND.facts, AROUND.namespace, AROUND.settings, digest).pod);
    return { now: check(pod), afterReinvocation: check(again), pod: again };
  };

  test('defaults of a LimitRange stay, also when we are asked again', () => {
    const { now, afterReinvocation, pod } = gateway((one) => {
      one.resources = {
        limits: { cpu: '500m', memory: '0.25Gi' },
        requests: { cpu: '0.05', memory: '98304Ki', 'ephemeral-storage': '1Gi' },
      };
    });
    expect([now, afterReinvocation]).toEqual([[], []]);
    expect(own(pod, 'aegis-gateway').resources).toEqual({
      limits: { cpu: '500m', memory: '256Mi' },
      requests: { cpu: '50m', memory: '96Mi', 'ephemeral-storage': '1Gi' },
    });
    expect(
      gateway((one) => {
        one.resources = { limits: { memory: '1Gi' }, requests: { cpu: '50m', memory: '96Mi' } };
      }).now,
    ).toEqual(['spec.initContainers[aegis-gateway].resources.limits.memory is not as rendered']);
    expect(
      gateway((one) => Object.assign((one.resources as { limits: object }).limits, { 'x.com/gpu': '1' })).now,
    ).not.toEqual([]);
  });

  test('AlwaysPullImages stays', () => {
    const always = gateway((one) => {
      one.imagePullPolicy = 'Always';
    });
    expect([always.now, always.afterReinvocation]).toEqual([[], []]);
    expect(own(always.pod, 'aegis-gateway').imagePullPolicy).toBe('Always');
    expect(
      gateway((one) => {
        one.imagePullPolicy = 'Never';
      }).now,
    ).not.toEqual([]);
  });

  test('a written-out resize policy is the default', () => {
    expect(
      gateway((one) => {
        one.resizePolicy = [{ resourceName: 'cpu', restartPolicy: 'NotRequired' }];
      }).now,
    ).toEqual([]);
    expect(
      gateway((one) => {
        one.resizePolicy = [{ resourceName: 'cpu', restartPolicy: 'RestartContainer' }];
      }).now,
    ).not.toEqual([]);
  });

  test('the token of the ServiceAccount goes when we are asked again, and is refused where we are not', () => {
    const pod = asDefaulted(admitted(), 'everywhere');
    expect(check(pod)).toEqual([
      'spec.initContainers[aegis-gateway].volumeMounts[kube-api-access-x2b7q] was not rendered',
      'spec.initContainers[aegis-capture].volumeMounts was not rendered',
    ]);
    expect(check(injectPod(pod, AROUND.facts, AROUND.namespace, AROUND.settings, digest).pod)).toEqual([]);
  });
});

describe('several versions of the facts', () => {
  const at = (minSequence: number, pinnedKeys = ['key-a']): Expected =>
    situation({ ...AROUND, registration: AROUND.facts.registration, facts: { minSequence, pinnedKeys } });

  test('any sequence from the lowest on is good', () => {
    for (const sequence of [5, 6, 9, 1000]) expect(check(admitted(at(sequence)), [at(9), at(5)])).toEqual([]);
    for (const sequence of [1, 4]) {
      expect(check(admitted(at(sequence)), [at(9), at(5)])).toEqual([
        'spec.initContainers[aegis-gateway].env[AEGIS_GATEWAY_BUNDLE_MIN_SEQUENCE].value is not as rendered',
      ]);
    }
    for (const value of ['', '0', '-1', '9.5', '1e3', '99999999999999999999', ' 9']) {
      const pod = changed(
        (one) => {
          const variable = own(one, 'aegis-gateway').env?.find(({ name }) => name.endsWith('MIN_SEQUENCE'));
          if (variable !== undefined) variable.value = value;
        },
        admitted(at(9)),
      );
      expect(check(pod, [at(9), at(5)])).toHaveLength(1);
    }
  });

  test('the pod is as one of them says, and not a mixture', () => {
    const [now, before] = [at(9, ['key-b']), at(5, ['key-a', 'key-b'])];
    expect(check(admitted(before), [now, before])).toEqual([]);
    expect(check(admitted(now), [now, before])).toEqual([]);
    const mixed = changed((one) => {
      one.metadata.annotations = {
        ...one.metadata.annotations,
        [STAMP_ANNOTATION]: admitted(now).metadata.annotations?.[STAMP_ANNOTATION] ?? '',
      };
    }, admitted(before));
    expect(check(mixed, [now, before])).toEqual([
      'spec.initContainers[aegis-gateway].env[AEGIS_GATEWAY_BUNDLE_PINNED_KEYS].value is not as rendered',
    ]);
  });

  test('without any, no pod is good', () => {
    expect(check(admitted(), [])).toEqual(['spec.initContainers can be rendered for no agent']);
  });
});
