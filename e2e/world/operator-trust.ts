import { execFile } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makeLeaf } from '../../operator/certificates/serving-authority.ts';
import type { Cluster, Pod } from '../cluster/cluster.ts';
import { OPERATOR_NAMESPACE } from '../support/operator.ts';

const run = promisify(execFile);
const CLI = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const SECRET = ['-n', OPERATOR_NAMESPACE, 'secret/aegis-serving-certificate'];

export interface SigningKeys {
  active: string;
  standby: string;
}

/** As `aegis keys rotate` does it. @returns the keys from now on */
export async function rotateKeys(cluster: Cluster): Promise<SigningKeys> {
  const words = ['keys', 'rotate', '--yes', '--output', 'json', '--kubeconfig', cluster.kubeconfig];
  const { stdout } = await run(process.execPath, [CLI, ...words], { timeout: 60_000 });
  return JSON.parse(stdout) as SigningKeys;
}

/** Ids of the signing keys that the gateway of a pod trusts, sorted. */
export function pinnedKeys(pod: Pod): string[] {
  const gateway = pod.spec.initContainers?.find(({ name }) => name === 'aegis-gateway') as Container | undefined;
  const { value = '' } = gateway?.env.find(({ name }) => name === 'AEGIS_GATEWAY_BUNDLE_PINNED_KEYS') ?? {};
  return value.split(',').sort();
}

interface Container {
  env: { name: string; value?: string }[];
}

/** What the operator serves with, PEM. */
export async function servingCertificate(cluster: Cluster): Promise<{ ca: string; leaf: X509Certificate }> {
  const data = await secretData(cluster);
  return { ca: data['ca.crt'], leaf: new X509Certificate(data['tls.crt']) };
}

/** Whom the API server believes when it asks about new pods, PEM. */
export async function webhookAuthority(cluster: Cluster): Promise<string> {
  const path = '-o=jsonpath={.webhooks[0].clientConfig.caBundle}';
  const text = await cluster.kubectl(['get', 'mutatingwebhookconfiguration/aegis-injection', path]);
  return Buffer.from(text, 'base64').toString('utf8');
}

/** Leaves a certificate of the same CA that ended some minutes ago. */
export async function expireServingCertificate(cluster: Cluster): Promise<void> {
  const data = await secretData(cluster);
  const { names } = JSON.parse(data['rotation.json']) as { names: string[] };
  const authority = { certificate: data['ca.crt'], key: data['ca.key'] };
  const minute = 60_000;
  const leaf = makeLeaf(authority, names, Date.now() - 30 * minute, 20 * minute, { randomBytes });
  const patch = { stringData: { 'tls.crt': leaf.certificate, 'tls.key': leaf.key } };
  await cluster.kubectl(['patch', ...SECRET, '--patch', JSON.stringify(patch)]);
}

export async function deleteServingCertificate(cluster: Cluster): Promise<void> {
  await cluster.kubectl(['delete', ...SECRET]);
}

type Entries = Record<'ca.crt' | 'ca.key' | 'tls.crt' | 'rotation.json', string>;

async function secretData(cluster: Cluster): Promise<Entries> {
  const { data } = await cluster.json<{ data: Record<string, string> }>(['get', ...SECRET]);
  const texts = Object.entries(data).map(([name, value]) => [name, Buffer.from(value, 'base64').toString('utf8')]);
  return Object.fromEntries(texts) as Entries;
}
