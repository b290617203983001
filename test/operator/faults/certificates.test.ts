/** The serving certificate ends, is lost, or is replaced while a gateway waits in a long poll: nobody is cut off. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { parse } from 'yaml';
import { makeLeaf } from '../../../operator/certificates/serving-authority.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { eventually } from '../../apiserver/wait-for.ts';
import type { AgentPod } from '../../support/agent-pod.ts';
import { dollars, policy, registration, tool } from './samples-b.ts';
import { configMapPath, OPERATOR_NAMESPACE, type StoredConfigMap, World } from './world-b.ts';

const SHOP = 'shop';
const SECRET = `/api/v1/namespaces/${OPERATOR_NAMESPACE}/secrets/aegis-serving-certificate`;
const WEBHOOKS = join(__dirname, '..', '..', '..', 'config/webhook/validating-webhook.yaml');

let world: World;
let gateway: AgentPod;
let port: number;

type Secret = KubeObject & { data: Record<string, string> };

async function secret(): Promise<Secret> {
  const { status, body } = await world.server.raw('GET', SECRET);
  if (status !== 200) throw new Error(`the Secret: ${status}`);
  return body as Secret;
}

const text = ({ data }: Secret, entry: string): string => Buffer.from(data[entry] ?? '', 'base64').toString();

/** Serial number of what is served now. */
function served(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()?.serialNumber ?? '');
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

async function reaches(cap: number): Promise<void> {
  await world.apply(policy(SHOP, 'payments', { cap }));
  await eventually(async () => {
    expect((await gateway.decide(dollars(cap))).verdict).toBe('allow');
    expect((await gateway.decide(dollars(cap + 1))).verdict).toBe('deny');
  }, 20_000);
}

/** failurePolicy is Ignore: only a webhook that is reached refuses. */
async function webhookRefusesTypos(): Promise<void> {
  await eventually(async () => {
    const typo = policy(SHOP, 'typo');
    typo.spec.scop = {};
    await expect(world.apply(typo)).rejects.toThrow(/AEGIS_UNKNOWN_FIELD.*scop/s);
  }, 15_000);
}

beforeAll(async () => {
  world = await World.open([SHOP]);
  port = world.bundlesPort;
  const configuration = parse(readFileSync(WEBHOOKS, 'utf8')) as { webhooks: { clientConfig: object }[] };
  for (const webhook of configuration.webhooks) {
    webhook.clientConfig = { url: `https://127.0.0.1:${world.webhookPort}/validate` };
  }
  await world.apply(configuration);
  await world.apply(tool(SHOP), registration(SHOP), policy(SHOP, 'payments', { cap: 100 }));
  gateway = await world.agentPod({ namespace: SHOP, agent: 'buyer', settings: { 'bundle.pollWait': '30s' } });
  await reaches(101);
  await webhookRefusesTypos();
}, 90_000);

afterAll(async () => {
  await world?.close();
});

test('a leaf that is about to end is renewed; after its end, gateway and webhook are reached as before', async () => {
  const before = await secret();
  const authority = { certificate: text(before, 'ca.crt'), key: text(before, 'ca.key') };
  const { names } = JSON.parse(text(before, 'rotation.json')) as { names: string[] };
  const life = 6_000;
  const short = makeLeaf(authority, names, Date.now(), life, { randomBytes });
  const { serialNumber } = new X509Certificate(short.certificate);
  const base64 = (value: string) => Buffer.from(value).toString('base64');
  await world.patch(SECRET, { data: { 'tls.crt': base64(short.certificate), 'tls.key': base64(short.key) } });
  await eventually(async () => {
    const leaf = new X509Certificate(text(await secret(), 'tls.crt'));
    expect(leaf.serialNumber).not.toBe(serialNumber);
    expect(leaf.validToDate.getTime()).toBeGreaterThan(Date.now() + 86_400_000);
    expect(await served()).toBe(leaf.serialNumber);
  }, 5_000);
  // the long poll that began before goes on; new connections are made after the end of the short one
  await reaches(102);
  await sleep(life);
  await reaches(103);
  await webhookRefusesTypos();
});

test('the leaf in the Secret is overwritten: what is served stays usable, and another one is written', async () => {
  const before = await secret();
  await world.patch(SECRET, { data: { 'tls.crt': 'AAAA', 'tls.key': 'AAAA' } });
  await eventually(async () => {
    const leaf = new X509Certificate(text(await secret(), 'tls.crt'));
    expect(await served()).toBe(leaf.serialNumber);
  }, 10_000);
  // the same CA signs: nobody has to learn anything
  expect(text(await secret(), 'ca.crt')).toBe(text(before, 'ca.crt'));
  await reaches(104);
  await webhookRefusesTypos();
});

test('the Secret is deleted: the leader knows it by heart, and no CA appears that nobody trusts', async () => {
  const before = await secret();
  await world.drop(SECRET);
  await eventually(
    async () => expect((await secret()).data).toMatchObject({ 'ca.crt': before.data['ca.crt'] }),
    10_000,
  );
  expect(await served()).toBe(new X509Certificate(text(await secret(), 'tls.crt')).serialNumber);
  await reaches(105);
  await webhookRefusesTypos();
});

test('a new CA is asked for: it joins the bundle everywhere, and nothing is signed by it yet', async () => {
  const before = await secret();
  await world.patch(SECRET, { metadata: { annotations: { 'aegis.dev/rotate-ca': 'today' } } });
  await eventually(async () => {
    const bundle = text(await secret(), 'ca.crt');
    expect(bundle.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    const { body } = await world.server.raw('GET', configMapPath('aegis-trusted-keys'));
    expect((body as StoredConfigMap).data?.['ca.crt']).toBe(bundle);
    const copy = await world.server.raw('GET', configMapPath('aegis-bootstrap-buyer', SHOP));
    expect((copy.body as StoredConfigMap).data?.['ca.crt']).toBe(bundle);
  }, 15_000);
  expect(await served()).toBe(new X509Certificate(text(before, 'tls.crt')).serialNumber);
  await eventually(async () => expect(text(await secret(), 'rotation.json')).toContain('publishedAt'), 15_000);
  await reaches(106);
  await webhookRefusesTypos();
});
