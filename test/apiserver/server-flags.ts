import { join } from 'node:path';

export interface Ports {
  etcd: number;
  peer: number;
  server: number;
  manager: number;
}

export interface FlagInputs {
  folder: string;
  /** Of this control plane alone. */
  name: string;
  ports: Ports;
  kubeconfig: string;
  caFile: string;
  /** Where the API server listens. */
  address: string;
  /** Every pod gets a ServiceAccount and its token, which waits for the controller manager. */
  serviceAccounts: boolean;
}

export function etcdFlags({ folder, name, ports }: FlagInputs): string[] {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.peer}`;
  return [
    `--name=${name}`,
    `--data-dir=${join(folder, 'etcd')}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=${name}=${peer}`,
    `--initial-cluster-token=${name}`,
    // durability of a scratch folder is worth nothing, and fsync is most of the time that a test takes
    '--unsafe-no-fsync',
    '--log-level=warn',
  ];
}

export function serverFlags({ folder, ports, address, serviceAccounts }: FlagInputs): string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${ports.etcd}`,
    `--cert-dir=${join(folder, 'tls')}`,
    `--secure-port=${ports.server}`,
    `--bind-address=${address}`,
    `--service-account-key-file=${join(folder, 'sa.pub')}`,
    `--service-account-signing-key-file=${join(folder, 'sa.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--token-auth-file=${join(folder, 'tokens.csv')}`,
    '--authorization-mode=Node,RBAC',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--allow-privileged=true',
    '--enable-admission-plugins=NodeRestriction',
    // without a controller manager nobody makes the default ServiceAccount that this plugin waits for
    ...(serviceAccounts ? [] : ['--disable-admission-plugins=ServiceAccount']),
    '--enable-priority-and-fairness=true',
  ];
}

export function managerFlags({ folder, ports, kubeconfig, caFile }: FlagInputs): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--service-account-private-key-file=${join(folder, 'sa.key')}`,
    `--root-ca-file=${caFile}`,
    `--secure-port=${ports.manager}`,
    `--cert-dir=${join(folder, 'manager-tls')}`,
    '--bind-address=127.0.0.1',
    '--leader-elect=false',
    '--use-service-account-credentials=true',
  ];
}
