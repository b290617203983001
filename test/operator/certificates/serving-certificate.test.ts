import { randomBytes, X509Certificate } from 'node:crypto';
import { VALIDATING_WEBHOOKS, VALIDATION_WEBHOOK } from '../../../operator/certificates/ca-bundle.ts';
import { CERTIFICATE_SECRET, type CertificateSecret } from '../../../operator/certificates/certificate-secret.ts';
import { bundleHolds, certificatesOf } from '../../../operator/certificates/pem-bundle.ts';
import { makeAuthority } from '../../../operator/certificates/serving-authority.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { SECRET } from '../../../operator/model/resource-types.ts';
import { ApiServer, waitFor } from '../../apiserver/api-server.ts';
import { WebhookReplica, webhookManifest } from '../webhook/webhook-harness.ts';

const POLICIES = '/apis/aegis.dev/v1alpha1/namespaces/default/agentpolicies?dryRun=All&fieldValidation=Ignore';
const TYPO = {
  apiVersion: 'aegis.dev/v1alpha1',
  kind: 'AgentPolicy',
  metadata: { name: 'typo', namespace: 'default' },
  spec: { scope: { tenantWide: true }, rules: [{ name: 'r', actions: ['*'] }], typo: 1 },
};

let api: ApiServer;
let namespace: string;
const replicas: WebhookReplica[] = [];

beforeAll(async () => {
  api = await ApiServer.start();
});
afterAll(() => api.stop());
beforeEach(async () => {
  namespace = await api.namespace('certificates');
});
afterEach(async () => {
  await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
  await api.runKubectl(['delete', 'validatingwebhookconfiguration', '--all']);
});

type Lives = ConstructorParameters<typeof WebhookReplica>[2];

function replica(lives: Lives = {}): WebhookReplica {
  const made = new WebhookReplica(api, namespace, lives);
  replicas.push(made);
  return made;
}

async function secret(): Promise<CertificateSecret> {
  const found = await replicas[0]?.client.get<CertificateSecret>(SECRET, { namespace, name: CERTIFICATE_SECRET });
  if (found === undefined) throw new Error('there is no Secret');
  return found;
}

const entry = async (name: string) => Buffer.from((await secret()).data?.[name] ?? '', 'base64').toString('utf8');
const kubectl = (...args: string[]) => api.runKubectl(['-n', namespace, ...args]);
const serial = ({ certificate }: WebhookReplica) => new X509Certificate(certificate.current().cert).serialNumber;

interface Configuration extends KubeObject {
  webhooks: { name: string; failurePolicy: string; clientConfig: { caBundle?: string; url?: string } }[];
}

async function configuration(): Promise<Configuration> {
  const found = await replicas[0]?.client.get<Configuration>(VALIDATING_WEBHOOKS, { name: VALIDATION_WEBHOOK });
  return found as Configuration;
}

const handedOut = async () =>
  Buffer.from((await configuration()).webhooks[0]?.clientConfig.caBundle ?? '', 'base64').toString();

async function install(leader: WebhookReplica): Promise<void> {
  await api.applyYaml(JSON.stringify(webhookManifest(leader.server?.address.port as number)), { force: true });
  const called = async () => (await api.raw('POST', POLICIES, TYPO)).status === 422;
  await waitFor(called, 15_000, 'the webhook is not called');
}

/** Asks without a pause until it is stopped; every answer must be the webhook's. */
function stream(): { stop(): Promise<{ asked: number; others: string[] }> } {
  let stopped = false;
  let asked = 0;
  const others: string[] = [];
  const ask = async () => {
    while (!stopped) {
      const { status, body } = await api.raw('POST', POLICIES, TYPO);
      asked++;
      if (status !== 422) others.push(`${status} ${JSON.stringify(body).slice(0, 300)}`);
    }
  };
  const asking = [ask(), ask()];
  return {
    async stop() {
      stopped = true;
      await Promise.all(asking);
      return { asked, others };
    },
  };
}

test('replicas that start at once agree on one certificate', async () => {
  const all = [replica(), replica(), replica()];
  await Promise.all(all.map((each) => each.start({ leads: false })));
  expect(new Set(all.map(serial)).size).toBe(1);
  const { metadata, type } = await secret();
  expect(metadata.labels).toMatchObject({ 'app.kubernetes.io/managed-by': 'aegis-operator' });
  expect(type).toBe('kubernetes.io/tls');
  const made = all.flatMap(({ log }) => log.lines).filter(({ fields }) => fields.reason === 'created');
  expect(made).toHaveLength(1);
});

