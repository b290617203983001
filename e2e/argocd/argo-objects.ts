import { randomBytes } from 'node:crypto';
import type { Cluster } from '../cluster/cluster.ts';

export const NAMESPACE = 'argocd';
const PART = { 'app.kubernetes.io/part-of': 'argocd' };

interface Kubeconfig {
  clusters: {
    cluster: { server: string; 'certificate-authority-data'?: string; 'insecure-skip-tls-verify'?: boolean };
  }[];
  users: { user: { token?: string; 'client-certificate-data'?: string; 'client-key-data'?: string } }[];
}

/** What Argo CD wants to find in its namespace before its programs start. @returns the cluster's address */
export async function writeArgoObjects(cluster: Cluster): Promise<string> {
  const config = await cluster.json<Kubeconfig>(['config', 'view', '--raw', '--minify', '--flatten']);
  const [target, user] = [config.clusters[0]?.cluster, config.users[0]?.user];
  if (target === undefined || user === undefined) throw new Error('the kubeconfig names no cluster');
  const access = {
    ...(user.token !== undefined && { bearerToken: user.token }),
    tlsClientConfig: {
      insecure: target['insecure-skip-tls-verify'] ?? false,
      ...(target['certificate-authority-data'] && { caData: target['certificate-authority-data'] }),
      ...(user['client-certificate-data'] && { certData: user['client-certificate-data'] }),
      ...(user['client-key-data'] && { keyData: user['client-key-data'] }),
    },
  };
  const configMap = (name: string, data: Record<string, string> = {}) => ({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, labels: PART },
    data,
  });
  const secret = (name: string, labels: Record<string, string>, stringData: Record<string, string>) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, labels: { ...PART, ...labels } },
    stringData,
  });
  const project = {
    apiVersion: 'argoproj.io/v1alpha1',
    kind: 'AppProject',
    metadata: { name: 'default' },
    spec: {
      sourceRepos: ['*'],
      destinations: [{ namespace: '*', server: '*' }],
      clusterResourceWhitelist: [{ group: '*', kind: '*' }],
    },
  };
  const items = [
    configMap('argocd-cm', { 'timeout.reconciliation': '10s', 'timeout.reconciliation.jitter': '0s' }),
    configMap('argocd-rbac-cm'),
    configMap('argocd-gpg-keys-cm'),
    configMap('argocd-ssh-known-hosts-cm'),
    configMap('argocd-tls-certs-cm'),
    secret('argocd-secret', {}, { 'server.secretkey': randomBytes(32).toString('hex') }),
    secret(
      'e2e-cluster',
      { 'argocd.argoproj.io/secret-type': 'cluster' },
      { name: 'e2e', server: target.server, config: JSON.stringify(access) },
    ),
    project,
  ];
  const list = { apiVersion: 'v1', kind: 'List', items };
  await cluster.applyYaml(JSON.stringify(list), { namespace: NAMESPACE, force: true });
  return target.server;
}
