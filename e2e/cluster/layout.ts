import { join } from 'node:path';

/** The one node, and the networks, which exist only in the cluster's own network namespace. */
export const NODE_NAME = 'e2e-node';
export const BRIDGE = 'aegis0';
export const CLUSTER_CIDR = '10.244.0.0/16';
export const NODE_CIDR = '10.244.0.0/24';
/** The node's address, on the bridge: the API server, the kubelet and DNS listen there. */
export const NODE_ADDRESS = '10.244.0.1';
/** Every Service address lies here. */
export const SERVICE_CIDR = '10.96.0.0/16';
/** Stands for the Internet (RFC 5737): a test may listen on any address of it, and pods reach it. */
export const OUTSIDE_CIDR = '203.0.113.0/24';

export const PAUSE_IMAGE = 'docker.io/library/aegis-e2e-pause:e2e';

/** Where everything of one cluster lies; one folder, removed in the end. */
export class Layout {
  readonly folder: string;
  readonly bin: string;
  readonly containerd: string;
  readonly kubelet: string;
  readonly dnsHosts: string;
  readonly controlSocket: string;
  readonly adminKubeconfig: string;
  readonly enter: string;

  constructor(folder: string) {
    this.folder = folder;
    this.bin = join(folder, 'bin');
    this.containerd = join(folder, 'containerd');
    this.kubelet = join(folder, 'kubelet');
    this.dnsHosts = join(folder, 'dns-hosts');
    this.controlSocket = join(folder, 'control.sock');
    this.adminKubeconfig = join(folder, 'kubeconfig');
    this.enter = join(folder, 'enter');
  }

  get containerdSocket(): string {
    return join(this.containerd, 'containerd.sock');
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** The same name in every cgroup hierarchy. */
  get cgroup(): string {
    return `/${this.folder.split('/').at(-1)}`;
  }
}