test('a leaf that is about to end is replaced without one failed admission', async () => {
  // Every 4 seconds.
  const lives = { leafLife: 6_000 };
  const [leader, follower] = [replica(lives), replica(lives)];
  await leader.start({ reconnect: true });
  await follower.start({ leads: false });
  await install(leader);
  const asking = stream();
  const seen = new Set<string>();
  await waitFor(() => seen.add(serial(leader)).size >= 4, 40_000, 'the leaf is not replaced');
  const { asked, others } = await asking.stop();
  expect(others).toEqual([]);
  expect(asked).toBeGreaterThan(50);
  await waitFor(() => serial(follower) === serial(leader), 3_000, 'the follower serves another leaf');
  // The CA is the same, so that nobody had to be told.
  expect(leader.log.lines.filter(({ event }) => event === 'ca-bundle')).toHaveLength(1);
}, 90_000);

test('a CA is replaced under a stream of admissions without one failure', async () => {
  const lives = { overlap: 3_000 };
  const [leader, follower] = [replica(lives), replica(lives)];
  await leader.start({ reconnect: true });
  await follower.start({ leads: false });
  await install(leader);
  const before = await entry('ca.crt');
  const bundles = new Set<string>();
  const asking = stream();
  await kubectl('annotate', 'secret', CERTIFICATE_SECRET, 'aegis.dev/rotate-ca=first');
  await waitFor(
    async () => {
      const bundle = await handedOut();
      bundles.add(bundle);
      // Whatever is served, is covered by what is handed out.
      const { cert } = follower.certificate.current();
      const leaf = new X509Certificate(cert);
      expect(certificatesOf(bundle).some((ca) => leaf.checkIssued(ca))).toBe(true);
      return certificatesOf(bundle).length === 1 && !bundleHolds(bundle, before);
    },
    40_000,
    () => `the CA is not replaced: ${JSON.stringify(leader.log.lines)}`,
  );
  const { asked, others } = await asking.stop();
  expect(others).toEqual([]);
  expect(asked).toBeGreaterThan(50);
  expect([...bundles].map((bundle) => certificatesOf(bundle).length)).toEqual([1, 2, 1]);
  const reasons = leader.log.lines
    .filter(({ event }) => event === 'serving-certificate')
    .map(({ fields }) => fields.reason);
  expect(reasons).toEqual(['created', 'nextCaAdded', 'nextCaPublished', 'caSwitched', 'oldCaDropped']);
  await waitFor(() => serial(follower) === serial(leader), 3_000);
}, 90_000);

test('a new CA waits for everybody who hands out the bundle', async () => {
  const leader = replica({ overlap: 500 });
  let holds = false;
  leader.certificate.addConsumer({ holds: () => holds });
  await leader.start();
  await kubectl('annotate', 'secret', CERTIFICATE_SECRET, 'aegis.dev/rotate-ca=first');
  const steps = () => leader.log.lines.filter(({ event }) => event === 'serving-certificate').length;
  await waitFor(() => steps() === 2);
  const first = serial(leader);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect([steps(), serial(leader)]).toEqual([2, first]);
  holds = true;
  await waitFor(() => serial(leader) !== first, 10_000);
});

