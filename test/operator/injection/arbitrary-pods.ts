/** Pods of every kind, honest and not, for the property tests. */
import fc from 'fast-check';
import type { AdmittedPod, Container, EnvironmentVariable, Volume } from '../../../operator/injection/types.ts';
import { podOf, situation } from './sample-injection.ts';

const OWN_VARIABLES = ['SSL_CERT_FILE', 'http_proxy', 'NO_PROXY', 'NODE_EXTRA_CA_CERTS', 'NODE_USE_ENV_PROXY'];
const FORGED_VARIABLES = ['AEGIS_GATEWAY_URL', 'AEGIS_TOOL_STRIPE_PAYMENTS_URL', 'AEGIS_TOOL_GONE_URL'];
const VALUES = ['1', 'x', '/var/run/aegis/trust/bundle.crt', 'http://127.0.0.1:15001'];
const FORGED_NAMES = ['aegis-gateway', 'aegis-capture', 'aegis-other'];
const FORGED_VOLUMES = ['aegis-state', 'aegis-bootstrap', 'aegis-token', 'aegis-trust', 'aegis-tools', 'aegis-x'];
const PATHS = [
  '/data',
  '/var/run/aegis/trust',
  '/var/run/aegis/trust/',
  '/var/run//aegis/trust/ca.crt',
  '/var/run/aegis',
];

const environment = fc.uniqueArray(
  fc.record({
    name: fc.constantFrom('A', 'B', ...OWN_VARIABLES, ...FORGED_VARIABLES),
    value: fc.constantFrom(...VALUES),
  }),
  { maxLength: 6, selector: ({ name }) => name },
);
const mounts = fc.uniqueArray(
  fc.record({ name: fc.constantFrom('own', ...FORGED_VOLUMES), mountPath: fc.constantFrom(...PATHS) }),
  { maxLength: 4, selector: ({ mountPath }) => mountPath },
);
const securityContext = fc.record(
  {
    runAsUser: fc.constantFrom(0, 1000, 16001),
    privileged: fc.boolean(),
    allowPrivilegeEscalation: fc.boolean(),
    capabilities: fc.constantFrom({ drop: ['ALL'] }, { add: ['NET_ADMIN'] }, { add: [] }),
  },
  { requiredKeys: [] },
);

function container(...names: string[]): fc.Arbitrary<Container> {
  return fc
    .record(
      {
        name: fc.constantFrom(...names),
        image: fc.constantFrom('agent:1', 'evil:1'),
        env: environment,
        volumeMounts: mounts,
        securityContext,
        restartPolicy: fc.constant('Always'),
        // a field that is not known here
        lifecycle: fc.constant({ preStop: { sleep: { seconds: 1 } } }),
      },
      { requiredKeys: ['name', 'image'] },
    )
    .map((one) => one as object as Container);
}

const unique = (containers: fc.Arbitrary<Container>, minLength: number) =>
  fc.uniqueArray(containers, { minLength, maxLength: 4, selector: ({ name }) => name });

const volume: fc.Arbitrary<Volume> = fc.oneof(
  fc.constantFrom('own', 'other', ...FORGED_VOLUMES).map((name) => ({ name, emptyDir: {} })),
  fc.constantFrom('node', 'aegis-state').map((name) => ({ name, hostPath: { path: '/' } })),
);

export const pods: fc.Arbitrary<AdmittedPod> = fc
  .record({
    init: unique(container('setup', 'wait', ...FORGED_NAMES), 0),
    apps: unique(container('agent', 'cache', ...FORGED_NAMES), 0),
    volumes: fc.uniqueArray(volume, { maxLength: 5, selector: ({ name }) => name }),
    annotations: fc.dictionary(
      fc.constantFrom('a', 'aegis.dev/status', 'kubectl.kubernetes.io/default-container'),
      fc.constantFrom('agent', '{"version":1,"guarded":true}'),
      { noNullPrototype: true },
    ),
    context: fc.option(fc.record({ runAsUser: fc.constantFrom(0, 1000, 16001) }), { nil: undefined }),
    shared: fc.boolean(),
  })
  .map(({ init, apps, volumes, annotations, context, shared }) =>
    podOf(
      {
        initContainers: init,
        containers: [{ name: 'main', image: 'agent:1' }, ...apps],
        volumes,
        ...(context && { securityContext: context }),
        ...(shared && { shareProcessNamespace: true }),
      },
      { annotations },
    ),
  );

/** Adds its own containers, volumes and variables wherever it likes, and leaves ours alone. */
export const injectors: fc.Arbitrary<(pod: AdmittedPod) => AdmittedPod> = fc
  .record({
    init: unique(container('istio-init', 'vault-init'), 0),
    apps: unique(container('istio-proxy', 'vault'), 0),
    inFront: fc.boolean(),
    variables: environment.map((all) => all.filter(({ name }) => name === 'A' || name === 'B')),
  })
  .map(({ init, apps, inFront, variables }) => (pod) => {
    const join = <T>(theirs: readonly T[], there: readonly T[]): T[] =>
      inFront ? [...theirs, ...there] : [...there, ...theirs];
    const told = (one: Container): Container =>
      one.name.startsWith('aegis-')
        ? one
        : {
            ...one,
            env: join<EnvironmentVariable>(variables, one.env ?? []),
          };
    const without = (list: readonly Container[]) => {
      const names = new Set([...init, ...apps].map(({ name }) => name));
      return list.filter(({ name }) => !names.has(name)).map(told);
    };
    return {
      ...pod,
      spec: {
        ...pod.spec,
        initContainers: join(init, without(pod.spec.initContainers ?? [])),
        containers: join(apps, without(pod.spec.containers)),
        volumes: join(
          [{ name: 'vault-secrets', emptyDir: {} }],
          (pod.spec.volumes ?? []).filter(({ name }) => name !== 'vault-secrets'),
        ),
      },
    };
  });

const tools = fc
  .uniqueArray(fc.constantFrom('stripe-payments', 'ledger', 'core.banking'), { maxLength: 3 })
  .map((ids) => ids.map((toolId) => ({ toolId, credential: { secret: toolId, key: 'token' } })));

export const situations = fc
  .record({
    egressGuard: fc.constantFrom('Off' as const, 'Observe' as const, 'Enforce' as const),
    podSecurity: fc.constantFrom('privileged' as const, 'baseline' as const, 'restricted' as const),
    capture: fc.constantFrom('Auto' as const, 'Transparent' as const, 'Explicit' as const),
    minSequence: fc.integer({ min: 1, max: 1e6 }),
    tools,
  })
  .map(({ egressGuard, podSecurity, capture, minSequence, tools: some }) =>
    situation({
      registration: { egressGuard, tools: some },
      facts: { minSequence },
      namespace: { podSecurity },
      settings: { capture },
    }),
  );
