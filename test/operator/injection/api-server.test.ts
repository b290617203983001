/** That a real API server changes nothing in what is rendered, and takes it at every level of Pod Security that it is for. */
import { checkPod } from '../../../operator/injection/check-pod.ts';
import { injectPod } from '../../../operator/injection/inject-pod.ts';
import { patchOf } from '../../../operator/injection/json-patch.ts';
import type { AdmittedPod } from '../../../operator/injection/types.ts';
import { ApiServer } from '../../apiserver/api-server.ts';
import { digest, podOf, situation, type Variation } from './sample-injection.ts';

let server: ApiServer;

beforeAll(async () => {
  server = await ApiServer.start({ crds: false });
  for (const level of ['privileged', 'baseline', 'restricted']) {
    const metadata = { name: level, labels: { 'pod-security.kubernetes.io/enforce': level } };
    const { status } = await server.raw('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata,
    });
    expect(status).toBe(201);
  }
});
afterAll(() => server?.stop());

const TOOLS = Array.from({ length: 256 }, (_, index) => ({
  toolId: `t.${index}`,
  credential: { secret: 's', key: 'k' },
  ca: { kind: 'ConfigMap' as const, name: 'c', key: 'k' },
}));

const VARIATIONS: Variation[] = [
  {},
  {
    registration: {
      egressGuard: 'Enforce',
      egressAllow: [{ host: 'a.example.com' }, { cidr: '10.0.0.0/8', ports: [1] }],
    },
  },
  { registration: { tools: TOOLS } },
  {
    settings: { resources: { requests: { cpu: '0.1', memory: '1024Mi' }, limits: { cpu: '1000m', memory: '1.5Gi' } } },
  },
  { settings: { resources: { requests: {}, limits: {} }, image: 'gateway' } },
  { settings: { resources: { requests: {}, limits: { memory: '1024Mi' } } } },
];

const APP = {
  allowPrivilegeEscalation: false,
  runAsNonRoot: true,
  runAsUser: 1000,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

const LEVELS = ['privileged', 'baseline', 'restricted'] as const;
const CASES = LEVELS.flatMap((podSecurity) =>
  VARIATIONS.map((variation, index) => ({ podSecurity, index, variation })),
);

test.each(CASES)('$podSecurity, variation $index', async ({ podSecurity, variation }) => {
  const { facts, namespace, settings } = situation({ ...variation, namespace: { podSecurity, name: podSecurity } });
  const pod = podOf(
    {
      containers: [{ name: 'agent', image: 'agent:1', securityContext: APP }],
      initContainers: [{ name: 'setup', image: 'agent:1', securityContext: APP }],
    },
    { namespace: podSecurity },
  );
  const { pod: injected } = injectPod(pod, facts, namespace, settings, digest);

  const path = `/api/v1/namespaces/${podSecurity}/pods?dryRun=All&fieldValidation=Strict`;
  const { status, body, headers } = await server.raw('POST', path, injected);

  expect({ status, body }).toMatchObject({ status: 201 });
  expect(headers.warning).toBeUndefined();
  const admitted = body as AdmittedPod;
  expect(checkPod(admitted, [{ facts, namespace, settings }], digest)).toEqual([]);
  const again = injectPod(admitted, facts, namespace, settings, digest).pod;
  const touched = patchOf(admitted, again).filter(({ path: place }) => !/\/resources\/(limits|requests)\//.test(place));
  expect(touched).toEqual([]);
});