describe('a Secret that somebody else has touched', () => {
  test('deleted: the same certificate is there again', async () => {
    const [leader, follower] = [replica(), replica()];
    await leader.start();
    await follower.start({ leads: false });
    const [first, uid] = [serial(leader), (await secret()).metadata.uid];
    await kubectl('delete', 'secret', CERTIFICATE_SECRET);
    const madeAnew = async () => {
      const found = (await secret().catch(() => undefined))?.metadata.uid;
      return found !== undefined && found !== uid;
    };
    await waitFor(madeAnew, 10_000, 'the Secret is not made anew');
    expect([serial(leader), serial(follower)]).toEqual([first, first]);
    expect(new X509Certificate(await entry('tls.crt')).serialNumber).toBe(first);
    expect(leader.log.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', fields: { code: 'AEGIS_CERTIFICATE_SECRET', state: 'gone' } }),
    );
  });

  test.each([
    ['a leaf that cannot be read', { 'tls.crt': 'eA==' }],
    ['another key', { 'tls.key': 'eA==' }],
    ['no CA', { 'ca.crt': '', 'ca.key': '' }],
    ['nothing left', { 'ca.crt': '', 'ca.key': '', 'tls.crt': '', 'tls.key': '', 'rotation.json': '' }],
  ])('%s: repaired, and served all the while', async (_name, data) => {
    const leader = replica();
    await leader.start();
    const bundle = leader.certificate.current().caBundle;
    await kubectl('patch', 'secret', CERTIFICATE_SECRET, '--type=merge', '-p', JSON.stringify({ data }));
    await waitFor(async () => {
      const cert = await entry('tls.crt');
      const [leaf] = certificatesOf(cert);
      const [ca] = certificatesOf(await entry('ca.crt'));
      return (
        leaf !== undefined && ca !== undefined && leaf.checkIssued(ca) && leader.certificate.current().cert === cert
      );
    }, 10_000);
    // Clients need not be told.
    expect(leader.certificate.current().caBundle).toBe(bundle);
  });

  test('broken before the operator starts: it starts all the same', async () => {
    const data = { 'tls.crt': 'eA==', 'tls.key': 'eA==' };
    const broken = { apiVersion: 'v1', kind: 'Secret', metadata: { name: CERTIFICATE_SECRET }, type: 'Opaque', data };
    await api.raw('POST', `/api/v1/namespaces/${namespace}/secrets`, broken);
    const leader = replica();
    await leader.start();
    expect(certificatesOf(await entry('ca.crt'))).toHaveLength(1);
  });
});

describe('caBundle', () => {
  test('is put back wherever it was taken away, and nothing else is touched', async () => {
    const leader = replica();
    await leader.start();
    await install(leader);
    const bundle = leader.certificate.current().caBundle;
    const before = await configuration();
    const other = makeAuthority(Date.now(), 86_400_000, { randomBytes });
    for (const op of [
      { op: 'remove', path: '/webhooks/0/clientConfig/caBundle' },
      {
        op: 'replace',
        path: '/webhooks/0/clientConfig/caBundle',
        value: Buffer.from(other.certificate).toString('base64'),
      },
    ]) {
      const path = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${VALIDATION_WEBHOOK}`;
      await api.raw('PATCH', path, [op], { contentType: 'application/json-patch+json' });
    }
    await waitFor(async () => (await handedOut()) === bundle, 10_000);
    const after = await configuration();
    expect(after.webhooks).toEqual(before.webhooks);
    expect(after.webhooks[0]?.failurePolicy).toBe('Ignore');
    const managers = after.metadata.managedFields as { manager: string; fieldsV1: object }[] | undefined;
    const own = managers?.find(({ manager }) => manager === 'aegis-webhook-ca');
    expect(JSON.stringify(own?.fieldsV1)).toMatch(
      /^\{"f:webhooks":\{"k:\{\\"name\\":\\"validate.aegis.dev\\"\}":\{"f:clientConfig":\{"f:caBundle":\{\}\}\}\}\}$/,
    );
  });

  test('a manifest that is applied again leaves it alone', async () => {
    const leader = replica();
    await leader.start();
    await install(leader);
    const manifest = JSON.stringify(webhookManifest(leader.server?.address.port as number));
    const puts = () => leader.log.lines.filter(({ event }) => event === 'ca-bundle').length;
    const before = puts();
    await api.applyYaml(manifest);
    await api.runKubectl(['apply', '-f', '-'], manifest);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await handedOut()).toBe(leader.certificate.current().caBundle);
    expect(puts()).toBe(before);
  });

  test('a configuration that comes later gets it', async () => {
    const leader = replica();
    await leader.start();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await install(leader);
    expect(await handedOut()).toBe(leader.certificate.current().caBundle);
  });

  test('somebody who takes it away all the time is not outrun', async () => {
    const leader = replica();
    await leader.start();
    await install(leader);
    const path = `/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/${VALIDATION_WEBHOOK}`;
    const until = performance.now() + 3_000;
    while (performance.now() < until) {
      const remove = [{ op: 'remove', path: '/webhooks/0/clientConfig/caBundle' }];
      await api.raw('PATCH', path, remove, { contentType: 'application/json-patch+json' });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(leader.log.lines.filter(({ event }) => event === 'ca-bundle').length).toBeLessThanOrEqual(6);
  });
});
