import type {
  AdmittedPod,
  InjectionFacts,
  InjectionSettings,
  NamespaceFacts,
} from '../../../operator/injection/types.ts';
import type { AdmissionRequest } from '../../../operator/webhook/admission-review.ts';
import { PodAdmission, type PodEvent, type PodKnowledge } from '../../../operator/webhook/pod-admission.ts';
import type { RegistrationLike } from '../../../operator/workloads/match-pods.ts';
import { digest } from './webhook-harness.ts';

const SETTINGS: InjectionSettings = {
  image: 'aegis-gateway:1',
  uid: 16001,
  resources: { requests: { cpu: '10m' }, limits: { memory: '256Mi' } },
  bundlesAddress: 'https://aegis-operator-bundles.aegis-system.svc',
  gatewaySettings: {},
  capture: 'Auto',
  clusterDomain: 'cluster.local',
};

function registration(name: string, labels: Record<string, string> = { app: 'payer' }): RegistrationLike {
  return {
    apiVersion: 'aegis.dev/v1alpha1',
    kind: 'AgentRegistration',
    metadata: { name, namespace: 'fintech', uid: `uid-${name}` },
    spec: { workload: { selector: { matchLabels: labels }, serviceAccountName: 'payer' } },
  };
}

function factsOf(name: string): InjectionFacts {
  return {
    registration: {
      name,
      namespace: 'fintech',
      agentId: name,
      egressGuard: 'Enforce',
      egressAllow: [],
      tools: [{ toolId: 'stripe-payments' }],
    },
    tenant: { name: 'fintech', uid: 'uid-fintech' },
    pinnedKeys: ['a'.repeat(32), 'b'.repeat(32)],
    caPem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    minSequence: 7,
  };
}

class Knowledge implements PodKnowledge {
  ready = true;
  namespaces = new Map<string, NamespaceFacts>([
    ['fintech', { name: 'fintech', mode: 'Enabled', podSecurity: 'privileged' }],
  ]);
  accepted = [registration('payer')];
  invalid: RegistrationLike[] = [];
  taken = new Set<string>();
  /** The oldest that a pod may have been rendered from. */
  lowest = 7;

  namespace(name: string) {
    return this.namespaces.get(name);
  }
  registrations() {
    return this.accepted;
  }
  unusable() {
    return this.invalid;
  }
  registration(_namespace: string, name: string) {
    return this.accepted.find(({ metadata }) => metadata.name === name);
  }
  facts(_namespace: string, name: string) {
    return this.taken.has(name) ? undefined : factsOf(name);
  }
  expected(namespace: string, name: string) {
    const facts = this.facts(namespace, name);
    return facts === undefined ? [] : [facts, { ...facts, minSequence: this.lowest }];
  }
}

function world(options: { settings?: InjectionSettings | undefined } = { settings: SETTINGS }) {
  const knowledge = new Knowledge();
  const events: PodEvent[] = [];
  const fetched: string[] = [];
  const unread: string[] = [];
  const admission = new PodAdmission({
    knowledge,
    settings: options.settings,
    digest,
    fetchNamespace: async (name) => {
      fetched.push(name);
      return name === 'new' ? { name, mode: 'Enabled', podSecurity: 'privileged' } : undefined;
    },
    unreadRegistrations: async () => unread,
    record: (event) => void events.push(event),
  });
  return { knowledge, events, fetched, unread, admission };
}

function podOf(
  change: Partial<AdmittedPod['spec']> = {},
  labels: Record<string, string> = { app: 'payer' },
): AdmittedPod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'payer-', labels },
    spec: { serviceAccountName: 'payer', containers: [{ name: 'app', image: 'app:1' }], ...change },
  };
}

function request(pod: AdmittedPod, change: Partial<AdmissionRequest> = {}): AdmissionRequest {
  const object = pod as unknown as NonNullable<AdmissionRequest['object']>;
  return { uid: 'u', operation: 'CREATE', namespace: 'fintech', object, ...change };
}

/** As the API server would have it after the patch of `inject`. */
async function injected(admission: PodAdmission, pod = podOf()): Promise<AdmittedPod> {
  const { patch = '' } = await admission.inject(request(pod));
  const operations = JSON.parse(Buffer.from(patch, 'base64').toString()) as {
    op: string;
    path: string;
    value: never;
  }[];
  const result = structuredClone(pod) as unknown as Record<string, unknown>;
  for (const { op, path, value } of operations) {
    const keys = path
      .slice(1)
      .split('/')
      .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
    const last = keys.pop() ?? '';
    const parent = keys.reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, result);
    if (Array.isArray(parent))
      parent.splice(
        last === '-' ? parent.length : Number(last),
        op === 'add' ? 0 : 1,
        ...(op === 'remove' ? [] : [value]),
      );
    else if (op === 'remove') delete parent[last];
    else parent[last] = value;
  }
  return result as unknown as AdmittedPod;
}

test('what was put in is found again, also when it was rendered a few sequences ago', async () => {
  const { admission, knowledge } = world();
  const pod = await injected(admission);
  expect(pod.spec.initContainers?.[0]?.name).toBe('aegis-gateway');
  expect(await admission.check(request(pod))).toMatchObject({ allowed: true });
  const gateway = pod.spec.initContainers?.[0];
  const sequence = gateway?.env?.find(({ name }) => name === 'AEGIS_GATEWAY_BUNDLE_MIN_SEQUENCE');
  if (sequence !== undefined) sequence.value = '5';
  expect(await admission.check(request(pod))).toMatchObject({ allowed: false });
  knowledge.lowest = 5;
  expect(await admission.check(request(pod))).toMatchObject({ allowed: true });
});

