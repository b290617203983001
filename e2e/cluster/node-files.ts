import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { toolFolder } from '../../scripts/tool-path.ts';
import { BRIDGE, CLUSTER_CIDR, type Layout, NODE_ADDRESS, NODE_CIDR, NODE_NAME, PAUSE_IMAGE } from './layout.ts';

/** Configuration of what runs on the node. Pure text, so that all of it can be read in one place. */

export function containerdConfig(layout: Layout): string {
  const tools = toolFolder('cluster-node');
  return `version = 2
root = "${layout.containerd}/root"
state = "${layout.containerd}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing"]
[grpc]
  address = "${layout.containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${tools}/usr/lib/cni"
    conf_dir = "${layout.file('cni')}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "${tools}/usr/bin/runc"
        SystemdCgroup = false
`;
}

export function cniConfig(): object {
  return {
    cniVersion: '0.4.0',
    name: 'aegis-e2e',
    plugins: [
      {
        type: 'bridge',
        bridge: BRIDGE,
        isGateway: true,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: NODE_CIDR, rangeStart: '10.244.0.10', gateway: NODE_ADDRESS }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'portmap', capabilities: { portMappings: true } },
    ],
  };
}

export function kubeletConfig(layout: Layout): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: NODE_ADDRESS,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: layout.file('kubelet-client-ca.crt') },
    },
    authorization: { mode: 'Webhook' },
    healthzBindAddress: '127.0.0.1',
    cgroupDriver: 'cgroupfs',
    cgroupRoot: layout.cgroup,
    clusterDNS: [NODE_ADDRESS],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint: `unix://${layout.containerdSocket}`,
    podLogsDir: layout.file('pod-logs'),
    resolvConf: layout.file('pod-resolv.conf'),
    failCgroupV1: false,
    failSwapOn: false,
    // this machine may not have CAP_SYS_RESOURCE, and its kernel's settings are not the cluster's to change
    featureGates: { KubeletInUserNamespace: true },
    // a full disk of a small machine is not what the suites are about
    evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%' },
    imageGCHighThresholdPercent: 100,
    serializeImagePulls: false,
    registryPullQPS: 0,
    kubeAPIQPS: 200,
    kubeAPIBurst: 400,
    // what a Secret or ConfigMap holds reaches pods as fast as it can
    configMapAndSecretChangeDetectionStrategy: 'Watch',
    syncFrequency: '10s',
    nodeStatusUpdateFrequency: '4s',
  };
}

export function proxyConfig(kubeconfig: string): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    bindAddress: NODE_ADDRESS,
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
    clientConnection: { kubeconfig },
    clusterCIDR: CLUSTER_CIDR,
    hostnameOverride: NODE_NAME,
    mode: 'iptables',
    iptables: { minSyncPeriod: '0s', syncPeriod: '30s' },
    // nothing of the machine's own is changed
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  };
}

/** Names that a suite adds, then the cluster's; everything else does not exist. */
export function corefile(layout: Layout, kubeconfig: string): string {
  return `.:53 {
  bind ${NODE_ADDRESS}
  errors
  ready 127.0.0.1:8181
  hosts ${layout.dnsHosts} {
    ttl 1
    reload 250ms
    fallthrough
  }
  kubernetes cluster.local in-addr.arpa ip6.arpa {
    kubeconfig ${kubeconfig}
    pods insecure
    ttl 1
    fallthrough in-addr.arpa ip6.arpa
  }
  file ${layout.file('empty-zone')} .
}
`;
}

export function writeNodeFiles(layout: Layout): void {
  for (const folder of [layout.containerd, layout.kubelet, layout.file('cni'), layout.file('pod-logs')]) {
    mkdirSync(folder, { recursive: true });
  }
  writeFileSync(layout.file('containerd.toml'), containerdConfig(layout));
  writeFileSync(join(layout.file('cni'), '10-aegis-e2e.conflist'), JSON.stringify(cniConfig()));
  writeFileSync(layout.file('kubelet.json'), JSON.stringify(kubeletConfig(layout)));
  writeFileSync(layout.file('pod-resolv.conf'), '');
  writeFileSync(
    layout.file('empty-zone'),
    '. 1 IN SOA ns.invalid. nobody.invalid. 1 3600 600 86400 1\n. 1 IN NS ns.invalid.\n',
  );
  writeFileSync(layout.dnsHosts, '');
}