test('a pod without its gateway does not get through the check', async () => {
  const { admission, events } = world();
  const answer = await admission.check(request(podOf()));
  expect(answer).toMatchObject({ allowed: false, status: { code: 403 } });
  expect(answer.status?.message).toMatch(/^AEGIS_INJECT_DIFFERS: /);
  expect(events).toMatchObject([{ reason: 'PodRefused', regarding: { metadata: { name: 'payer' } } }]);
});

test('a pod of nobody that has something of ours does not get through the check', async () => {
  const { admission } = world();
  const pod = podOf({ initContainers: [{ name: 'aegis-gateway', image: 'x' }] }, { app: 'other' });
  expect(await admission.check(request(pod))).toMatchObject({ allowed: false });
  expect(await admission.check(request(podOf({}, { app: 'other' })))).toEqual({ uid: 'u', allowed: true });
});

test.each([
  ['it was told no image', world({ settings: undefined })],
  [
    'it has not read everything',
    (() => {
      const w = world();
      w.knowledge.ready = false;
      return w;
    })(),
  ],
])('refused for now, because %s', async (_, { admission, events }) => {
  for (const judge of [admission.inject, admission.check]) {
    const answer = await judge(request(podOf()));
    expect(answer).toMatchObject({ allowed: false, status: { code: 503, reason: 'ServiceUnavailable' } });
    expect(answer.status?.message).toMatch(/^AEGIS_INJECT_NOT_READY: /);
  }
  expect(events).toEqual([]);
});

test('a namespace that is newer than the copy is asked for', async () => {
  const { admission, fetched } = world();
  expect(await admission.inject(request(podOf({}, { app: 'x' }), { namespace: 'new' }))).toMatchObject({
    allowed: true,
  });
  expect(await admission.inject(request(podOf(), { namespace: 'gone' }))).toMatchObject({ allowed: false });
  expect(fetched).toEqual(['new', 'gone']);
});

test('a pod of nobody, where a registration has not been read yet, is refused for now', async () => {
  const { admission, unread, events } = world();
  unread.push('newest');
  const answer = await admission.check(request(podOf({}, { app: 'other' })));
  expect(answer).toMatchObject({ allowed: false, status: { code: 503, reason: 'ServiceUnavailable' } });
  expect(answer.status?.message).toMatch(/^AEGIS_INJECT_NOT_READY: .*newest/);
  // what has its gateway need not wait, and what is refused for good is
  expect(await admission.check(request(await injected(admission)))).toMatchObject({ allowed: true });
  const forged = podOf({ initContainers: [{ name: 'aegis-gateway', image: 'x' }] }, { app: 'other' });
  expect(await admission.check(request(forged))).toMatchObject({ allowed: false, status: { code: 403 } });
  expect(events).toEqual([]);
  unread.length = 0;
  expect(await admission.check(request(podOf({}, { app: 'other' })))).toEqual({ uid: 'u', allowed: true });
});

test('a registration that was never valid: its pods are not started as those of nobody', async () => {
  const { admission, knowledge } = world();
  knowledge.accepted = [];
  knowledge.invalid = [registration('payer')];
  const answer = await admission.inject(request(podOf()));
  expect(answer.status?.message).toMatch(/^AEGIS_INJECT_REGISTRATION: .*payer/);
  expect(await admission.inject(request(podOf({}, { app: 'other' })))).toMatchObject({ allowed: true });
  expect(await admission.inject(request(podOf({ serviceAccountName: 'other' })))).toMatchObject({ allowed: true });
});

test('an agent id that is taken by another registration', async () => {
  const { admission, knowledge } = world();
  knowledge.taken.add('payer');
  for (const judge of [admission.inject, admission.check]) {
    expect((await judge(request(podOf()))).status?.message).toMatch(/^AEGIS_INJECT_REGISTRATION: /);
  }
});

test('what cannot be rendered is refused with its code', async () => {
  const { admission, knowledge } = world();
  knowledge.facts = (_namespace, name) => ({ ...factsOf(name), pinnedKeys: [] });
  for (const judge of [admission.inject, admission.check]) {
    expect((await judge(request(podOf()))).status?.message).toMatch(/^AEGIS_INJECT_RENDER: /);
  }
});

test('events name the pod, and a dry run leaves none', async () => {
  const { admission, events } = world();
  const pod = podOf({ hostNetwork: true });
  expect(await admission.inject(request(pod, { dryRun: true }))).toMatchObject({ allowed: false });
  expect(events).toEqual([]);
  await admission.inject(request(pod));
  expect(events).toMatchObject([{ note: expect.stringMatching(/^payer-…: AEGIS_INJECT_HOST_NETWORK: /) }]);
});

test.each([
  ['an update', { operation: 'UPDATE' }],
  ['a subresource', { subResource: 'ephemeralcontainers' }],
  ['another kind', { object: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } } }],
])('%s is none of its business', async (_, change) => {
  const { admission } = world();
  expect(await admission.inject(request(podOf(), change))).toEqual({ uid: 'u', allowed: true });
});
